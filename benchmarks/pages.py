"""A server of engine pages that costs next to nothing: prepared answers, one raw protocol, many loopback addresses.

Run `python -m benchmarks.pages --targets 1000`; it prints one line of JSON with its targets once it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import socket
import time
from pathlib import Path

PAGE = Path(__file__).parent.parent / "tests" / "pages" / "vllm" / "vllm-0.33.0-decode.txt"
VARIANTS = 120
SECONDS_A_VARIANT = 2.5
_SAMPLE = re.compile(r"^(?P<series>[^#].*) (?P<value>\S+)$")
_RISES = re.compile(r"_(total|bucket|sum|count)\{")


def template() -> list[str]:
    """Return the lines of a decode worker's page of about 49 kB and 420 samples.

    As vLLM prints it with several API servers: without `_created`; the HELP lines are left out.
    """
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "_created" not in line and not line.startswith(("# HELP", "python_"))]


def variants(count: int = VARIANTS) -> list[bytes]:
    """Return the page at *count* later moments: counters and buckets rise evenly, gauges move about."""
    rng = random.Random(1)
    return [_at_moment(template(), moment, rng) for moment in range(count)]


def _at_moment(lines: list[str], moment: int, rng: random.Random) -> bytes:
    moved = []
    for line in lines:
        sample = _SAMPLE.match(line)
        if sample is None:
            moved.append(line)
            continue
        series, value = sample["series"], float(sample["value"])
        if _RISES.search(series):
            value *= 50 + moment
        elif "num_requests" in series or "usage_perc" in series:
            value *= rng.uniform(0.5, 1.2)
        moved.append(f"{series} {value!r}")
    return ("\n".join(moved) + "\n").encode()


class PageProtocol(asyncio.Protocol):
    """Answers every request on a kept connection with the page of the moment; `/health` and `/version` shortly."""

    answers: list[bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            request, self.held = self.held[:end], self.held[end + 4 :]
            self.transport.write(self._answer(request))

    def _answer(self, request: bytes) -> bytes:
        if b" /health " in request:
            return http(b"", "text/plain")
        if b" /version " in request:
            return http(b'{"version":"0.33.0"}', "application/json")
        return self.answers[int(time.monotonic() / SECONDS_A_VARIANT) % len(self.answers)]


def http(body: bytes, content_type: str) -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def addresses(count: int) -> list[str]:
    """Return *count* addresses of the loopback range."""
    return [f"127.1.{index // 250}.{index % 250 + 1}" for index in range(count)]


async def serve(count: int) -> None:
    """Listen on *count* loopback addresses and one port until the process ends."""
    PageProtocol.answers = [http(body, "text/plain; version=0.0.4; charset=utf-8") for body in variants()]
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    hosts = addresses(count)
    for start in range(0, count, 250):
        await loop.create_server(PageProtocol, hosts[start : start + 250], port, backlog=128)
    print(json.dumps([f"{host}:{port}" for host in hosts]), flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    asyncio.run(serve(parser.parse_args().targets))


if __name__ == "__main__":
    main()
