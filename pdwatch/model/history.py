"""Snapshots of a while, so that a screen can look back."""

from __future__ import annotations

import json
import pickle
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from pdwatch.model.decode import snapshot_from_json
from pdwatch.model.encode import to_bytes
from pdwatch.model.snapshot import Snapshot

HOUR = 3600.0
DEFAULT_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Packing:
    """How a history keeps a snapshot in memory."""

    write: Callable[[Snapshot], bytes]
    read: Callable[[bytes], Snapshot]


JSON = Packing(to_bytes, lambda line: snapshot_from_json(json.loads(line)))
"""As it is sent to others."""
OBJECTS = Packing(pickle.dumps, pickle.loads)
"""For the process alone that wrote them, which reads them from its own memory: in half the time, half the size."""


class History:
    """The snapshots of the last *seconds*, oldest first, in at most *max_bytes*; the newest always stays.

    Each is kept packed and compressed, a tenth of its size in memory. Not for use by several threads at once.
    """

    def __init__(self, seconds: float = HOUR, max_bytes: int = DEFAULT_BYTES, packing: Packing = JSON) -> None:
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._packing = packing
        self._times: list[float] = []
        self._blobs: list[bytes] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._times)

    @property
    def times(self) -> Sequence[float]:
        """Unix seconds of each snapshot, rising."""
        return self._times

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._bytes

    def append(self, snapshot: Snapshot) -> None:
        """Add the newest snapshot.

        A clock that was set back overtakes what lies later than *snapshot*: that is dropped. A snapshot without a
        time is not kept.
        """
        if not isfinite(snapshot.t):
            return
        self._drop(bisect_left(self._times, snapshot.t), len(self._times))
        self._times.append(snapshot.t)
        self._blobs.append(zlib.compress(self._packing.write(snapshot), 1))
        self._bytes += len(self._blobs[-1])
        self._trim()

    def __getitem__(self, index: int) -> Snapshot:
        """Return a snapshot by its place. Raises `IndexError` outside."""
        return self._packing.read(zlib.decompress(self._blobs[index]))

    def index_at(self, t: float) -> int | None:
        """Return the place of the newest snapshot not later than *t*, of the oldest where all are; `None` if empty."""
        return max(0, bisect_right(self._times, t) - 1) if self._times else None

    def since(self, t: float) -> range:
        """Return the places of the snapshots later than *t*."""
        return range(bisect_right(self._times, t), len(self._times))

    def lines(self) -> Iterator[bytes]:
        """Return what is held now, packed as JSON, as lines, oldest first; each is unpacked when its turn comes."""
        held = list(self._blobs)
        return (zlib.decompress(blob) + b"\n" for blob in held)

    def put_before(self, other: History) -> None:
        """Put what *other* holds before what is held here, as far as it is older and there is room."""
        end = bisect_left(other._times, self._times[0]) if self._times else len(other._times)
        self._times[:0], self._blobs[:0] = other._times[:end], other._blobs[:end]
        self._bytes += sum(map(len, other._blobs[:end]))
        if self._times:
            self._trim()

    def _trim(self) -> None:
        old = bisect_left(self._times, self._times[-1] - self._seconds)
        excess = self._bytes - sum(map(len, self._blobs[:old])) - self._max_bytes
        while excess > 0 and old < len(self._times) - 1:
            excess -= len(self._blobs[old])
            old += 1
        self._drop(0, old)

    def _drop(self, start: int, end: int) -> None:
        self._bytes -= sum(map(len, self._blobs[start:end]))
        del self._times[start:end], self._blobs[start:end]
