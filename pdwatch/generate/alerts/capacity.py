"""Pools that are too small, nearly too small, or not there."""

from __future__ import annotations

from pdwatch.catalog.metrics import (
    CURRENT_REPLICAS,
    DESIRED_REPLICAS,
    POOL_PRESSURE,
    POOL_WORKERS,
    POOL_WORKERS_UP,
    UTILIZATION,
)
from pdwatch.generate.alerts.definition import KEEP_MUTED_SECONDS, Alert, Board, Component

_DEAD = ("role_empty", "worker_down", "worker_unresponsive", "engine_stuck")
"""What takes capacity away: there is nothing to scale before it is mended."""
_REMEMBERED = "15m"
"""For how long a pool that is gone is missed."""


def _of_pool(metric: str) -> str:
    return f"max by (service, role) ({metric})"


ALERTS = (
    Alert(
        name="PDWatchPoolPressureHigh",
        component=Component.SYMPTOM,
        expr=f"{_of_pool(POOL_PRESSURE.name)} >= $pressure_high",
        severity="warning",
        summary="{{ $labels.role }} of {{ $labels.service }} is too small for its demand.",
        description="Demand on {{ $labels.role }} is {{ $value | humanizePercentage }} of what it bears.",
        meaning="More arrives and waits than the replicas of the pool bear, by the bound that is nearest to its limit: "
        "prefill compute, KV capacity of decode, or the time between tokens. It has lasted for minutes, so it is no burst.",
        confirm="Requests wait on the pool and their number grows, while the other pool has room.",
        fix="Follow the advice of the service (`pdwatch_advice`, `pdwatch_desired_replicas`): scale the pool, or shift "
        "replicas to it. Until then limit admission at the router.",
        confused_with="A full decode pool, which makes requests wait on prefill too: the advice names the side that is short.",
        for_seconds=300.0,
        keep_firing_for_seconds=KEEP_MUTED_SECONDS,
        muted_by=_DEAD,
    ),
    Alert(
        name="PDWatchPoolHeadroomLow",
        component=Component.SYMPTOM,
        expr=f"max by (service, role, bound) ({UTILIZATION.name}) > $pressure_target",
        severity="info",
        summary="{{ $labels.role }} of {{ $labels.service }} has little room left ({{ $labels.bound }}).",
        description="Demand is {{ $value | humanizePercentage }} of what {{ $labels.bound }} bears; a pool is planned for "
        "less.",
        meaning="Demand over capacity by one bound has been above what a resized pool is planned for, for half an hour. "
        "The next peak or the loss of one replica may not be borne.",
        confirm="Compare the demand of the last days with the capacity (`pdwatch_demand_tokens_per_second`, "
        "`pdwatch_capacity_tokens_per_second`).",
        fix="Plan another replica of the role before the next peak, or raise its `max_replicas` so that scaling may.",
        confused_with="A short burst, which does not last half an hour.",
        for_seconds=1800.0,
        keep_firing_for_seconds=KEEP_MUTED_SECONDS,
        muted_by=_DEAD,
    ),
    Alert(
        name="PDWatchReplicasShort",
        component=Component.SYMPTOM,
        expr=f"{_of_pool(DESIRED_REPLICAS.name)} - {_of_pool(CURRENT_REPLICAS.name)} > 0",
        severity="warning",
        summary="{{ $labels.role }} of {{ $labels.service }} lacks replicas that are wanted.",
        description="{{ $value | humanize }} more replicas of {{ $labels.role }} have been wanted for a while and do not come.",
        meaning="pdwatch has wanted more replicas of the role for longer than starting one takes, and their number does not "
        "rise: nobody scales, or what scales cannot.",
        confirm="Compare `pdwatch_desired_replicas` and `pdwatch_current_replicas`; look at the autoscaler's events and at "
        "replicas that are pending.",
        fix="Look why replicas do not come: quota, GPUs that are taken, images that do not load, a bound of the autoscaler. "
        "Without an autoscaler, scale by hand.",
        confused_with="Replicas that load a large model: raise `startup` of the pool if that is usual.",
        for_seconds=900.0,
        keep_firing_for_seconds=KEEP_MUTED_SECONDS,
        muted_by=_DEAD,
    ),
    Alert(
        name="PDWatchPoolNotAnswering",
        component=Component.SYMPTOM,
        expr=f"{_of_pool(POOL_WORKERS_UP.name)} == 0\nand\n{_of_pool(POOL_WORKERS.name)} > 0",
        severity="critical",
        summary="No worker of {{ $labels.role }} in {{ $labels.service }} answers.",
        description="Of the {{ $labels.role }} workers that discovery names, {{ $value | humanize }} answer: no request can be "
        "served to its end.",
        meaning="The last scrape of every worker of the role failed, for a minute and more. It tells less than the finding "
        "role_empty, and also of roles that can be missed.",
        confirm="Ask /health of each worker of the role, from where pdwatch runs and from elsewhere.",
        fix="Where nobody else reaches them either, start them again. Where others do, mend the network or the credentials "
        "between pdwatch and the workers.",
        confused_with="A network that separates pdwatch from the workers, which go on serving: the router's own error rate "
        "tells.",
        for_seconds=60.0,
        keep_firing_for_seconds=KEEP_MUTED_SECONDS,
        muted_by=("role_empty",),
    ),
    Alert(
        name="PDWatchPoolVanished",
        component=Component.SYMPTOM,
        expr=f'group by (service, role) (last_over_time({POOL_WORKERS.name}{{role!="unknown"}}[{_REMEMBERED}]) > 0)\n'
        f"unless group by (service, role) ({POOL_WORKERS.name})\n"
        f"and on (service) group by (service) ({POOL_WORKERS.name})",
        severity="warning",
        summary="All workers of {{ $labels.role }} have left {{ $labels.service }}.",
        description="Discovery named {{ $labels.role }} workers within the last quarter of an hour and names none, while the "
        "service has others.",
        meaning="The pool is gone from discovery, not only down, and the rest of its service is still there.",
        confirm="Ask the source of discovery (the router's /workers, the files, the pods) for the role.",
        fix="If it was not taken away on purpose, look at the selector and the labels, and whether a rollout removed all of "
        "its replicas at once.",
        confused_with="A service that goes from disaggregated to aggregated on purpose.",
        for_seconds=120.0,
        muted_by=("role_empty",),
        board=Board.FLEET,
    ),
)
