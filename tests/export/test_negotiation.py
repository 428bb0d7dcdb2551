"""Which format a client gets by its headers."""

from __future__ import annotations

import pytest

from pdwatch.export.dialect import Dialect
from pdwatch.export.negotiation import accepts_gzip, dialect_for

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "dialect"),
    [
        (PROMETHEUS_2, Dialect.OPENMETRICS),
        (PROMETHEUS_3, Dialect.OPENMETRICS),
        ("application/openmetrics-text", Dialect.OPENMETRICS),
        ("", Dialect.TEXT),
        ("*/*", Dialect.TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Dialect.TEXT),
        ("application/openmetrics-text;version=0.0.1", Dialect.TEXT),
        ("application/openmetrics-text;q=0", Dialect.TEXT),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", Dialect.TEXT),
        ("application/openmetrics-text;q=much", Dialect.TEXT),
    ],
)
def test_dialect(accept, dialect):
    """OpenMetrics for those who name it and do not prefer text; text for everybody else."""
    assert dialect is dialect_for(accept)


@pytest.mark.parametrize(
    ("encoding", "accepted"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("GZIP", True), ("", False), ("gzip;q=0", False), ("br", False)],
)
def test_gzip(encoding, accepted):
    """Packed only when asked for."""
    assert accepted is accepts_gzip(encoding)
