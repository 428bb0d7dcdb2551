"""Fixtures of discovery in Kubernetes: an API server on loopback, and what asks it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pdwatch.config.places import KubernetesSource
from pdwatch.discover.kubernetes.access import Cluster
from pdwatch.discover.kubernetes.client import Patience
from pdwatch.discover.kubernetes.source import KubernetesDiscovery
from pdwatch.discover.source import DiscoveryError, Found

sys.path.insert(0, str(Path(__file__).parent))
import apiserver

HASTE = Patience(connect=2.0, answer=2.0, silence=30.0, retries=(0.01,))
DEADLINE = 20.0
"""Seconds until what must come true has failed; far more than it takes."""


@pytest.fixture
def pod() -> Callable[..., apiserver.Pod]:
    """Make a pod."""
    return apiserver.pod


@pytest.fixture
def server() -> apiserver.ApiServer:
    """An API server without pods."""
    return apiserver.ApiServer()


class Watched:
    """Discovery that looks at a server."""

    def __init__(self, *made: Any) -> None:
        self.made = made
        self.source = KubernetesDiscovery(*made)

    async def look(self) -> Found | str:
        """Return what there is, or the text of the error."""
        try:
            return await self.source.find()
        except DiscoveryError as error:
            return str(error)

    async def until(self, wanted: Callable[[Any], object]) -> Any:
        """Return the first look that is *wanted*."""
        seen: Any = None
        try:
            async with asyncio.timeout(DEADLINE):
                while True:
                    seen = await self.look()
                    if wanted(seen):
                        return seen
                    await asyncio.sleep(0.005)
        except TimeoutError:
            pytest.fail(f"never came; last seen: {seen}")

    async def until_named(self, *names: str) -> Found:
        """Return the first look that finds just these workers."""
        found: Found = await self.until(lambda seen: isinstance(seen, Found) and names_of(seen) == sorted(names))
        return found


def names_of(found: Found) -> list[str]:
    """Return the names of the workers."""
    return sorted(target.worker for target in found.targets)


Scenario = Callable[[Watched], Awaitable[None]]


@pytest.fixture
def watching(server: apiserver.ApiServer) -> Callable[..., None]:
    """Run a scenario on a server that serves, with discovery that watches it."""

    def run(
        scenario: Scenario, *, patience: Patience = HASTE, cluster: Callable[[str], Cluster] = Cluster, **entry: Any
    ) -> None:
        async def within() -> None:
            source = KubernetesSource(**{"namespaces": ("llm",), **entry})
            async with server.serve() as url:
                watched = Watched(source, "kubernetes", lambda: cluster(url), patience)
                try:
                    await scenario(watched)
                finally:
                    await watched.source.aclose()

        asyncio.run(within())

    return run
