"""What a client accepts, by its headers (RFC 9110, 12.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pdwatch.export.dialect import Dialect


def dialect_for(accept: str) -> Dialect:
    """Return the dialect of the highest weight; at equal weight OpenMetrics, which a client must ask for by name."""
    openmetrics = max((weight for weight, kind, given in _ranges(accept) if _is_openmetrics(kind, given)), default=0.0)
    text = max((weight for weight, kind, _ in _ranges(accept) if kind == "text/plain"), default=0.0)
    return Dialect.OPENMETRICS if openmetrics > 0 and openmetrics >= text else Dialect.TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether `gzip` is among the encodings and not refused by `q=0`."""
    return any(kind == "gzip" and weight > 0 for weight, kind, _ in _ranges(accept_encoding))


def _is_openmetrics(kind: str, given: Mapping[str, str]) -> bool:
    return kind == "application/openmetrics-text" and given.get("version", "1.0.0").startswith("1.")


def _ranges(header: str) -> Iterator[tuple[float, str, Mapping[str, str]]]:
    for part in header.split(","):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        given = {key.strip(): value.strip() for key, _, value in (word.partition("=") for word in parameters)}
        yield _weight(given.get("q", "1")), kind, given


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
