"""The files of recording rules."""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.generate.options import Options
from pdwatch.generate.rules import RECORDS
from pdwatch.generate.rules.document import prometheus_rule, record_rule, rule_file

NAME = "pdwatch-recording"
_HEAD = """Written by `pdwatch generate rules`; do not edit.
What pdwatch derives of a service, from vLLM's own metrics of every version; see docs/alerts.md.
Series of engines need the labels service, role and worker, as targets of pdwatch's /sd/workers have them."""


def rule_files(options: Options) -> Mapping[str, str]:
    """Return the contents of every file by its path."""
    group = {"name": "pdwatch-vllm", "rules": [record_rule(record, options) for record in RECORDS]}
    return {
        f"{NAME}.yaml": rule_file([group], _HEAD),
        f"kubernetes/{NAME}.yaml": prometheus_rule(NAME, [group], _HEAD),
    }
