"""The page of `/metrics`: what follows from the snapshot is encoded once per dialect, the rest at each request."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pdwatch.catalog.metrics import METRICS
from pdwatch.export import fleet, gpus, hosts, itself, judgement, latency, pools, ports, transfer
from pdwatch.export.families import family
from pdwatch.export.itself import INSTANT_TABLE, Instant
from pdwatch.export.view import Table, View
from pdwatch.model.snapshot import Snapshot

TABLES: tuple[Table, ...] = (
    fleet.TABLE,
    pools.TABLE,
    transfer.TABLE,
    latency.TABLE,
    judgement.TABLE,
    itself.TABLE,
    hosts.TABLE,
    gpus.TABLE,
    ports.TABLE,
)
_EXTRACTORS = {definition: extractor for table in TABLES for definition, extractor in table.items()}
_WITHOUT_HOSTS = tuple(definition for definition in METRICS if definition.level != "host")
_END = b"# EOF\n"
_GZIP = 16 + zlib.MAX_WBITS


class Dialect(Enum):
    """A text format and the header by which a client asks for it."""

    TEXT = "text/plain;version=0.0.4"
    OPENMETRICS = "application/openmetrics-text;version=1.0.0"

    @property
    def content_type(self) -> str:
        """Value of the header `Content-Type`."""
        return choose_encoder(self.value)[1]

    @property
    def encoder(self) -> Callable[[Collector], bytes]:
        """prometheus_client's encoder of this format."""
        return choose_encoder(self.value)[0]


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _encode(families: Iterable[Metric], dialect: Dialect) -> bytes:
    return dialect.encoder(_Families(family for family in families if family.samples)).removesuffix(_END)


@dataclass(frozen=True, slots=True)
class Body:
    """The part of a page that follows from one snapshot, plain and deflated so that a tail can be added."""

    dialect: Dialect
    plain: bytes
    deflated: bytes
    deflater: zlib._Compress
    """State after `deflated`; copied before use."""
    duplicates: int


def body_of(snapshot: Snapshot | None, dialect: Dialect) -> Body:
    """Encode a snapshot; without one, the body is empty."""
    built = [] if snapshot is None else list(_families(View(snapshot)))
    plain = _encode((metric for metric, _ in built), dialect)
    deflater = zlib.compressobj(wbits=_GZIP)
    deflated = deflater.compress(plain) + deflater.flush(zlib.Z_SYNC_FLUSH)
    return Body(dialect, plain, deflated, deflater, sum(duplicates for _, duplicates in built))


def _families(view: View) -> Iterable[tuple[Metric, int]]:
    return (
        family(definition, extractor(view))
        for definition in (METRICS if view.hosts else _WITHOUT_HOSTS)
        if (extractor := _EXTRACTORS.get(definition)) is not None
    )


def page_of(body: Body, instant: Instant, *, gzip: bool = False) -> bytes:
    """Return the whole page: the body and what is known only at this instant, gzipped on request."""
    tail = _encode((family(definition, pick(instant))[0] for definition, pick in INSTANT_TABLE.items()), body.dialect)
    if body.dialect is Dialect.OPENMETRICS:
        tail += _END
    if not gzip:
        return body.plain + tail
    deflater = body.deflater.copy()
    return body.deflated + deflater.compress(tail) + deflater.flush()
