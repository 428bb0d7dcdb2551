"""Loading the configuration again, asked for by HTTP or by a signal.

ReloadError         the new configuration is bad; the old one stays in use
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class ReloadError(Exception):
    """The new configuration is bad; the text says in one line what is wrong, where and the mend."""


class Reloader:
    """Loads the configuration again, one attempt at a time, and remembers how the last one went."""

    def __init__(self, load: Callable[[], Awaitable[None]], clock: Callable[[], float], loaded_at: float) -> None:
        """*load* raises `ReloadError` and then has changed nothing; *clock* gives Unix seconds."""
        self._load = load
        self._clock = clock
        self._turn = asyncio.Lock()
        self.successful = True
        self.loaded_at = loaded_at
        """Unix seconds at which the configuration in use was loaded."""

    async def reload(self) -> None:
        """Load the configuration. Raises `ReloadError` when it is bad."""
        async with self._turn:
            try:
                await self._load()
            except ReloadError:
                self.successful = False
                raise
            self.successful = True
            self.loaded_at = self._clock()
