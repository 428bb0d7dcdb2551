"""What several boards share: variables, marks, verdicts and severities."""

from __future__ import annotations

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.board import Mark, Variable
from pdwatch.generate.dashboards.colors import BAD, COOL, GOOD, NOTE, PLAIN, UNKNOWN, WORST
from pdwatch.generate.dashboards.panels import Label, Link, Look, Meaning, Runbook
from pdwatch.generate.dashboards.promql import Scope, begun, either, lately, most
from pdwatch.judge.findings import FINDINGS
from pdwatch.model.judgement import Action

TAGS = ("pdwatch", "prefill-decode")
FLEET, SERVICE, TRANSFER, EXPERTS, GPUS, SELF = (
    f"pdwatch-{name}" for name in ("fleet", "service", "transfer", "experts", "gpus", "self")
)
"""The uids of the boards."""

CLUSTER = Variable("cluster", "Cluster", f"label_values({m.BUILD_INFO.name}, cluster)")

_ACTIONS: dict[Action, str] = {
    Action.HOLD: GOOD,
    Action.SCALE_IN_PREFILL: COOL,
    Action.SCALE_IN_DECODE: COOL,
    Action.CANNOT_TELL: UNKNOWN,
    Action.REBALANCE: NOTE,
    Action.SHIFT_TO_PREFILL: BAD,
    Action.SHIFT_TO_DECODE: BAD,
    Action.SCALE_PREFILL: BAD,
    Action.SCALE_DECODE: BAD,
    Action.FIX: WORST,
}
"""Every action with its color, the most urgent last: the position is the number that stands for it in a query."""

ACTIONS = {
    str(code): Meaning(action.value.replace("_", " "), color) for code, (action, color) in enumerate(_ACTIONS.items())
}

FINDING_WORDS = {finding.id: Meaning(finding.title) for finding in FINDINGS}
YES_NO = {"1": Meaning("yes", GOOD), "0": Meaning("no", WORST)}
YES = {"1": Meaning("yes")}
UP_DOWN = {"1": Meaning("up", GOOD), "0": Meaning("down", WORST)}
NO_YES = {"0": Meaning("no", GOOD), "1": Meaning("yes", WORST)}
DASHED_LIMIT = Look("limit$", dashed=True, color=WORST)

TO_SERVICE = Link("What happens in this service", SERVICE, {"service": "service"})
TO_GPUS = Link("GPUs of this host", GPUS, {"host": "host"})
RUNBOOK = Runbook()
SERVICE_COLUMN = Label("service", "Service", link=TO_SERVICE)


def verdict(scope: Scope) -> str:
    """Return the code of what each service needs, a key of `ACTIONS`."""
    codes = enumerate(_ACTIONS)
    return either(
        *(f"{code} * ({most(scope.of(m.ADVICE, action=action.value), 'service')} == 1)" for code, action in codes)
    )


def of_service(metric: m.MetricDef) -> Variable:
    """Return the choice of several services."""
    return Variable("service", "Service", _values(metric, "service", "cluster"))


def of_one_service(metric: m.MetricDef) -> Variable:
    """Return the choice of one service."""
    return Variable("service", "Service", _values(metric, "service", "cluster"), many=False)


def of_workers() -> tuple[Variable, ...]:
    """Return the choices of role, replica and worker, each among what the ones before leave."""
    return (
        Variable("role", "Role", _values(m.POOL_WORKERS, "role", "cluster", "service"), backwards=True),
        Variable("replica", "Replica", _values(m.WORKER_UP, "replica", "cluster", "service", "role")),
        Variable("worker", "Worker", _values(m.WORKER_UP, "worker", "cluster", "service", "role", "replica")),
    )


def of_hosts(metric: m.MetricDef) -> Variable:
    """Return the choice of hosts that have a metric."""
    return Variable("host", "Host", _values(metric, "host", "cluster"))


def _values(metric: m.MetricDef, label: str, *chosen: str) -> str:
    return f"label_values({Scope(chosen).of(metric)}, {label})"


def alerts_of_a_service() -> Mark:
    """Return marks where alerts fire; an alert about no service is shown on every board."""
    return _alerts('service=~"$service|"')


def alerts_of_a_cluster() -> Mark:
    """Return marks where alerts fire, whatever they are about."""
    return _alerts()


def _alerts(*matchers: str) -> Mark:
    """A rule may aggregate the cluster away. Severity `none` is of alerts that tell nobody anything: the watchdog."""
    fixed = ('alertname=~"PDWatch.+"', 'alertstate="firing"', 'severity!="none"', 'cluster=~"$cluster|"')
    expr = f"ALERTS{{{', '.join((*fixed, *matchers))}}}"
    return Mark("Alert", expr, "red", "{{alertname}} {{service}}")


def restarts(scope: Scope) -> Mark:
    """Return marks where a worker was restarted."""
    expr = f"{most(scope.of(m.WORKER_RESTARTS), 'service', 'role', 'worker')} > 0"
    return Mark("Restart", expr, "purple", "{{worker}} was restarted")


def pdwatch_restarts() -> Mark:
    """Return marks where pdwatch itself was restarted: numbers since it watches begin anew there."""
    everywhere = Scope(())
    expr = begun(everywhere.of(m.PROCESS_START), everywhere.of(m.BUILD_INFO))
    return Mark("pdwatch restarted", expr, "blue", "pdwatch at {{instance}} was restarted")


def changed_verdicts(scope: Scope) -> Mark:
    """Return marks where the advice changed."""
    expr = lately(most(scope.of(m.ADVICE_SINCE), "service"))
    return Mark("Verdict changed", expr, PLAIN, "The advice for {{service}} changed", shown=False)
