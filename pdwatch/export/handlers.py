"""What each path answers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse

from pdwatch.export import landing
from pdwatch.export.exposition import page_of
from pdwatch.export.http_sd import target_groups
from pdwatch.export.hub import Publication, SnapshotHub
from pdwatch.export.itself import Instant
from pdwatch.export.negotiation import accepts_gzip, dialect_for
from pdwatch.export.reload import Reloader, ReloadError
from pdwatch.export.stream import events

_NOT_READY = "pdwatch is not ready: the first collection has not finished; ask again in a moment."
_NO_FILE = "There is nothing to reload: pdwatch runs without a configuration file; start it with --config FILE."
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Handlers:
    """Answers from the newest snapshot of the hub."""

    hub: SnapshotHub
    clock: Callable[[], float]
    """Unix seconds."""
    process: Callable[[], Mapping[str, float]]
    reloader: Reloader | None
    heartbeat_seconds: float

    async def metrics(self, request: Request) -> Response:
        """The exposition, in the dialect that the client prefers."""
        publication = self.hub.current
        body = await run_in_threadpool(publication.body, dialect_for(request.headers.get("accept", "")))
        packed = _gzip_wanted(request)
        content = page_of(body, self._instant(publication, body.duplicates), gzip=packed)
        headers = {"Content-Type": body.dialect.content_type, "Vary": "Accept, Accept-Encoding"}
        return Response(content, headers=headers | ({"Content-Encoding": "gzip"} if packed else {}))

    def _instant(self, publication: Publication, duplicates: int) -> Instant:
        snapshot = publication.snapshot
        return Instant(
            age_seconds=None if snapshot is None else max(0.0, self.clock() - snapshot.t),
            reload_successful=self.reloader.successful if self.reloader is not None else None,
            loaded_at=self.reloader.loaded_at if self.reloader is not None else None,
            duplicates=duplicates,
            process=self.process(),
        )

    async def healthy(self, _request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("pdwatch is healthy.\n")

    async def ready(self, _request: Request) -> Response:
        """There is a snapshot."""
        if self.hub.latest is None:
            return PlainTextResponse(f"{_NOT_READY}\n", 503)
        return PlainTextResponse("pdwatch is ready.\n")

    async def reload(self, _request: Request) -> Response:
        """Load the configuration again."""
        if self.reloader is None:
            return PlainTextResponse(f"{_NO_FILE}\n", 403)
        try:
            await self.reloader.reload()
        except ReloadError as error:
            return PlainTextResponse(f"{' '.join(str(error).split())}\n", 500)
        return Response()

    async def snapshot(self, request: Request) -> Response:
        """The snapshot as JSON."""
        publication = self.hub.current
        if publication.snapshot is None:
            return _json(503, {"error": _NOT_READY})
        body = await run_in_threadpool(publication.json)
        headers = _NO_STORE | {"Vary": "Accept-Encoding"}
        if _gzip_wanted(request):
            body = await run_in_threadpool(gzip.compress, body, 6)
            headers = headers | {"Content-Encoding": "gzip"}
        return Response(body, media_type="application/json", headers=headers)

    async def history(self, _request: Request) -> Response:
        """The snapshots of the last hour, a line of JSON each, oldest first."""
        return StreamingResponse(self.hub.past.lines(), media_type="application/x-ndjson", headers=_NO_STORE)

    async def stream(self, _request: Request) -> Response:
        """Every snapshot as a server-sent event."""
        headers = _NO_STORE | {"X-Accel-Buffering": "no"}
        content = events(self.hub, self.heartbeat_seconds)
        return StreamingResponse(content, media_type="text/event-stream", headers=headers)

    async def workers(self, _request: Request) -> Response:
        """Every worker as a target of Prometheus, which keeps its list while it is told 503."""
        snapshot = self.hub.latest
        if snapshot is None:
            return _json(503, {"error": _NOT_READY})
        return _json(200, target_groups(snapshot))

    async def landing(self, _request: Request) -> Response:
        """The page for people."""
        page = await run_in_threadpool(landing.landing_page, self.hub.latest, self.clock())
        return HTMLResponse(page.encode("utf-8", "replace"), headers=landing.HEADERS)


def _gzip_wanted(request: Request) -> bool:
    return accepts_gzip(request.headers.get("accept-encoding", ""))


def _json(status: int, content: object) -> Response:
    return Response(json.dumps(content), status, media_type="application/json")
