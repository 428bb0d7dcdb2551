"""PromQL over the engines' own metrics, with every name that vLLM has had for a quantity, joined by `or`.

The names are those of the table that pdwatch reads pages by, so that a rename is stated once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pdwatch.engines.row import Row
from pdwatch.engines.vllm import ROWS
from pdwatch.generate.dashboards.errors import DashboardError
from pdwatch.generate.dashboards.promql import RATE_WINDOW
from pdwatch.model.reading import GAUGES, Quantity

PREFIX = "vllm:"
_CHOSEN = {"cluster": "=~$cluster", "model_name": "=~$model", "role": "=~$role", "instance": "=~$instance"}


def now(quantity: Quantity, **matchers: str) -> str:
    """Return a gauge, by any of its names. Raises `DashboardError` for another kind of quantity."""
    if quantity not in GAUGES:
        raise DashboardError(f"{quantity.value} is no gauge")
    return _joined(_selectors(quantity, "value", matchers))


def rate(quantity: Quantity, part: str = "value", **matchers: str) -> str:
    """Return the increase per second of a counter, or of `bucket`, `sum` or `count` of a histogram.

    Raises `DashboardError` for a gauge, and for a part that no row keeps.
    """
    if quantity in GAUGES:
        raise DashboardError(f"{quantity.value} has no rate")
    return _joined([f"rate({selector}[{RATE_WINDOW}])" for selector in _selectors(quantity, part, matchers)])


def quantile(q: float, quantity: Quantity, *by: str, **matchers: str) -> str:
    """Return a quantile from buckets that are summed first."""
    return f"histogram_quantile({q:g}, {total(rate(quantity, 'bucket', **matchers), *by, 'le')})"


def mean(quantity: Quantity, *by: str, **matchers: str) -> str:
    """Return the mean of a histogram's observations over the interval."""
    parts = (total(rate(quantity, part, **matchers), *by) for part in ("sum", "count"))
    return " / ".join(parts)


def total(expr: str, *by: str) -> str:
    """Return the sum over each set of labels, or over everything."""
    return f"sum by ({', '.join(by)}) ({expr})" if by else f"sum({expr})"


def most(expr: str, *by: str) -> str:
    """Return the largest value of each set of labels."""
    return f"max by ({', '.join(by)}) ({expr})"


def chosen(name: str) -> str:
    """Return a selector of a metric that every program has, by the variables that fit."""
    return f'{name}{{cluster=~"$cluster", role=~"$role", instance=~"$instance"}}'


def _selectors(quantity: Quantity, part: str, more: Mapping[str, str]) -> list[str]:
    named = [(_sample(row, part), row.where) for row in ROWS if row.quantity is quantity]
    found = [f"{PREFIX}{name}{_braces({**_CHOSEN, **where, **more})}" for name, where in named if name]
    if not found:
        raise DashboardError(f"vLLM exports no {part} of {quantity.value}")
    return found


def _sample(row: Row, part: str) -> str | None:
    """Return the name on the wire of a part of a row: of a counter that with `_total`."""
    return next((name for name, what in row.sample_names().items() if what == part), None)


def _braces(matchers: Mapping[str, str]) -> str:
    return "{" + ", ".join(_matcher(label, value) for label, value in matchers.items()) + "}"


def _matcher(label: str, value: str) -> str:
    return f'{label}=~"{value[2:]}"' if value.startswith("=~") else f'{label}="{value}"'


def _joined(exprs: Sequence[str]) -> str:
    return exprs[0] if len(exprs) == 1 else f"({' or '.join(exprs)})"
