"""The pods of one entry: a watch for each namespace, which run beside the questions of discovery."""

from __future__ import annotations

import asyncio
import contextlib

from pdwatch.config.places import KubernetesSource
from pdwatch.discover.kubernetes.client import Patience
from pdwatch.discover.kubernetes.watch import PodWatch, Reach
from pdwatch.discover.source import DiscoveryError, Found

LOOK_SECONDS = 1.0
"""How often what the watches know is taken over; it costs no request."""
PATIENCE = Patience()
FIRST_SECONDS = 5.0
"""Longest wait for the first list."""


class KubernetesDiscovery:
    """Targets of the pods of one cluster."""

    def __init__(self, entry: KubernetesSource, name: str, reach: Reach, patience: Patience = PATIENCE) -> None:
        self.name = name
        self.refresh = LOOK_SECONDS
        self.watches = [PodWatch(entry, one, name, reach, patience) for one in entry.namespaces or ("",)]
        """One for each namespace."""
        self._tasks: list[asyncio.Task[None]] = []

    async def find(self) -> Found:
        """Return the targets of this moment. Raises `DiscoveryError` while no namespace has been listed yet."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(watch.run(), name=self.name) for watch in self.watches]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                await asyncio.gather(*(watch.tried.wait() for watch in self.watches))
        problems = [watch.error or _waiting(self.name) for watch in self.watches if watch.error or not watch.listed]
        if not any(watch.listed for watch in self.watches):
            raise DiscoveryError(" | ".join(dict.fromkeys(problems)))
        pods = [pod for watch in self.watches for pod in watch.pods]
        problems += [pod.problem for pod in pods if pod.problem is not None]
        targets = tuple(pod.target for pod in pods if pod.target is not None)
        return Found(targets, " | ".join(dict.fromkeys(problems)) or None)

    def inherit(self, other: object) -> None:
        """Begin with the pods that *other* knew of the same namespaces."""
        if isinstance(other, KubernetesDiscovery) and other.name == self.name:
            for watch, before in zip(self.watches, other.watches, strict=True):
                watch.inherit(before)

    async def aclose(self) -> None:
        """End the watches."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _waiting(name: str) -> str:
    return f"{name}: no list within {FIRST_SECONDS:g}s; see whether the API server is up"
