"""Whether decode waits for remote KV that does not come: neither moved nor refused, so that no counter tells."""

from __future__ import annotations

from pdwatch.model.reading import Quantity as Q
from pdwatch.model.reading import Reading

_TOLD_BY_STAGE = (Q.KV_FETCH_WAITING, Q.KV_FETCH_IN_PROGRESS)
_MOVES = (
    Q.PROMPT_TOKENS,
    Q.PROMPT_TOKENS_TRANSFERRED,
    Q.EXTERNAL_CACHE_HITS,
    Q.TRANSFER_FAILURES,
    Q.TRANSFER_FAILED_RECEIVES,
)
_TIMES = (Q.TRANSFER_TIME, Q.TTFT)
"""What counts when KV arrives, when a request that waited for it has its first token, or when it is given up."""


class FetchStall:
    """One engine's waiting for remote KV between pages."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._moves: tuple[float | None, ...] = ()
        self._at = 0.0
        self.known = False
        """Whether the page tells of requests that wait for remote KV, and of such as have got theirs."""

    @property
    def seconds(self) -> float:
        """For how long requests have waited while nothing arrived or failed; 0 when something did or none waits."""
        return 0.0 if self._since is None else self._at - self._since

    def push(self, reading: Reading) -> None:
        """Take the next page."""
        waiting = _waiting(reading)
        self.known, self._at = waiting is not None, reading.at
        if not waiting:
            self._since = None
            return
        moves = _moves(reading)
        self.known = any(move is not None for move in moves)
        if self._since is None or moves != self._moves:
            self._since = reading.at
        self._moves = moves


def _waiting(reading: Reading) -> float | None:
    """Return the requests that wait for remote KV: by stage since 0.32, else those put off, `None` before 0.20."""
    told = [value for value in reading.each(_TOLD_BY_STAGE) if value is not None]
    return sum(told) if told else reading.value(Q.REQUESTS_WAITING_DEFERRED)


def _moves(reading: Reading) -> tuple[float | None, ...]:
    return (*reading.each(_MOVES), *(_count(reading, quantity) for quantity in _TIMES))


def _count(reading: Reading, quantity: Q) -> float | None:
    slots = reading.shape.histograms.get(quantity)
    return None if slots is None or slots.count is None else reading.values[slots.count]
