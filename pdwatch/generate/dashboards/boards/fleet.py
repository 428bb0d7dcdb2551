"""Fleet overview: which service is in trouble, and why."""

from __future__ import annotations

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.board import Board, Row
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.findings import findings
from pdwatch.generate.dashboards.boards.scopes import EVERYTHING
from pdwatch.generate.dashboards.boards.scopes import FLEET as SCOPE
from pdwatch.generate.dashboards.colors import CALM, Step, above, any_above_zero, below
from pdwatch.generate.dashboards.panels import (
    Look,
    Query,
    Stat,
    States,
    TimeSeries,
    Value,
    table,
)
from pdwatch.generate.dashboards.promql import least, most, summed, total

_ATTAINED = 0.95
"""The share that an objective asks for where the configuration does not say otherwise."""


def _of(metric: m.MetricDef, **matchers: str) -> str:
    return most(SCOPE.of(metric, **matchers), "service")


_DOWN = summed(f"1 - {SCOPE.of(m.WORKER_UP)}", ("service", "worker"), "service")

_VERDICTS = Stat(
    title="What each service needs now, the most urgent first",
    description="The advice of pdwatch: hold; scale, shift or rebalance replicas; fix what is broken before any of "
    "that. From `pdwatch_advice`. The reason in words is on pdwatch's own page and in `pdwatch top`.",
    unit="none",
    queries=(Query(f"sort_desc({c.verdict(SCOPE)})", "{{service}}", instant=True),),
    meanings=c.ACTIONS,
    link=c.TO_SERVICE,
    named=True,
    filled=True,
    width=11,
    height=7,
    missing="pdwatch tells of no service",
)

_FINDINGS = findings(c.SERVICE_COLUMN, width=13, height=7)

_SERVICES = table(
    title="Each service: workers, objectives met, replicas there and wanted, pressure",
    description="Pressure is demand over capacity; from 1 a pool is too small. Met is the share of requests within "
    f"the objective, colored at {_ATTAINED:.0%}. An empty cell is a number that nobody exports.",
    labels=(c.SERVICE_COLUMN,),
    values=(
        Value(c.verdict(SCOPE), "Needs", meanings=c.ACTIONS, width=130),
        Value(_of(m.FINDINGS, severity="critical"), "Critical", steps=any_above_zero(), width=75),
        Value(_of(m.FINDINGS, severity="warning"), "Warnings", steps=any_above_zero("yellow"), width=80),
        Value(_DOWN, "Workers down", steps=any_above_zero(), width=110),
        Value(_of(m.SLO_ATTAINMENT, objective="ttft"), "TTFT met", "percentunit", below(_ATTAINED), decimals=1),
        Value(_of(m.SLO_ATTAINMENT, objective="itl"), "ITL met", "percentunit", below(_ATTAINED), decimals=1),
        Value(_of(m.TTFT_WINDOW, percentile="p95"), "TTFT p95", "s"),
        Value(_of(m.CURRENT_REPLICAS, role="prefill"), "Prefill now"),
        Value(_of(m.DESIRED_REPLICAS, role="prefill"), "Prefill wanted"),
        Value(_of(m.CURRENT_REPLICAS, role="decode"), "Decode now"),
        Value(_of(m.DESIRED_REPLICAS, role="decode"), "Decode wanted"),
        *(
            Value(
                _of(m.POOL_PRESSURE, role=role),
                f"{role.title()} pressure",
                "percentunit",
                above("pressure_high", warn="pressure_target"),
                decimals=0,
            )
            for role in ("prefill", "decode")
        ),
    ),
    worst_first=("Needs", "Critical", "Warnings"),
    height=6,
    missing="pdwatch tells of no service",
)


def _count(
    title: str,
    expr: str,
    description: str,
    *,
    unit: str = "none",
    steps: tuple[Step, ...] = any_above_zero(),
    decimals: int | None = None,
    missing: str = "no data",
) -> Stat:
    return Stat(
        title=title,
        description=description,
        queries=(Query(expr, instant=True),),
        unit=unit,
        steps=steps,
        decimals=decimals,
        missing=missing,
        width=4,
        height=4,
    )


_MISSED = f"{least(SCOPE.of(m.SLO_ATTAINMENT) + ' - ' + SCOPE.of(m.SLO_TARGET), 'service')} < bool 0"
_COUNTS = (
    _count(
        "Services with a critical finding",
        f"sum({_of(m.FINDINGS, severity='critical')} > bool 0)",
        "Services in which at least one critical finding stands.",
    ),
    _count(
        "Services that miss an objective",
        f"sum({_MISSED})",
        "Services in which fewer requests than asked for met TTFT or ITL. No data where no objective is configured.",
        missing="no objective is set",
    ),
    _count("Workers that do not answer", f"sum({_DOWN})", "Workers whose last scrape gave no page, of all services."),
    _count(
        "Replicas wanted beyond those there",
        f"sum(clamp_min({most(SCOPE.of(m.DESIRED_REPLICAS), 'service', 'role')} - "
        f"{most(SCOPE.of(m.CURRENT_REPLICAS), 'service', 'role')}, 0))",
        "Over all services and roles, what the advice asks to add.",
        steps=any_above_zero("orange"),
    ),
    _count(
        "Requests that arrive",
        f"sum({most(SCOPE.of(m.POOL_REQUESTS, role='!=decode'), 'service', 'role')})",
        "Requests that prefill or aggregated pools take, over all services.",
        unit="reqps",
        steps=CALM,
        decimals=1,
    ),
    _count(
        "Age of what this board shows",
        f"max({EVERYTHING.of(m.SNAPSHOT_AGE)})",
        "Age of the oldest snapshot behind these numbers. From half a minute on, look at the board about pdwatch "
        "itself.",
        unit="s",
        steps=above(30, warn=15),
        missing="pdwatch is down",
    ),
)

_COURSE = (
    States(
        title="How the verdict on each service changed",
        description="The advice over time, from `pdwatch_advice`. A change must stand for some seconds before it is "
        "given.",
        unit="none",
        queries=(Query(c.verdict(SCOPE), "{{service}}"),),
        meanings=c.ACTIONS,
        width=12,
        missing="pdwatch tells of no service",
    ),
    TimeSeries(
        title="How many findings stand, by severity",
        description="From `pdwatch_findings`, over the chosen services.",
        unit="none",
        queries=tuple(Query(total(_of(m.FINDINGS, severity=word)), word) for word in ("critical", "warning", "info")),
        looks=(Look("^critical", color="red"), Look("^warning", color="yellow"), Look("^info", color="blue")),
        steps=any_above_zero(),
        stepped=True,
        stacked=True,
        decimals=0,
        width=12,
    ),
    TimeSeries(
        title="Which share of requests met its objective",
        description="From `pdwatch_slo_attainment_ratio`; dashed is the share that is asked for.",
        unit="percentunit",
        queries=(
            Query(most(SCOPE.of(m.SLO_ATTAINMENT), "service", "objective"), "{{service}} {{objective}}"),
            Query(f"max({SCOPE.of(m.SLO_TARGET)})", "asked for"),
        ),
        looks=(Look("asked for$", dashed=True, color="red"),),
        steps=below(_ATTAINED),
        maximum=1,
        missing="no objective is set",
    ),
    TimeSeries(
        title="How hard each pool is pressed; from 100 % it is too small",
        description="Demand over capacity by the bound that is nearest, from `pdwatch_pool_pressure_ratio`.",
        unit="percentunit",
        queries=(Query(most(SCOPE.of(m.POOL_PRESSURE), "service", "role"), "{{service}} {{role}}"),),
        steps=above("pressure_high", warn="pressure_target"),
        limits=True,
    ),
    TimeSeries(
        title="How many replicas there are, and how many there should be",
        description="Solid: `pdwatch_current_replicas`. Dashed: `pdwatch_desired_replicas`, what an autoscaler reads.",
        unit="none",
        queries=(
            Query(most(SCOPE.of(m.CURRENT_REPLICAS), "service", "role"), "{{service}} {{role}}"),
            Query(most(SCOPE.of(m.DESIRED_REPLICAS), "service", "role"), "{{service}} {{role}} wanted"),
        ),
        looks=(Look("wanted$", dashed=True),),
        stepped=True,
        decimals=0,
    ),
    TimeSeries(
        title="How long users wait for the first token, 95th percentile",
        description="Over the whole way from prefill to decode, from `pdwatch_ttft_window_seconds`.",
        unit="s",
        queries=(Query(most(SCOPE.of(m.TTFT_WINDOW, percentile="p95"), "service"), "{{service}}"),),
    ),
    TimeSeries(
        title="How long users wait between two tokens, 95th percentile",
        description="From `pdwatch_itl_window_seconds`.",
        unit="s",
        queries=(Query(most(SCOPE.of(m.ITL_WINDOW, percentile="p95"), "service"), "{{service}}"),),
    ),
    TimeSeries(
        title="How many requests arrive",
        description="Requests that prefill or aggregated pools take, from `pdwatch_pool_requests_per_second`.",
        unit="reqps",
        queries=(Query(most(SCOPE.of(m.POOL_REQUESTS, role="!=decode"), "service"), "{{service}}"),),
    ),
)

BOARD = Board(
    uid=c.FLEET,
    title="pdwatch / Fleet overview",
    description="Which service is in trouble, and why.",
    tags=c.TAGS,
    variables=(c.CLUSTER, c.of_service(m.ADVICE)),
    rows=(
        Row("Now", (_VERDICTS, _FINDINGS, _SERVICES, *_COUNTS)),
        Row("How it came to this", _COURSE),
    ),
    marks=(c.alerts_of_a_service(), c.restarts(SCOPE), c.changed_verdicts(SCOPE)),
)
