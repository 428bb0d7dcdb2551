"""Pages of the documentation that are made from the catalogue."""

from __future__ import annotations

from pdwatch.catalog.metrics import METRICS, Level, MetricDef

_LEVELS: dict[Level, str] = {
    "pool": "Pools: one series per service and role",
    "service": "Services",
    "worker": "Workers",
    "engine": "Engines: one series per data-parallel rank",
    "host": "Hosts: GPUs, fabric ports, engine processes, logs",
    "pdwatch": "pdwatch itself",
}
_HEAD = """# Metrics

What `pdwatch serve` answers at `/metrics`, and `pdwatch agent` of its own host; generated from
`pdwatch/catalog/metrics.py` by `pdwatch generate docs`.

- Base units: seconds, bytes, ratios 0 to 1. Rates are means over the configured window.
- A value that is not known has no sample; 0 means that nothing was counted.
- Series follow the newest snapshot. A worker that went away leaves none; the engines of a stale worker leave none,
  while `pdwatch_worker_up` and `pdwatch_worker_page_age_seconds` tell that it is stale.
- Counters and histograms of the fleet are summed over engines since pdwatch watches, over restarts of the engines; they
  start at zero when pdwatch does. Those of hosts are the hardware's own and end in a reset when it is reset.
- The label `group` is the pid of a launcher such as `vllm serve`, `gpu` the index in the order of NVML.
"""


def docs_table() -> str:
    """Return docs/metrics.md: a table of metrics for each thing that a series can be about."""
    return "\n".join([_HEAD, *(_section(title, level) for level, title in _LEVELS.items())])


def _section(title: str, level: Level) -> str:
    rows = (_row(metric) for metric in METRICS if metric.level == level)
    head = ("| Metric | Kind | Unit | Labels | Meaning |", "|---|---|---|---|---|")
    return "\n".join([f"## {title}", "", *head, *rows, ""])


def _row(metric: MetricDef) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    unit = metric.unit.replace("_", " ")
    return f"| `{metric.name}` | {metric.kind} | {unit} | {labels} | {metric.help} |"
