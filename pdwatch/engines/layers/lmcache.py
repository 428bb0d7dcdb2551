"""LMCache: in the engine's process (on its page, or on a port of its own) and as a server.

What one worker fetches from another is read as transfer, in seconds; bytes are not told. Its store and retrieve times
are of a worker and its own cache tiers, and the P/D backend counts nothing.
"""

from __future__ import annotations

from pdwatch.engines.family import Family, Kind
from pdwatch.engines.row import Row
from pdwatch.engines.table import Table
from pdwatch.model.reading import Quantity as Q

PREFIXES = ("lmcache:", "lmcache_")

ROWS = (Row("p2p_time_to_transfer", Q.TRANSFER_TIME, needs="peer-to-peer sharing", buckets=True),)

FAMILY = Family(
    "lmcache",
    Kind.LAYER,
    Table(ROWS, PREFIXES),
    about=__doc__,
    page="on the engine's page where `PROMETHEUS_MULTIPROC_DIR` is set; else its internal API (6999, 7000 and up), or "
    "`/metrics` of the server (8080)",
    verified="synthetic, after the sources of 0.5.6",
    marks=("lmcache:", "lmcache_"),
)
