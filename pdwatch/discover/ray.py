"""`GET /api/serve/applications/` of Ray's dashboard: on which nodes replicas of Ray Serve run.

Each node has one page, that of its metrics agent, for all replicas on it; which they are and what role they have is on
the page. So the nodes are the targets. Shape recorded from Ray 2.60.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pdwatch.config.places import RaySource
from pdwatch.config.sources import TargetGroup
from pdwatch.discover.groups import found_in
from pdwatch.discover.http import JsonClient
from pdwatch.discover.source import DiscoveryError, Found

APPLICATIONS = "/api/serve/applications/"
_SERVING = frozenset({"RUNNING", "UPDATING", "RECOVERING", "PENDING_MIGRATION"})
"""States of a replica that takes requests."""


class RayDiscovery:
    """The nodes of one cluster."""

    def __init__(self, entry: RaySource, client: JsonClient) -> None:
        self.name = f"{entry.url}{APPLICATIONS}"
        self.refresh = entry.refresh
        self._entry = entry
        self._client = client

    async def find(self) -> Found:
        """Return the page of each node with replicas, in order of addresses. Raises `DiscoveryError`."""
        answer = _parsed(await self._client.get(self.name), self.name)
        known = answer["applications"]
        missing = [name for name in self._entry.applications if name not in known]
        problem = f"{self.name}: has no application {missing[0]!r}; correct applications" if missing else None
        chosen = [
            app for name, app in known.items() if not self._entry.applications or name in self._entry.applications
        ]
        nodes = sorted({node for application in chosen for node in _nodes(application)})
        groups = [
            TargetGroup(
                targets=(f"{f'[{node}]' if ':' in node else node}:{self._entry.port}",),
                labels={"service": self._entry.service or "", "host": node},
            )
            for node in nodes
        ]
        return Found(found_in(groups, self.name).targets, problem)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _parsed(body: bytes, name: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("applications"), dict):
        raise DiscoveryError(f"{name}: tells of no applications; name the address of Ray's dashboard")
    return answer


def _nodes(application: Any) -> Iterator[str]:
    """Yield the address of each node that a replica of the application runs on; what has another shape has none."""
    match application:
        case {"deployments": dict() as deployments}:
            for deployment in deployments.values():
                yield from _addresses(deployment)


def _addresses(deployment: Any) -> Iterator[str]:
    match deployment:
        case {"replicas": list() as replicas}:
            for replica in replicas:
                match replica:
                    case {"state": str(state), "node_ip": str(address)} if address and state in _SERVING:
                        yield address
