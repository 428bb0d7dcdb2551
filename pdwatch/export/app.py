"""The HTTP application of `serve`: paths as documented, errors in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pdwatch.export.handlers import Handlers
from pdwatch.export.hub import SnapshotHub
from pdwatch.export.itself import process_values
from pdwatch.export.reload import Reloader


def create_app(
    hub: SnapshotHub,
    *,
    reloader: Reloader | None = None,
    clock: Callable[[], float] = time.time,
    process: Callable[[], Mapping[str, float]] = process_values,
    heartbeat_seconds: float = 15.0,
    middleware: Sequence[Middleware] = (),
) -> Starlette:
    """Return the application. Without a *reloader* there is no configuration file to load again.

    *clock* gives Unix seconds, *process* the values of `process_*` by name.
    """
    routes = _routes(Handlers(hub, clock, process, reloader, heartbeat_seconds))
    paths = [route.path for route in routes]

    async def not_found(request: Request, _error: Exception) -> Response:
        text = f"{request.url.path} is not served here; see paths."
        return JSONResponse({"error": text, "paths": paths}, 404)

    return Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={404: not_found, 405: _wrong_method},
    )


def _routes(handlers: Handlers) -> list[Route]:
    return [
        Route("/", handlers.landing),
        Route("/metrics", handlers.metrics),
        Route("/-/healthy", handlers.healthy),
        Route("/-/ready", handlers.ready),
        Route("/-/reload", handlers.reload, methods=["POST", "PUT"]),
        Route("/api/v1/snapshot", handlers.snapshot),
        Route("/api/v1/history", handlers.history),
        Route("/api/v1/stream", handlers.stream),
        Route("/sd/workers", handlers.workers),
    ]


async def _wrong_method(request: Request, error: Exception) -> Response:
    headers = error.headers if isinstance(error, HTTPException) else None
    allowed = (headers or {}).get("Allow", "GET")
    text = f"{request.url.path} does not answer {request.method}; use {allowed}."
    return JSONResponse({"error": text}, 405, headers=headers)
