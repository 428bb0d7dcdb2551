"""Fixtures of discovery: real files, and real HTTP servers on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web


@dataclass
class Answer:
    """What a server answers to every GET; a test may change it between two requests."""

    body: str | bytes = "[]"
    status: int = 200
    stall: bool = False
    requests: list[web.BaseRequest] = field(default_factory=list)


Serve = Callable[[Answer], AbstractAsyncContextManager[str]]


@pytest.fixture
def answer() -> Answer:
    """An answer to change."""
    return Answer()


@pytest.fixture
def serve() -> Serve:
    """Return what starts a server and gives its URL."""

    @asynccontextmanager
    async def serve(answer: Answer) -> AsyncIterator[str]:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            answer.requests.append(request)
            if answer.stall:
                response = web.StreamResponse()
                await response.prepare(request)
                await asyncio.Event().wait()
                return response
            body = answer.body.encode() if isinstance(answer.body, str) else answer.body
            return web.Response(body=body, status=answer.status, content_type="application/json")

        runner = web.ServerRunner(web.Server(handle), handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    return serve


@pytest.fixture
def pages() -> Path:
    """The folder of recorded answers."""
    return Path(__file__).parent / "pages"
