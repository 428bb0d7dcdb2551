"""pdwatch itself: is it up, is it fresh, does it see everything."""

from __future__ import annotations

from pdwatch.catalog import host as h
from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.scopes import EVERYTHING as SCOPE
from pdwatch.generate.dashboards.colors import CALM, NEUTRAL, Step, above, any_above_zero
from pdwatch.generate.dashboards.panels import Label, Look, Meanings, Panel, Query, Stat, TimeSeries, Value, table
from pdwatch.generate.dashboards.promql import most, total

_ME = ("instance",)
_OWN = f"and on (job, instance) {SCOPE.of(m.BUILD_INFO)}"
"""Every program exports `process_...`; these are pdwatch's."""


def _mine(metric: m.MetricDef) -> str:
    return most(SCOPE.of(metric), *_ME)


def _process(metric: m.MetricDef) -> str:
    return f"{SCOPE.of(metric)} {_OWN}"


def _now(
    title: str,
    expr: str,
    description: str,
    unit: str = "none",
    *,
    steps: tuple[Step, ...] = NEUTRAL,
    meanings: Meanings | None = None,
    decimals: int | None = None,
) -> Stat:
    return Stat(
        title=title,
        description=description,
        queries=(Query(expr, "{{instance}}", instant=True),),
        unit=unit,
        steps=steps,
        meanings=meanings,
        decimals=decimals,
        width=4,
        height=4,
        missing="pdwatch is down",
    )


_NOW: tuple[Panel, ...] = (
    _now(
        "Age of the newest snapshot",
        _mine(m.SNAPSHOT_AGE),
        "Old numbers are no numbers. From `pdwatch_snapshot_age_seconds`.",
        "s",
        steps=above(30, warn=15),
        decimals=1,
    ),
    _now(
        "Configuration read without error",
        _mine(m.RELOAD_OK),
        "After an error the configuration before it stays in use. From `pdwatch_config_last_reload_successful`.",
        meanings=c.YES_NO,
    ),
    _now(
        "Age of the configuration",
        f"time() - {_mine(m.RELOAD_TIME)}",
        "Since it was read last, from `pdwatch_config_last_reload_timestamp_seconds`.",
        "s",
        decimals=0,
    ),
    _now(
        "Sources of discovery that fail",
        f"sum by (cluster, instance) (1 - {SCOPE.of(m.DISCOVERY_UP)})",
        "While one fails, the targets that it last gave stay. From `pdwatch_discovery_up`.",
        steps=any_above_zero(),
    ),
    _now(
        "Targets found",
        total(SCOPE.of(m.DISCOVERY_TARGETS), *_ME),
        "Workers and hosts, over all sources. From `pdwatch_discovery_targets`.",
        steps=CALM,
    ),
    _now(
        "Samples left out as duplicates",
        _mine(m.DUPLICATES),
        "Two targets with the same labels; give each worker a name of its own. From `pdwatch_duplicate_samples`.",
        steps=any_above_zero("orange"),
    ),
)

_COURSE: tuple[Panel, ...] = (
    TimeSeries(
        title="How long a cycle takes from first scrape to snapshot",
        description="It must stay below the configured interval. From `pdwatch_cycle_duration_seconds`.",
        unit="s",
        queries=(Query(_mine(m.CYCLE_SECONDS), "{{instance}}"),),
    ),
    TimeSeries(
        title="How old the snapshot behind the page is",
        description="From `pdwatch_snapshot_age_seconds`.",
        unit="s",
        queries=(Query(_mine(m.SNAPSHOT_AGE), "{{instance}}"),),
        steps=above(30, warn=15),
    ),
    TimeSeries(
        title="How many cycles end",
        description="A flat line at zero is a pdwatch that stands still. From `pdwatch_cycles_total`.",
        unit="cps",
        queries=(Query(most(SCOPE.rate(m.CYCLES), *_ME), "{{instance}}"),),
    ),
    TimeSeries(
        title="How long scrapes of workers take: the slowest, and the mean",
        description="From `pdwatch_worker_scrape_duration_seconds`.",
        unit="s",
        queries=(
            Query(f"max by (cluster, instance) ({SCOPE.of(m.WORKER_SCRAPE)})", "slowest, {{instance}}"),
            Query(f"avg by (cluster, instance) ({SCOPE.of(m.WORKER_SCRAPE)})", "mean, {{instance}}"),
        ),
    ),
    TimeSeries(
        title="How many workers do not answer, or only with old numbers",
        description="From `pdwatch_worker_up` and `pdwatch_worker_stale`.",
        unit="none",
        queries=(
            Query(f"sum by (cluster, instance) (1 - {SCOPE.of(m.WORKER_UP)})", "do not answer"),
            Query(f"sum by (cluster, instance) ({SCOPE.of(m.WORKER_STALE)})", "old numbers"),
        ),
        looks=(Look("^do not", color="red"), Look("^old", color="orange")),
        steps=any_above_zero(),
        stepped=True,
        decimals=0,
    ),
    TimeSeries(
        title="How much of a core pdwatch uses",
        description="CPU seconds a second, from `process_cpu_seconds_total`.",
        unit="percentunit",
        queries=(Query(f"{SCOPE.rate(m.PROCESS_CPU)} {_OWN}", "{{instance}}"),),
    ),
    TimeSeries(
        title="How much memory pdwatch holds",
        description="From `process_resident_memory_bytes`.",
        unit="bytes",
        queries=(Query(_process(m.PROCESS_RESIDENT), "{{instance}}"),),
    ),
    TimeSeries(
        title="How many files and connections pdwatch has open",
        description="From `process_open_fds`; dashed is what it may open.",
        unit="none",
        queries=(
            Query(_process(m.PROCESS_FDS), "{{instance}}"),
            Query(_process(m.PROCESS_MAX_FDS), "{{instance}} limit"),
        ),
        looks=(c.DASHED_LIMIT,),
    ),
    TimeSeries(
        title="How many targets each source of discovery gives",
        description="From `pdwatch_discovery_targets`.",
        unit="none",
        queries=(Query(most(SCOPE.of(m.DISCOVERY_TARGETS), "instance", "source"), "{{source}}"),),
        stepped=True,
        decimals=0,
    ),
)

_WORKER = ("service", "role", "worker")
_BLIND: tuple[Panel, ...] = (
    table(
        title="Which numbers engines do not export, and since which version they do",
        description="A panel that stays empty for a worker has its reason here. From `pdwatch_worker_missing_info`.",
        labels=(
            c.SERVICE_COLUMN,
            Label("role", "Role", width=80),
            Label("worker", "Worker"),
            Label("quantity", "Quantity"),
            Label("upstream", "Engine's metric"),
            Label("versions", "Versions"),
        ),
        values=(
            Value(most(SCOPE.of(m.WORKER_MISSING_INFO), *_WORKER, "quantity", "upstream", "versions"), "", hidden=True),
        ),
        width=14,
        height=9,
        missing="nothing is missing",
    ),
    table(
        title="What pdwatch reads on each host, and what fails",
        description="From `pdwatch_host_collector_up`. What a host does not have is no failure and not shown.",
        labels=(
            Label("host", "Host", link=c.TO_GPUS),
            Label("collector", "Collector", width=100),
            Label("reason", "Why"),
        ),
        values=(
            Value(most(f"1 - {SCOPE.of(h.COLLECTOR_UP)}", "host", "collector"), "Failed", meanings=c.NO_YES, width=80),
            Value(most(SCOPE.of(h.COLLECTOR_SECONDS), "host", "collector"), "Took", "s", width=90),
            Value(most(SCOPE.of(h.COLLECTOR_FAILED), "host", "collector", "reason"), "", hidden=True),
        ),
        worst_first=("Failed",),
        width=10,
        height=9,
        missing="no host is watched",
    ),
    table(
        title="Each host: does it answer, and how old is what is known of it",
        description="From `pdwatch_host_up`, `pdwatch_host_stale` and `pdwatch_host_reading_age_seconds`.",
        labels=(Label("host", "Host", link=c.TO_GPUS), Label("origin", "Comes from")),
        values=(
            Value(most(f"1 - {SCOPE.of(h.UP)}", "host"), "Down", meanings=c.NO_YES),
            Value(most(SCOPE.of(h.STALE), "host"), "Stale", meanings=c.NO_YES),
            Value(most(SCOPE.of(h.AGE), "host"), "Age", "s", decimals=1),
            Value(most(SCOPE.of(h.ORIGIN), "host", "origin"), "", hidden=True),
        ),
        worst_first=("Down", "Stale"),
        width=14,
        missing="no host is watched",
    ),
    table(
        title="Which pdwatch runs where",
        description="From `pdwatch_build_info`, and `pdwatch_shards` where the services are divided over shards.",
        labels=(
            Label("instance", "Address"),
            Label("version", "Version"),
            Label("python", "Python"),
            Label("shard", "Shard"),
        ),
        values=(
            Value(most(SCOPE.of(m.BUILD_INFO), "instance", "version", "python"), "", hidden=True),
            Value(most(SCOPE.of(m.SHARDS), "instance", "shard"), "Of"),
        ),
        width=10,
        missing="pdwatch is down",
    ),
)

BOARD = Board(
    uid=c.SELF,
    title="pdwatch / pdwatch itself",
    description="Is pdwatch up, is it fresh, does it see everything.",
    tags=c.TAGS,
    variables=(c.CLUSTER,),
    rows=(Row("Now", _NOW), Row("Over time", _COURSE), Row("What it does not see", _BLIND)),
    marks=(c.alerts_of_a_cluster(), c.pdwatch_restarts()),
)
