"""GPUs: which one is sick or slow, and whose it is."""

from __future__ import annotations

from pdwatch.catalog import gpu as g
from pdwatch.catalog import metrics as m
from pdwatch.catalog.definition import MetricDef
from pdwatch.generate.dashboards.board import Board, Row, Variable
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.scopes import HOSTS
from pdwatch.generate.dashboards.colors import Step, above, any_above_zero
from pdwatch.generate.dashboards.panels import Label, Panel, Query, Stat, TimeSeries, Value, table
from pdwatch.generate.dashboards.promql import Scope, most, summed

_SCOPE = Scope(("host", "gpu"))
_GPU = ("host", "gpu")
_NAME = "{{host}} GPU {{gpu}}"
_V = g.VALUES
_NO_GPU = "no GPU is watched"


def _of(metric: MetricDef) -> str:
    return most(_SCOPE.of(metric), *_GPU)


def _rate(metric: MetricDef, *by: str) -> str:
    return most(_SCOPE.rate(metric), *_GPU, *by)


def _count(title: str, expr: str, description: str, steps: tuple[Step, ...] = any_above_zero()) -> Stat:
    queries = (Query(f"sum({expr})", instant=True),)
    return Stat(
        title=title,
        description=description,
        unit="none",
        queries=queries,
        steps=steps,
        width=6,
        height=4,
        missing=_NO_GPU,
    )


_THROTTLED = _rate(g.THROTTLED, "reason")
_NOW = (
    _count("GPUs that the driver cannot talk to", f"1 - {_of(g.UP)}", "From `pdwatch_gpu_up`."),
    Stat(
        title="How long the worst GPU is slowed down",
        description="Share of the time in which its clocks were held back, from `pdwatch_gpu_throttled_seconds_total`.",
        unit="percentunit",
        queries=(Query(f"max({_THROTTLED})", instant=True),),
        steps=above("gpu_throttled_share"),
        decimals=0,
        width=6,
        height=4,
        missing=_NO_GPU,
    ),
    _count(
        "GPUs with rows to remap or that failed to",
        f"clamp_max({_of(_V['remapped_rows_pending'])} + {_of(_V['remapped_rows_failed'])}, 1)",
        "Pending needs a reset; failed is a board to replace.",
    ),
    _count(
        "NVLinks that are down",
        f"{_of(_V['nvlinks'])} - {_of(_V['nvlinks_active'])}",
        "NVLinks that the GPUs have and that are not up.",
    ),
)

_TABLE = table(
    title="Each GPU: is it well, is it slowed down, what does its link do",
    description="Asked for is the recovery that the driver wants. PCIe below its maximum is normal on an idle GPU.",
    labels=(
        Label("host", "Host"),
        Label("gpu", "GPU", width=55),
        Label("name", "Name", width=130),
        Label("state", "State", width=70),
        Label("action", "Asked for", width=85),
    ),
    values=(
        Value(most(f"1 - {_SCOPE.of(g.UP)}", *_GPU), "Lost", meanings=c.NO_YES, width=60),
        Value(most(_THROTTLED, *_GPU), "Slowed", "percentunit", above("gpu_throttled_share"), decimals=0, width=75),
        Value(_of(_V["utilization_ratio"]), "Busy", "percentunit", decimals=0, width=65),
        Value(
            f"{_of(_V['memory_used_bytes'])} / {_of(_V['memory_total_bytes'])}",
            "Memory",
            "percentunit",
            decimals=0,
            width=75,
        ),
        Value(_of(_V["temperature_celsius"]), "Temperature", "celsius", decimals=0, width=105),
        Value(_of(_V["power_watts"]), "Power", "watt", decimals=0, width=75),
        Value(_of(_V["clock_sm_hertz"]), "Clock", "hertz", decimals=2, width=95),
        Value(f"{_of(_V['nvlinks'])} - {_of(_V['nvlinks_active'])}", "NVLinks down", steps=any_above_zero(), width=105),
        Value(_of(_V["pcie_generation"]), "PCIe gen", decimals=0, width=80),
        Value(_of(_V["pcie_width"]), "PCIe lanes", decimals=0, width=85),
        Value(
            _of(_V["ecc_uncorrected_volatile_total"]), "Memory errors", steps=any_above_zero(), decimals=0, width=110
        ),
        Value(most(_SCOPE.of(g.INFO), *_GPU, "name"), "Is", hidden=True),
        Value(most(_SCOPE.of(g.STATE), *_GPU, "state"), "In state", hidden=True),
        Value(most(_SCOPE.of(g.RECOVERY), *_GPU, "action"), "Wants", hidden=True),
    ),
    worst_first=("Lost", "Slowed", "NVLinks down"),
    height=10,
    missing=_NO_GPU,
)


def _course(title: str, metric: str, unit: str, description: str, **more: float) -> TimeSeries:
    return TimeSeries(
        title=title,
        description=f"{description} From `{_V[metric].name}`.",
        unit=unit,
        queries=(Query(_of(_V[metric]), _NAME),),
        maximum=more.get("maximum"),
        missing=_NO_GPU,
    )


_COURSE: tuple[Panel, ...] = (
    _course("How busy each GPU is", "utilization_ratio", "percentunit", "Any kernel counts as busy.", maximum=1),
    TimeSeries(
        title="How full the memory of each GPU is",
        description="From `pdwatch_gpu_memory_used_bytes`. Engines take most of it at once for the KV cache.",
        unit="percentunit",
        queries=(Query(f"{_of(_V['memory_used_bytes'])} / {_of(_V['memory_total_bytes'])}", _NAME),),
        maximum=1,
        missing=_NO_GPU,
    ),
    _course("How fast each GPU runs", "clock_sm_hertz", "hertz", "Clock of the multiprocessors."),
    TimeSeries(
        title="Which GPUs are slowed down, and by what",
        description="Share of the time in which the clocks were held back, from `pdwatch_gpu_throttled_seconds_total`.",
        unit="percentunit",
        queries=(Query(f"{_THROTTLED} > 0", f"{_NAME} {{{{reason}}}}"),),
        steps=above("gpu_throttled_share"),
        limits=True,
        maximum=1,
        missing="none is slowed down",
    ),
    TimeSeries(
        title="How much power each GPU draws",
        description="From `pdwatch_gpu_power_watts`; dashed is the limit that is enforced.",
        unit="watt",
        queries=(
            Query(_of(_V["power_watts"]), _NAME),
            Query(most(_SCOPE.of(_V["power_limit_watts"]), "host"), "{{host}} limit"),
        ),
        looks=(c.DASHED_LIMIT,),
        missing=_NO_GPU,
    ),
    _course("How hot each GPU is", "temperature_celsius", "celsius", "Of the chip, not of its memory."),
    TimeSeries(
        title="What moves over NVLink and PCIe",
        description="Sent and received, all links of a host together. What a driver does not tell is missing.",
        unit="Bps",
        queries=tuple(
            Query(summed(_SCOPE.rate(_V[f"{link}_{way}_bytes_total"]), _GPU, "host"), f"{{{{host}}}} {words} {way}")
            for link, words in (("nvlink", "NVLink"), ("pcie", "PCIe"))
            for way in ("sent", "received")
        ),
        missing="no driver tells",
    ),
    TimeSeries(
        title="Which links make errors",
        description="NVLink errors by kind, and packets sent again over PCIe.",
        unit="cps",
        queries=(
            Query(_rate(g.NVLINK_ERRORS, "kind"), f"{_NAME} NVLink {{{{kind}}}}"),
            Query(_rate(_V["pcie_replays_total"]), f"{_NAME} PCIe replays"),
        ),
        steps=above("nvlink_errors_per_second"),
        missing="no driver tells",
    ),
    TimeSeries(
        title="What the multiprocessors, tensor cores and memory do",
        description="Mean over the GPUs of a host. Only where profiling counters are read "
        "(`pdwatch_gpu_sm_active_ratio` and its kin).",
        unit="percentunit",
        queries=tuple(
            Query(f"avg by (cluster, host) ({_of(_V[name])})", f"{{{{host}}}} {words}")
            for name, words in (
                ("sm_active_ratio", "multiprocessors"),
                ("tensor_active_ratio", "tensor cores"),
                ("dram_active_ratio", "memory"),
            )
        ),
        maximum=1,
        missing="profiling counters are not read",
    ),
)

_WHOSE = (
    table(
        title="Whose GPUs they are: workers by host",
        description="From `pdwatch_worker_info`.",
        labels=(
            Label("host", "Host"),
            c.SERVICE_COLUMN,
            Label("role", "Role", width=80),
            Label("worker", "Worker"),
            Label("model", "Model"),
        ),
        values=(
            Value(most(HOSTS.of(m.WORKER_INFO), "host", "service", "role", "worker", "model"), "Runs", hidden=True),
        ),
        width=12,
        missing="no worker names its host",
    ),
    table(
        title="Which XID errors the driver reported, the latest first",
        description="XID 13, 31 and 43 come from programs; 48, 63, 64, 74, 79, 94 and 95 from hardware. From "
        "`pdwatch_gpu_xid_last_timestamp_seconds`.",
        labels=(Label("host", "Host"), Label("gpu", "GPU", width=60), Label("xid", "XID", width=60)),
        values=(
            Value(f"- (time() - {most(_SCOPE.of(g.XID_LAST), *_GPU, 'xid')})", "Seen", "s", decimals=0),
            Value(most(_SCOPE.of(g.XIDS), *_GPU, "xid"), "Times", decimals=0),
        ),
        worst_first=("Seen",),
        width=12,
        missing="none",
    ),
)

BOARD = Board(
    uid=c.GPUS,
    title="pdwatch / GPUs",
    description="Which GPU is sick or slow, and whose it is.",
    tags=c.TAGS,
    variables=(
        c.CLUSTER,
        c.of_hosts(g.UP),
        Variable("gpu", "GPU", f"label_values({HOSTS.of(g.UP)}, gpu)"),
    ),
    rows=(Row("GPUs of $host now", (*_NOW, _TABLE)), Row("Over time", _COURSE), Row("Whose they are", _WHOSE)),
    marks=(c.alerts_of_a_cluster(), c.restarts(HOSTS)),
)
