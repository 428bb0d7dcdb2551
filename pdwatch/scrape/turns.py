"""When each target has its turn within a cycle: the same moment every time, evenly spread over the fleet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

_HASH_RANGE = 2**32


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """The rhythm of scraping, in seconds."""

    interval: float = 5.0
    """From the start of one cycle to the start of the next."""
    probe_interval: float = 120.0
    """Between two looks at `/health` and `/version` of one worker."""
    probes: bool = True
    """Whether targets have `/health` and `/version`; exporters of hosts have not."""

    @property
    def deadline(self) -> float:
        """Length of a cycle after which it is closed whatever is still missing."""
        return 0.95 * self.interval

    @property
    def probe_cycles(self) -> int:
        """Every how many cycles a worker is probed."""
        return max(1, round(self.probe_interval / self.interval))

    def window(self, timeout: float) -> float:
        """Return over how long the requests of a cycle are spread.

        Short enough that a request which runs into *timeout* is still answered for by the deadline.
        """
        return max(0.0, min(0.7 * self.interval, self.deadline - timeout))


def delay(url: str, window: float) -> float:
    """Return the seconds after the start of a cycle at which *url* is asked."""
    return _hash(url, 0) / _HASH_RANGE * window


def is_probed(url: str, cycle: int, settings: LoopSettings) -> bool:
    """Tell whether *url* is probed in the cycle of that number."""
    return (cycle + _hash(url, 1)) % settings.probe_cycles == 0


@lru_cache(maxsize=65536)
def _hash(url: str, part: int) -> int:
    """Return one of two independent numbers below 2**32 that depend on *url* only."""
    digest = hashlib.blake2b(url.encode(), digest_size=8).digest()
    return int.from_bytes(digest[4 * part : 4 * part + 4])
