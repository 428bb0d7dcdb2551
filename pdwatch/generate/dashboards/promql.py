"""PromQL over pdwatch's own metrics: every selector is made from the catalogue and the variables of a board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pdwatch.catalog.definition import MetricDef
from pdwatch.generate.dashboards.errors import DashboardError

EVERYWHERE = "cluster"
"""A label that Prometheus may add; where it does not, every board works without it."""
RATE_WINDOW = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables of a board. A selector is narrowed by those that the metric has labels for."""

    variables: tuple[str, ...]

    def of(self, metric: MetricDef, part: str = "", /, **matchers: str) -> str:
        """Return a selector. *matchers* are further labels, with `!=`, `=~` or `!~` before the value where needed.

        *part* is `_bucket`, `_sum` or `_count` of a histogram. Raises `DashboardError` for a label the metric lacks.
        """
        unknown = [label for label in matchers if label not in metric.labels]
        if unknown or bool(part) != (metric.kind == "histogram"):
            raise DashboardError(f"{metric.name}{part} has no {', '.join(unknown) or 'such part'}")
        narrowed = {
            label: f"=~${label}" for label in (EVERYWHERE, *metric.labels) if label in (EVERYWHERE, *self.variables)
        }
        return f"{metric.name}{part}{_braces({**narrowed, **matchers})}"

    def rate(self, metric: MetricDef, part: str = "", /, **matchers: str) -> str:
        """Return the increase per second of a counter or of a part of a histogram."""
        if metric.kind not in ("counter", "histogram"):
            raise DashboardError(f"{metric.name} is no counter")
        return f"rate({self.of(metric, part, **matchers)}[{RATE_WINDOW}])"

    def quantile(self, q: float, metric: MetricDef, *by: str, **matchers: str) -> str:
        """Return a quantile of a histogram over the interval, from buckets that are summed first."""
        summed = total(self.rate(metric, "_bucket", **matchers), *by, "le")
        return f"histogram_quantile({q:g}, {summed})"


def begun(start_time: str, of: str) -> str:
    """Return the processes whose start time was another, or unknown, two minutes ago; those that export *of*.

    Grafana asks for marks once a minute. A restart may take longer than any range of a rate, which then misses it.
    """
    return f"({start_time} unless {start_time} == {start_time} offset 2m) and on (job, instance) {of}"


def lately(timestamp: str) -> str:
    """Return the instants, in Unix seconds, that lie less than two minutes back."""
    return f"time() - {timestamp} < 120"


def most(expr: str, *by: str) -> str:
    """Return one series for each set of labels, so that two pdwatch that watch the same fleet count once."""
    return f"max by ({_labels(by)}) ({expr})"


def least(expr: str, *by: str) -> str:
    """Return the smallest value of each set of labels."""
    return f"min by ({_labels(by)}) ({expr})"


def total(expr: str, *by: str) -> str:
    """Return the sum over each set of labels."""
    return f"sum by ({_labels(by)}) ({expr})"


def summed(expr: str, each: tuple[str, ...], *by: str) -> str:
    """Return the sum over things told apart by *each*, every one counted once however many pdwatch tell of it."""
    return total(most(expr, *each), *by)


def either(*exprs: str) -> str:
    """Return the first of the expressions that answers, for each set of labels."""
    return "\nor ".join(exprs)


def _labels(by: tuple[str, ...]) -> str:
    return ", ".join((EVERYWHERE, *by))


def _braces(matchers: Mapping[str, str]) -> str:
    return "{" + ", ".join(_matcher(label, value) for label, value in matchers.items()) + "}" if matchers else ""


def _matcher(label: str, value: str) -> str:
    operator = next((sign for sign in ("!=", "=~", "!~") if value.startswith(sign)), "")
    return f'{label}{operator or "="}"{value.removeprefix(operator)}"'
