"""A shard: the part of all services that one of several pdwatch watches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Self

MOST_SHARDS = 1000


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `number` of `count`; numbers begin with 1. As text it is `1/3`."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard that `i/n` names. Raises `ValueError` with the problem and the mend."""
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
        if match is None:
            raise ValueError(f"{text[:40]!r} is no shard; write i/n, such as 1/2 and 2/2 for the two halves")
        number, count = int(match[1]), int(match[2])
        if not 1 <= count <= MOST_SHARDS:
            raise ValueError(f"{text.strip()!r} asks for {count} shards; divide into 1 to {MOST_SHARDS}")
        if not 1 <= number <= count:
            numbers = f"1/{count} to {count}/{count}" if count > 1 else "1/1"
            raise ValueError(f"{text.strip()!r}: shards of {count} are counted from 1; write {numbers}")
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def holds(self, name: str) -> bool:
        """Whether what has this name falls to the shard."""
        return shard_of(name, self.count) == self.number


@lru_cache(maxsize=16_384)
def shard_of(name: str, count: int) -> int:
    """Return the number of the shard, of *count*, that a name falls to: the one whose number and name hash highest.

    It depends on nothing else, so that it is the same on every machine. Another shard more takes names from all others
    and moves none between them.
    """
    text = name.encode("utf-8", "surrogatepass")
    return max(range(1, count + 1), key=lambda number: sha256(b"%d/%s" % (number, text)).digest())
