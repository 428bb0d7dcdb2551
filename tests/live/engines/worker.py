"""A worker behind a real router: answers requests without computing, and prints a page that counts them.

Run `python worker.py sglang|vllm prefill|decode`; it prints its URL once it listens.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiohttp import web

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "engines"))
from synthetic import SGLang  # noqa: E402 - it lies beside the tests of the engines


class Worker:
    """One worker of one kind and role."""

    def __init__(self, kind: str, role: str) -> None:
        self.kind, self.role, self.requests = kind, role, 0

    async def complete(self, request: web.Request) -> web.Response:
        """Answer a request of any of the APIs."""
        await request.read()
        self.requests += 1
        moved = {"do_remote_prefill": True, "remote_engine_id": "e", "remote_block_ids": [1], "remote_port": 1}
        return web.json_response({"text": "x", "choices": [{"index": 0, "text": "x"}], "kv_transfer_params": moved})

    async def page(self, _: web.Request) -> web.Response:
        """Print the metrics."""
        if self.kind == "sglang":
            return web.Response(text=str(SGLang(self.role, requests=self.requests, usage=0.25)))
        return web.Response(text=(TESTS / "pages" / "vllm" / f"vllm-0.33.0-{self.role}.txt").read_text())

    async def about(self, _: web.Request) -> web.Response:
        """Tell a router what it wants to know of a model and a server."""
        known = {"model_path": "m", "served_model_name": "m", "disaggregation_mode": self.role, "tp_size": 1}
        return web.json_response(known | {"object": "list", "data": [{"id": "m", "object": "model"}]})

    def application(self) -> web.Application:
        """Return the HTTP application."""
        application = web.Application()
        application.router.add_get("/metrics", self.page)
        for path in ("/health", "/health_generate"):
            application.router.add_get(path, lambda _: web.Response(text="ok"))
        for path in ("/model_info", "/get_model_info", "/server_info", "/get_server_info", "/v1/models"):
            application.router.add_get(path, self.about)
        for path in ("/generate", "/v1/completions", "/v1/chat/completions"):
            application.router.add_post(path, self.complete)
        return application


async def serve(worker: Worker) -> None:
    """Serve on a free port until the process is ended."""
    runner = web.AppRunner(worker.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Worker(*sys.argv[1:3])))
