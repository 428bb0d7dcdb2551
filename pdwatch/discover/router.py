"""`GET /workers` of vllm-router and sglang-router, which know the role of each of their workers.

Shape, alike in vllm-router 0.1.17 and sglang-router 0.3.2: `{"workers": [{"url", "worker_type", ...}], "total", ...}`
with `worker_type` `prefill`, `decode` or `regular`. vllm-router lists each data-parallel rank as a worker `URL@RANK`.
"""

from __future__ import annotations

import json
from typing import Any

from pdwatch.config.sources import RouterSource
from pdwatch.config.urls import worker_url
from pdwatch.discover.groups import role_named
from pdwatch.discover.http import JsonClient
from pdwatch.discover.source import DiscoveryError, Found
from pdwatch.model.target import DEFAULT_SERVICE, Role, RoleSource, Target, worker_name


class RouterDiscovery:
    """The workers of one router."""

    def __init__(self, source: RouterSource, client: JsonClient) -> None:
        self.name = f"{source.url}/workers"
        self.refresh = source.refresh
        self._service = source.service or DEFAULT_SERVICE
        self._client = client

    async def find(self) -> Found:
        """Return the workers in order of their URLs. Raises `DiscoveryError`, also for a router that lists none:
        one that learns its workers over ZMQ lists none while it serves, and so does one that has just started.
        """
        entries = _entries(await self._client.get(self.name), self.name)
        targets: dict[str, Target] = {}
        problem = None
        for entry in entries:
            try:
                target = self._target(entry)
            except ValueError as error:
                problem = f"{self.name}: {error}"
            else:
                targets.setdefault(target.url, target)
        return Found(tuple(targets[url] for url in sorted(targets)), problem)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _target(self, entry: dict[str, Any]) -> Target:
        url = worker_url(str(entry["url"]))
        role = role_named(str(entry.get("worker_type", ""))) or Role.UNKNOWN
        return Target(
            url=url,
            worker=worker_name(url),
            service=self._service,
            role=role,
            role_source=RoleSource.NONE if role is Role.UNKNOWN else RoleSource.ROUTER,
            source=self.name,
        )


def _entries(body: bytes, name: str) -> list[dict[str, Any]]:
    """Return the entries that have a URL. Raises `DiscoveryError` for an answer without any."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DiscoveryError(f"{name}: is no JSON; name the API address of vllm-router or sglang-router") from error
    workers = answer.get("workers") if isinstance(answer, dict) else answer
    if not isinstance(workers, list):
        raise DiscoveryError(f"{name}: lists no workers; name the API address of vllm-router or sglang-router")
    entries = [entry for entry in workers if isinstance(entry, dict) and isinstance(entry.get("url"), str)]
    if not entries:
        raise DiscoveryError(f"{name}: is an empty list; name workers that register over ZMQ as static targets")
    return entries
