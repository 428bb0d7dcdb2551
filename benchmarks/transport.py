"""CPU time of one scrape over HTTP: pdwatch's transport against httpx with its own connection pool.

Run `python -m benchmarks.transport`. A server process on loopback answers a recorded page of vLLM 0.33.0; only the
time of the asking process is counted.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
from aiohttp import web

from pdwatch.model.target import Target
from pdwatch.scrape.settings import TransportSettings
from pdwatch.scrape.transport import Fetcher

PAGE = Path(__file__).parent.parent / "tests" / "pages" / "vllm" / "vllm-0.33.0-decode.txt"
REQUESTS, ROUNDS, UNDER_WAY = 300, 5, 50


def main() -> None:
    """Print CPU time a request of both and their ratio."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        timings = asyncio.run(compare(f"http://127.0.0.1:{here.recv()}/metrics"))
    finally:
        server.terminate()
        server.join()
    plain, ours = map(statistics.median, zip(*timings, strict=True))
    print(f"page: {PAGE.stat().st_size} bytes, {UNDER_WAY} requests under way; medians of {ROUNDS} rounds")
    print(f"httpx, own pool     {plain:8.0f} us/request")
    print(f"pdwatch             {ours:8.0f} us/request  {plain / ours:6.1f} times less")


def serve(pipe: Connection) -> None:
    """Answer the page until terminated; the port goes into *pipe*."""
    body = PAGE.read_bytes()

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/plain", charset="utf-8")

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/metrics", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


async def compare(url: str) -> list[tuple[float, float]]:
    """Return microseconds a request of httpx and of pdwatch, one pair a round."""
    target = Target(url=url, worker="worker")
    limits = httpx.Limits(max_connections=UNDER_WAY, max_keepalive_connections=UNDER_WAY)
    async with (
        httpx.AsyncClient(timeout=30, limits=limits) as client,
        Fetcher(TransportSettings(timeout=30)) as fetcher,
    ):

        async def plain() -> str | None:
            return (await client.get(url)).text

        async def ours() -> str | None:
            return (await fetcher.fetch(target, time.time)).body

        assert await plain() == await ours() == PAGE.read_text(encoding="utf-8")
        return [(await cpu_us(plain), await cpu_us(ours)) for _ in range(ROUNDS)]


async def cpu_us(request: Callable[[], Awaitable[object]]) -> float:
    """Return the CPU time of *request* in microseconds, with `UNDER_WAY` of them at a time."""
    waiting = iter(range(REQUESTS))

    async def worker() -> None:
        for _ in waiting:
            await request()

    started = time.process_time()
    await asyncio.gather(*(worker() for _ in range(UNDER_WAY)))
    return (time.process_time() - started) / REQUESTS * 1e6


if __name__ == "__main__":
    main()
