"""PromQL over a quantity of vLLM under all of its names: renames by version, prefixes by exporter.

Names come from the engine's own table. A name earlier in the table wins for each series, as it does in pdwatch: `or`
keeps the left side where both have the same labels. So a page that has an old and a new name counts once, and a pool
of old and new versions counts whole. One matcher over all names would fail for everybody where one page has two.
"""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.engines.row import Row
from pdwatch.engines.vllm import PREFIXES, ROWS
from pdwatch.model.reading import Quantity

WINDOW = "$window"


def selectors(quantity: Quantity, part: str = "value") -> list[str]:
    """Return a selector for each name of the samples of a quantity; *part* is `value`, `sum`, `count` or `bucket`.

    Raises `KeyError` where vLLM has no such quantity.
    """
    rows = [row for row in ROWS if row.quantity is quantity]
    found = [selector for row in rows for selector in _samples(row, part)]
    if not found:
        raise KeyError(f"vLLM does not export {quantity.value} ({part})")
    return found


def _samples(row: Row, part: str) -> Iterator[str]:
    labels = ",".join(f'{label}="{value}"' for label, value in row.where.items())
    for prefix in PREFIXES:
        for name, kind in row.sample_names().items():
            if kind == part:
                yield prefix + name + (f"{{{labels}}}" if labels else "")


def newest(quantity: Quantity, part: str = "value") -> str:
    """Return the newest values."""
    return _first_of(selectors(quantity, part))


def mean_over_time(quantity: Quantity) -> str:
    """Return the means of a gauge over the window."""
    return _first_of([f"avg_over_time({each}[{WINDOW}])" for each in selectors(quantity)])


def rate(quantity: Quantity, part: str = "value") -> str:
    """Return increases per second within the window, over resets."""
    return _first_of([f"rate({each}[{WINDOW}])" for each in selectors(quantity, part)])


def aggregate(operation: str, by: str, vector: str) -> str:
    """Return an aggregation by labels, indented."""
    return f"{operation} by ({by}) (\n{indented(vector)}\n)"


def indented(text: str) -> str:
    """Return *text* two spaces further to the right."""
    return "\n".join(f"  {line}" for line in text.splitlines())


def _first_of(vectors: list[str]) -> str:
    first, *others = vectors
    return "\n".join([first, *(f"or {each}" for each in others)])
