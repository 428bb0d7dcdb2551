"""A small Kubernetes API server for pods: create, replace, delete, list in pages, and watch, as the real one answers.

Resource versions count every change; a watch begins after any version that is still kept and is told 410 otherwise. A
test can end watches, let them fall silent, forget old versions, ask for a token, and refuse namespaces. `python
apiserver.py` serves on a free port until it is ended and prints its URL; kubectl and the official clients can use it.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Pod = dict[str, Any]
_TERM = re.compile(r"(?P<key>[^!=\s]+)\s*(?P<how>==|!=|=)\s*(?P<value>\S*)|(?P<no>!)?(?P<exists>[^!=\s]+)")


def pod(name: str, namespace: str = "llm", **more: Any) -> Pod:
    """Return a pod that runs and is ready, with the shape of a real one.

    Of *more*: labels, annotations, ip, node, image, ports (name and number), phase, ready, owner (kind and name).
    """
    number = sum(map(ord, f"{namespace}/{name}")) % 250 + 1
    ports = [{"name": key, "containerPort": value, "protocol": "TCP"} for key, value in more.get("ports", {}).items()]
    kind, owner = more.get("owner", ("ReplicaSet", "vllm-7d9f"))
    ready = str(more.get("ready", True))
    address = more.get("ip", f"10.0.0.{number}")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "generateName": f"{owner}-",
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "creationTimestamp": "2026-11-21T14:00:00Z",
            "labels": {"app": "vllm", **more.get("labels", {})},
            "annotations": more.get("annotations"),
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": "uid-of-owner", "controller": True}
            ],
        },
        "spec": {
            "nodeName": more.get("node", "node-1"),
            "initContainers": [
                {"name": "routing-proxy", "image": "llm-d-routing-sidecar", "ports": [{"containerPort": 8000}]}
            ],
            "containers": [{"name": "vllm", "image": more.get("image", "vllm/vllm-openai:v0.32.0"), "ports": ports}],
            "restartPolicy": "Always",
        },
        "status": {
            "phase": more.get("phase", "Running"),
            "conditions": [
                {"type": "Initialized", "status": "True", "lastTransitionTime": "2026-11-21T14:00:02Z"},
                {"type": "Ready", "status": ready, "lastTransitionTime": "2026-11-21T14:01:00Z"},
            ],
            "hostIP": "192.168.0.1",
            "podIP": address,
            "podIPs": [{"ip": address}],
        },
    }


@dataclass
class Change:
    """One change of one pod."""

    version: int
    before: Pod | None
    after: Pod | None


@dataclass
class ApiServer:
    """The state of the server, and what it is told to do wrong."""

    token: str | None = None
    """What requests must show, None for no token."""
    forbidden: set[str] = field(default_factory=set)
    """Namespaces that nobody may read; an empty name stands for the list of all."""
    page: int | None = None
    """Most pods of one page, below what is asked for."""
    gone_as_status: bool = False
    """Whether a watch of a forgotten version is refused by status, rather than by an event."""
    silent: bool = False
    """Whether watches that begin now are told nothing."""
    stalled: bool = False
    """Whether lists are never answered."""
    broken: str | None = None
    """What every watch is told in place of events."""
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Path and parameters of every GET."""
    watches: int = 0
    """Watches under way."""

    def __post_init__(self) -> None:
        self.version = 100
        self._pods: dict[tuple[str, str], Pod] = {}
        self._changes: list[Change] = []
        self._oldest = 0
        self._moved = asyncio.Condition()
        self._cut = 0

    def asked(self, how: str) -> list[Mapping[str, str]]:
        """Return the parameters of the lists or the watches that were asked for."""
        return [parameters for _, parameters in self.requests if ("watch" in parameters) == (how == "watch")]

    async def put(self, *pods: Pod) -> None:
        """Create pods, or change them as they then are."""
        for one in pods:
            key = one["metadata"]["namespace"], one["metadata"]["name"]
            await self._change(key, copy.deepcopy(one))

    async def delete(self, name: str, namespace: str = "llm") -> None:
        """Take a pod away at once."""
        await self._change((namespace, name), None)

    async def forget(self) -> None:
        """Forget all versions up to now, as compaction does: watches that have seen them go on."""
        async with self._moved:
            self._oldest = self.version
            self._changes.clear()

    async def cut(self) -> None:
        """Break off the connections of all watches without a word."""
        async with self._moved:
            self._cut += 1
            self._moved.notify_all()

    async def bookmark(self) -> None:
        """Let an object of another kind change, so that versions move on, and tell all watches how far they are."""
        async with self._moved:
            self.version += 10
            self._changes.append(Change(self.version, None, None))
            self._moved.notify_all()

    async def _change(self, key: tuple[str, str], after: Pod | None) -> None:
        async with self._moved:
            self.version += 1
            before = self._pods.pop(key, None)
            if after is not None:
                after["metadata"]["resourceVersion"] = str(self.version)
                self._pods[key] = after
            self._changes.append(Change(self.version, before, after))
            self._moved.notify_all()

    @asynccontextmanager
    async def serve(self, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """Serve on a free port of loopback and give the URL."""
        application = web.Application()
        application.router.add_get("/api/v1/pods", self._get)
        application.router.add_get("/api/v1/namespaces/{namespace}/pods", self._get)
        application.router.add_post("/api/v1/namespaces/{namespace}/pods", self._write)
        application.router.add_put("/api/v1/namespaces/{namespace}/pods/{name}", self._write)
        application.router.add_delete("/api/v1/namespaces/{namespace}/pods/{name}", self._remove)
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _get(self, request: web.Request) -> web.StreamResponse:
        namespace = request.match_info.get("namespace", "")
        self.requests.append((request.path, dict(request.query)))
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return _status(401, "Unauthorized", "Unauthorized")
        if namespace in self.forbidden:
            who = 'User "system:serviceaccount:pdwatch:pdwatch-serve" cannot list resource "pods" in API group ""'
            where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
            return _status(403, "Forbidden", f"pods is forbidden: {who} {where}")
        if request.query.get("watch") in ("true", "1"):
            return await self._watch(request, namespace)
        if self.stalled:
            await asyncio.Event().wait()
        return self._list(request, namespace)

    def _list(self, request: web.Request, namespace: str) -> web.Response:
        start, version = 0, self.version
        if token := request.query.get("continue"):
            known = json.loads(base64.b64decode(token))
            start, version = known["start"], known["rv"]
            if version < self._oldest:
                return _status(410, "Expired", "The provided continue parameter is too old")
        chosen = [one for key, one in sorted(self._pods.items()) if _chosen(one, namespace, request)]
        most = min(int(request.query.get("limit") or len(chosen) or 1), self.page or len(chosen) or 1)
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if start + most < len(chosen):
            more = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start + most}).encode()
            metadata |= {"continue": base64.b64encode(more).decode(), "remainingItemCount": len(chosen) - start - most}
        items = [{k: v for k, v in one.items() if k not in ("kind", "apiVersion")} for one in chosen]
        page = {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items[start : start + most]}
        return web.json_response(page)

    async def _watch(self, request: web.Request, namespace: str) -> web.StreamResponse:
        version = int(request.query.get("resourceVersion") or self.version)
        gone = f"too old resource version: {version} ({self._oldest})"
        if version < self._oldest and self.gone_as_status:
            return _status(410, "Expired", gone)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        self.watches += 1
        try:
            if version < self._oldest:
                await _tell(response, "ERROR", _about(410, "Expired", gone))
            elif self.broken is not None:
                await response.write(self.broken.encode())
            elif not await self._follow(request, response, namespace, version):
                return response
        finally:
            self.watches -= 1
        await response.write_eof()
        return response

    async def _follow(self, request: web.Request, response: web.StreamResponse, namespace: str, version: int) -> bool:
        """Tell each change after *version*; return whether the watch ended as it should."""
        cut, silent, seconds = self._cut, self.silent, float(request.query.get("timeoutSeconds") or 600)
        bookmarks = request.query.get("allowWatchBookmarks") == "true"
        try:
            async with asyncio.timeout(seconds):
                while True:
                    async with self._moved:
                        while self._cut == cut and not self._after(version):
                            await self._moved.wait()
                        changes = self._after(version)
                    if self._cut != cut and request.transport is not None:
                        request.transport.abort()
                        return False
                    for change in changes:
                        version = change.version
                        if not silent:
                            await self._tell_change(request, response, namespace, change, bookmarks=bookmarks)
        except TimeoutError:
            return True

    def _after(self, version: int) -> list[Change]:
        return [change for change in self._changes if change.version > version]

    async def _tell_change(
        self, request: web.Request, response: web.StreamResponse, namespace: str, change: Change, *, bookmarks: bool
    ) -> None:
        """Tell a change as the selector sees it: a pod that no longer fits was deleted, for this watch."""
        was = change.before is not None and _chosen(change.before, namespace, request)
        is_ = change.after is not None and _chosen(change.after, namespace, request)
        version = {"resourceVersion": str(change.version)}
        if is_:
            await _tell(response, "MODIFIED" if was else "ADDED", change.after)
        elif was and change.before is not None:
            before = copy.deepcopy(change.before)
            before["metadata"] |= version
            await _tell(response, "DELETED", before)
        elif change.before is None and change.after is None and bookmarks:
            mark = {"kind": "Pod", "apiVersion": "v1", "metadata": {**version, "creationTimestamp": None}, "spec": {}}
            await _tell(response, "BOOKMARK", mark)

    async def _write(self, request: web.Request) -> web.Response:
        await self.put(await request.json())
        return web.json_response(await request.json(), status=201)

    async def _remove(self, request: web.Request) -> web.Response:
        await self.delete(request.match_info["name"], request.match_info["namespace"])
        return _status(200, "", "deleted")


async def _tell(response: web.StreamResponse, kind: str, thing: Any) -> None:
    await response.write(json.dumps({"type": kind, "object": thing}).encode() + b"\n")


def _about(code: int, reason: str, message: str) -> dict[str, Any]:
    status = "Success" if code == 200 else "Failure"
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": status}
    return head | {"message": message, "reason": reason, "code": code}


def _status(code: int, reason: str, message: str) -> web.Response:
    return web.json_response(_about(code, reason, message), status=code)


def _chosen(one: Pod, namespace: str, request: web.Request) -> bool:
    labels = one["metadata"]["labels"]
    terms = [term.strip() for term in request.query.get("labelSelector", "").split(",") if term.strip()]
    return (not namespace or one["metadata"]["namespace"] == namespace) and all(_fits(labels, term) for term in terms)


def _fits(labels: Mapping[str, str], term: str) -> bool:
    match = _TERM.fullmatch(term)
    if match is None:
        raise web.HTTPBadRequest(text=f"unable to parse requirement: {term}")
    if match["exists"]:
        return (match["exists"] in labels) != bool(match["no"])
    return (labels.get(match["key"]) == match["value"]) != (match["how"] == "!=")


async def main() -> None:
    """Serve until the process is ended."""
    async with ApiServer().serve() as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
