"""One namespace under watch: the list, then each change, taken up again where it broke off.

While the API server is away the pods that were known last stay. A watch that ends is taken up at the last version that
was seen; where the server no longer knows that version, the list is read anew.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from pdwatch.config.places import KubernetesSource
from pdwatch.discover.kubernetes.access import Cluster, inside
from pdwatch.discover.kubernetes.client import BEGUN, ExpiredError, Patience, PodClient, unreachable
from pdwatch.discover.kubernetes.kubeconfig import from_kubeconfig
from pdwatch.discover.kubernetes.pods import Pod, PodTarget, target_of
from pdwatch.discover.source import DiscoveryError

log = logging.getLogger(__name__)

Reach = Callable[[], Cluster]


def reach(entry: KubernetesSource) -> Cluster:
    """Return the cluster of an entry, as its files are now. Raises `DiscoveryError`."""
    path: Path | None = entry.kubeconfig_file
    return from_kubeconfig(path, entry.context) if path is not None else inside(os.environ)


class PodWatch:
    """What is known of the pods of one namespace; an empty name stands for all."""

    def __init__(self, entry: KubernetesSource, namespace: str, source: str, reach: Reach, patience: Patience) -> None:
        self.error: str | None = None
        """Why the pods may be older than they look; None while they are watched."""
        self.listed = False
        """Whether they have ever been listed."""
        self.tried = asyncio.Event()
        """Set once the first list came, or failed."""
        self._entry = entry
        self._namespace = namespace
        self._source = source
        self._reach = reach
        self._patience = patience
        self._pods: dict[str, PodTarget] = {}
        self._version = ""
        self._failures = 0
        self._begun = math.inf

    @property
    def pods(self) -> list[PodTarget]:
        """What is known of each pod that counts, in order of their identities."""
        return [self._pods[uid] for uid in sorted(self._pods)]

    def inherit(self, other: PodWatch) -> None:
        """Begin with the pods that *other* knew."""
        self._pods = dict(other._pods)

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                await self._follow()
            except DiscoveryError as error:
                self._fail(str(error))
            except Exception:
                log.exception("the watch of %s failed", self._source)
                self._fail(f"{self._source}: the watch failed; the log of pdwatch tells how")
            self.tried.set()
            await asyncio.sleep(self._patience.retries[min(self._failures, len(self._patience.retries) - 1)])

    def _fail(self, error: str | None) -> None:
        """Count a failure; one without words is told when another follows."""
        lasted = asyncio.get_running_loop().time() - self._begun
        self._failures = 1 if lasted > self._patience.steady else self._failures + 1
        self._begun = math.inf
        self.error = error or self.error

    async def _follow(self) -> None:
        """Connect, list where there is no version to go on from, and watch until the connection ends."""
        client = PodClient(self._reach(), self._namespace, self._entry.selector, self._patience)
        try:
            if not self._version:
                await self._list(client)
            async for kind, thing in client.watch(self._version):
                self._take(kind, thing)
            self._fail(None)
        except ExpiredError:
            self._version = ""
            self._fail(None)
        except httpx.HTTPError as error:
            self._fail(str(unreachable(client.url, error)) if self._failures else None)
        finally:
            await client.aclose()

    async def _list(self, client: PodClient) -> None:
        pods = await client.pods()
        ready = set(self._pods)
        self._pods = {}
        for item in pods.items:
            self._put(item, ready)
        self._version, self.listed, self.error = pods.version, True, None
        self.tried.set()

    def _take(self, kind: str, thing: Mapping[str, Any]) -> None:
        """Take one event of the watch."""
        self.error = None
        if kind == BEGUN:
            self._begun = asyncio.get_running_loop().time()
            return
        self._failures = 0
        about = thing.get("metadata")
        if isinstance(about, dict):
            self._version = str(about.get("resourceVersion") or self._version)
            if kind in ("ADDED", "MODIFIED"):
                self._put(thing, set(self._pods))
            elif kind == "DELETED":
                self._pods.pop(str(about.get("uid")), None)

    def _put(self, item: Any, known: set[str]) -> None:
        """Take a pod as it is now; one of *known* stays while it runs, any other waits until it is ready."""
        try:
            pod = Pod.model_validate(item)
        except ValidationError as error:
            self._odd(item, error)
            return
        uid = pod.metadata.uid
        if pod.runs and (pod.ready or uid in known):
            self._pods[uid] = target_of(pod, self._entry, self._source)
        else:
            self._pods.pop(uid, None)

    def _odd(self, item: Any, error: ValidationError) -> None:
        """Take note of a pod that is described in no way that is known; the others are as they are."""
        about = item.get("metadata") if isinstance(item, dict) else None
        known = about if isinstance(about, dict) else {}
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = f"{self._source}: pod {known.get('name', '?')}: {where}: {first['msg'].lower()}; it is left out"
        self._pods[str(known.get("uid", ""))] = PodTarget(problem=problem)
