"""The HTTP faces of a simulated fleet: one application per worker, one for the router."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from pdwatch.demo.model import Do, Fault, Fleet
from pdwatch.demo.router_page import healthy, registered, router_metrics, workers_json

VERSION = "0.33.0"
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
HANG = "hang"
"""What the control endpoint does besides the model's faults: accept connections and never answer."""
REFUSE, GARBLE = "refuse", "garble"
"""And what it does to the page alone, while the engines go on: answer an error, or HTML."""


@dataclass(slots=True)
class Manner:
    """How the port of a worker answers."""

    answering: asyncio.Event = field(default_factory=asyncio.Event)
    """Requests wait while it is not set."""
    page: str | None = None
    """`REFUSE` or `GARBLE`, `None` where the page is good."""

    def mend(self) -> None:
        """Answer well from now on."""
        self.answering.set()
        self.page = None


class Stage(Protocol):
    """What the endpoints need of the running fleet."""

    @property
    def worker_urls(self) -> Mapping[str, str]:
        """Base URLs by worker name."""

    def catch_up(self) -> Fleet:
        """The fleet, advanced to the present."""

    async def apply(self, fault: Fault) -> None:
        """Do *fault* and open or close ports as it demands."""

    async def hang(self, name: str) -> None:
        """Let a worker accept and never answer."""

    def spoil(self, name: str, page: str) -> None:
        """Let a worker answer `REFUSE` or `GARBLE` for its page."""


def worker_app(name: str, stage: Stage, manner: Manner) -> web.Application:
    """The endpoints of a vLLM API server."""

    def when_answering(make: Callable[[], web.Response]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(_: web.Request) -> web.Response:
            await manner.answering.wait()
            return make()

        return handle

    def metrics() -> web.Response:
        fleet = stage.catch_up()
        if not fleet.workers[name].alive or manner.page == REFUSE:
            return web.Response(status=503)
        if manner.page == GARBLE:
            return web.Response(text="<!DOCTYPE html><html><body>Welcome</body></html>", content_type="text/html")
        return _text(fleet.page(name))

    def models() -> web.Response:
        spec = stage.catch_up().spec
        model = {"id": spec.model_name, "object": "model", "owned_by": "vllm", "root": spec.model_name, "parent": None}
        return web.json_response({"object": "list", "data": [model | {"max_model_len": spec.max_model_len}]})

    app = web.Application()
    app.router.add_get("/metrics", when_answering(metrics))
    app.router.add_get("/health", when_answering(web.Response))
    app.router.add_get("/version", when_answering(lambda: web.json_response({"version": VERSION})))
    app.router.add_get("/v1/models", when_answering(models))
    return app


def agent_app(page: Callable[[], str]) -> web.Application:
    """The endpoints of `pdwatch agent` that serve asks for."""

    async def metrics(_: web.Request) -> web.Response:
        return _text(page())

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


def router_app(stage: Stage) -> web.Application:
    """The endpoints of a vLLM router, and `POST /demo/fault`."""

    async def workers(_: web.Request) -> web.Response:
        return web.json_response(workers_json(stage.catch_up(), stage.worker_urls))

    async def metrics(_: web.Request) -> web.Response:
        return _text(router_metrics(stage.catch_up(), stage.worker_urls))

    async def health(_: web.Request) -> web.Response:
        fleet = stage.catch_up()
        sick = [stage.worker_urls[worker.name] for worker in registered(fleet) if not healthy(fleet, worker)]
        return web.Response(status=503, text=f"Unhealthy servers: {sick}") if sick else web.Response(text="OK")

    async def fault(request: web.Request) -> web.Response:
        try:
            await _do(stage, await request.json())
        except (ValueError, KeyError, TypeError) as error:
            return web.json_response({"error": f"cannot do that: {error}; do is one of {_known()}"}, status=400)
        return web.json_response({"done": True})

    app = web.Application()
    app.router.add_get("/workers", workers)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/health", health)
    app.router.add_post("/demo/fault", fault)
    return app


async def _do(stage: Stage, body: object) -> None:
    if not isinstance(body, dict):
        raise TypeError("the body is no JSON object")
    worker, factor = str(body.get("worker", "")), body.get("factor", 1.0)
    if body["do"] == HANG:
        await stage.hang(worker)
        return
    if body["do"] in (REFUSE, GARBLE):
        stage.spoil(worker, str(body["do"]))
        return
    if not isinstance(factor, (int, float)):
        raise TypeError(f"factor {json.dumps(factor)} is no number")
    await stage.apply(Fault(Do(str(body["do"])), worker, float(factor)))


def _known() -> str:
    return ", ".join([*Do, HANG, REFUSE, GARBLE])


def _text(text: str) -> web.Response:
    return web.Response(body=text.encode(), headers={"Content-Type": _TEXT})
