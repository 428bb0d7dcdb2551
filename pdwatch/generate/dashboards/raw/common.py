"""What the boards over the engines' own metrics share."""

from __future__ import annotations

from pdwatch.generate.dashboards.board import Mark, Variable
from pdwatch.generate.dashboards.promql import begun
from pdwatch.generate.dashboards.raw.names import chosen, now
from pdwatch.model.reading import Quantity as Q

TAGS = ("vllm", "raw-vllm", "prefill-decode")
FLEET, REQUEST, TRANSFER = (f"raw-vllm-{name}" for name in ("fleet", "request", "transfer"))
"""The uids of the boards."""

_SEEN = "vllm:num_requests_running"
VARIABLES = (
    Variable("cluster", "Cluster", f"label_values({_SEEN}, cluster)"),
    Variable("model", "Model", f'label_values({_SEEN}{{cluster=~"$cluster"}}, model_name)'),
    Variable(
        "role", "Role", f'label_values({_SEEN}{{cluster=~"$cluster", model_name=~"$model"}}, role)', backwards=True
    ),
    Variable(
        "instance",
        "Instance",
        f'label_values({_SEEN}{{cluster=~"$cluster", model_name=~"$model", role=~"$role"}}, instance)',
    ),
)
"""`role` is a label that the scrape configuration adds; vLLM itself tells none. Without it all is shown as one."""

MARKS = (
    Mark(
        "Restart",
        begun(chosen("process_start_time_seconds"), now(Q.REQUESTS_RUNNING)),
        "purple",
        "{{instance}} was restarted",
    ),
)
ENGINE = "{{instance}} rank {{engine}}"
BY_ENGINE = ("role", "instance", "engine")
NEEDS_ROLES = "Needs the label `role` on the engines' targets; docs/dashboards.md says how."
