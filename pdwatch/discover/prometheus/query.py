"""The one query of an interval: every sample of the wanted metrics in the last minute, with its own timestamp.

An instant vector would give each value the time of the question. The range of each series gives the time of the scrape,
and the newest of them tells which series the last scrape no longer had.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pdwatch.config.units import format_duration
from pdwatch.discover.source import DiscoveryError

UP = "up"
DURATION = "scrape_duration_seconds"
"""Both are Prometheus' own word about each scrape."""

_LEGAL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_BUCKET = "_bucket"
_PARTS = ("_sum", "_count", "_total")
_RAY = "ray_"


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest sample of one series."""

    name: str
    labels: Mapping[str, str]
    at: float
    """Unix seconds of the scrape."""
    value: str
    spacing: float | None = None
    """Shortest time between two of its samples, in seconds."""


def selector(names: Collection[str], matchers: Collection[str], lookback: float) -> str:
    """Return the query for metrics of these sample names, whose target has labels that match."""
    legal = {name for name in names if _LEGAL.fullmatch(name)}
    bucketed = {name.removesuffix(_BUCKET) for name in legal if name.endswith(_BUCKET)}
    others = {_base(name) for name in legal if not name.endswith(_BUCKET)}
    choices = [
        *([f"(?:ray_)?(?:{_either(bucketed)})_bucket"] if bucketed else []),
        *([f"(?:ray_)?(?:{_either(others)})(?:{'|'.join(_PARTS)})?"] if others else []),
        UP,
        DURATION,
    ]
    about = ",".join([f'__name__=~"{"|".join(choices)}"', *matchers])
    return f"{{{about}}}[{format_duration(lookback)}]"


def _base(name: str) -> str:
    return next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)


def _either(bases: Collection[str]) -> str:
    """Return the choice of names, short: spellings with `:` and `_` are one, and so are those with Ray's prefix."""
    plain = {base.removeprefix(_RAY) for base in bases}
    folded = {base.replace(":", "[:_]") for base in plain if ":" in base}
    twins = {base.replace(":", "_") for base in plain if ":" in base}
    return "|".join(sorted(folded | {base for base in plain if ":" not in base and base not in twins}))


def read_answer(body: bytes, url: str) -> Iterator[Sample]:
    """Yield the newest sample of each series of an answer. Raises `DiscoveryError` for what is no answer to a query."""
    try:
        answer = json.loads(body)
        result = answer["data"]["result"]
        if answer["data"]["resultType"] != "matrix" or not isinstance(result, list):
            raise ValueError("no matrix")
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise DiscoveryError(f"{url}: answers no query; name the address of Prometheus") from error
    for series in result:
        samples = _newest(series)
        if samples is not None:
            yield samples


def _newest(series: Any) -> Sample | None:
    """Return the newest sample; None for a series without any, as of native histograms."""
    match series:
        case {"metric": {"__name__": str(name), **labels}, "values": [*_, [int() | float() as at, str(value)]]}:
            texts = {str(key): str(text) for key, text in labels.items()}
            return Sample(name, texts, float(at), value, _spacing(series["values"]) if name == UP else None)
    return None


def _spacing(values: Sequence[Any]) -> float | None:
    times = [value[0] for value in values]
    return min((later - earlier for earlier, later in itertools.pairwise(times)), default=None)
