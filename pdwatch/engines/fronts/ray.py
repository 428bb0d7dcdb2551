"""Ray: the page of a node's metrics agent, which speaks for every replica on the node.

The engines of Ray Serve LLM stand on it as `ray_vllm_*` or `ray_sglang_*` and are read by their own families, each
replica as a worker of its own (see `origin`). The rest is about Ray, and the page itself is no worker.
"""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind
from pdwatch.engines.table import Table

FAMILY = Family(
    "ray",
    Kind.FRONT,
    Table(()),
    about=__doc__,
    page="`/metrics` of each node's metrics agent (8080), with `log_engine_metrics`",
    verified="synthetic, after its sources",
    marks=("ray_serve_", "ray_node_", "ray_component_"),
)
