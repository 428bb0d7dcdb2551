"""The KV blocks of one engine."""

from __future__ import annotations


class KvBlocks:
    """A pool of equal blocks; it keeps only how many are in use."""

    __slots__ = ("size", "total", "used")

    def __init__(self, total: int, size: int) -> None:
        self.total = total
        self.size = size
        """Tokens of a block."""
        self.used = 0

    @property
    def free(self) -> int:
        """Blocks that nobody holds."""
        return self.total - self.used

    @property
    def usage(self) -> float:
        """Share in use, 0 to 1."""
        return self.used / self.total

    def needed(self, tokens: int) -> int:
        """Blocks that *tokens* tokens occupy."""
        return -(-tokens // self.size)
