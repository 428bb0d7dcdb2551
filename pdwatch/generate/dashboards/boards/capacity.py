"""What a service asks of its pools, what they bear, and which bound is nearest."""

from __future__ import annotations

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.scopes import SERVICE as SCOPE
from pdwatch.generate.dashboards.colors import CALM, above
from pdwatch.generate.dashboards.panels import Bars, Label, Look, Panel, Query, TimeSeries, Value, table
from pdwatch.generate.dashboards.promql import most

_BOUND = ("role", "bound")
_UNKNOWN = "not known yet"

PANELS: tuple[Panel, ...] = (
    Bars(
        title="How much of each bound is used now; 100 % is the limit",
        description="Demand over capacity by bound, from `pdwatch_utilization_ratio`.",
        unit="percentunit",
        queries=(Query(most(SCOPE.of(m.UTILIZATION), *_BOUND), "{{bound}}", instant=True),),
        steps=above("pressure_high", warn="pressure_target"),
        minimum=0,
        maximum=1,
        decimals=0,
        missing=_UNKNOWN,
    ),
    TimeSeries(
        title="How much of each bound was used",
        description="Demand over capacity by bound, from `pdwatch_utilization_ratio`.",
        unit="percentunit",
        queries=(Query(most(SCOPE.of(m.UTILIZATION), *_BOUND), "{{bound}}"),),
        steps=above("pressure_high", warn="pressure_target"),
        limits=True,
        missing=_UNKNOWN,
    ),
    TimeSeries(
        title="Tokens asked for, and tokens that all replicas bear",
        description="Solid: `pdwatch_demand_tokens_per_second`, measured at arrival. Dashed: "
        "`pdwatch_capacity_tokens_per_second`.",
        unit="short",
        queries=(
            Query(most(SCOPE.of(m.DEMAND), *_BOUND), "{{bound}}"),
            Query(most(SCOPE.of(m.CAPACITY), *_BOUND), "{{bound}} bears"),
        ),
        looks=(Look("bears$", dashed=True),),
        missing=_UNKNOWN,
    ),
    table(
        title="Which bound is nearest to its limit",
        description="From `pdwatch_binding_bound_info`, and the bound behind the pressure of each pool, from "
        "`pdwatch_pool_pressure_bound_info`.",
        labels=(Label("role", "Role"), Label("bound", "Bound")),
        values=(
            Value(most(SCOPE.of(m.POOL_PRESSURE_BOUND), *_BOUND), "Pressure of its pool", meanings=c.YES),
            Value(most(SCOPE.of(m.BINDING_BOUND), *_BOUND), "Binds the service", meanings=c.YES),
        ),
        width=12,
        height=6,
        missing=_UNKNOWN,
    ),
    Bars(
        title="What became of the advice given",
        description="Among the last decisions kept, from `pdwatch_decision_outcomes`.",
        unit="none",
        queries=(Query(most(SCOPE.of(m.DECISION_OUTCOMES), "outcome"), "{{outcome}}", instant=True),),
        steps=CALM,
        decimals=0,
        width=12,
        height=6,
        missing="none yet",
    ),
)
