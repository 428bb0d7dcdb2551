"""A server of engine pages that costs next to nothing: prepared answers, one raw protocol, many loopback addresses.

Run `python -m benchmarks.pages --targets 1000 [--mixed]`; it prints one line of JSON with its targets once it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import socket
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

PAGE = Path(__file__).parent.parent / "tests" / "pages" / "vllm" / "vllm-0.33.0-decode.txt"
VARIANTS = 120
SECONDS_A_VARIANT = 2.5
MIXED_RANKS = 17 * (1,) + (8, 8, 16)
"""Ranks of twenty targets of a mixed fleet in turn: a page speaks for that many data-parallel engines."""
FAILING_EVERY, SLOW_EVERY = 100, 100
"""Of a mixed fleet, one target in so many answers 500, and another one takes its time."""
SLOW_SECONDS = 2.0
_SAMPLE = re.compile(r"^(?P<series>[^#].*) (?P<value>\S+)$")
_RISES = re.compile(r"_(total|bucket|sum|count)\{")


def template() -> list[str]:
    """Return the lines of a decode worker's page of about 49 kB and 420 samples.

    As vLLM prints it with several API servers: without `_created`; the HELP lines are left out.
    """
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "_created" not in line and not line.startswith(("# HELP", "python_"))]


def variants(count: int = VARIANTS, ranks: int = 1) -> list[bytes]:
    """Return the page of so many *ranks* at *count* later moments: counters rise evenly, gauges move about."""
    rng, lines = random.Random(1), [line for line in template() for line in _of_ranks(line, ranks)]
    return [_at_moment(lines, moment, rng) for moment in range(count)]


def _of_ranks(line: str, ranks: int) -> list[str]:
    own = 'engine="0"'
    return [line.replace(own, f'engine="{rank}"') for rank in range(ranks)] if own in line else [line]


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

    def __init__(self, answers: Sequence[bytes], slow: bool) -> None:
        self.answers = answers
        self.slow = slow
        self.held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            request, self.held = self.held[:end], self.held[end + 4 :]
            if self.slow:
                asyncio.get_running_loop().call_later(SLOW_SECONDS, self._write, self._answer(request))
            else:
                self._write(self._answer(request))

    def _write(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)

    def _answer(self, request: bytes) -> bytes:
        if b" /health " in request:
            return http(b"", "text/plain")
        if b" /version " in request:
            return http(b'{"version":"0.33.0"}', "application/json")
        return self.answers[int(time.monotonic() / SECONDS_A_VARIANT) % len(self.answers)]


def http(body: bytes, content_type: str, status: str = "200 OK") -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def addresses(count: int) -> list[str]:
    """Return *count* addresses of the loopback range."""
    return [f"127.1.{index // 250}.{index % 250 + 1}" for index in range(count)]


async def serve(count: int, mixed: bool) -> None:
    """Listen on *count* loopback addresses and one port until the process ends."""
    prepared = {ranks: _prepared(ranks) for ranks in (set(MIXED_RANKS) if mixed else {1})}
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    hosts = addresses(count)
    for index, host in enumerate(hosts):
        ranks = MIXED_RANKS[index % len(MIXED_RANKS)] if mixed else 1
        fails, slow = (mixed and index % every == at for every, at in ((FAILING_EVERY, 50), (SLOW_EVERY, 51)))
        answers = [_FAILURE] if fails else prepared[ranks]
        await loop.create_server(partial(PageProtocol, answers, slow), host, port, backlog=16)
    print(json.dumps([f"{host}:{port}" for host in hosts]), flush=True)
    await asyncio.Event().wait()


_FAILURE = http(b"out of order", "text/plain", "500 Internal Server Error")


def _prepared(ranks: int) -> list[bytes]:
    count = VARIANTS // ranks
    return [http(body, "text/plain; version=0.0.4; charset=utf-8") for body in variants(count, ranks)]


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--mixed", action="store_true", help="pages of 1, 8 and 16 ranks; some fail, some are slow")
    args = parser.parse_args()
    asyncio.run(serve(args.targets, args.mixed))


if __name__ == "__main__":
    main()
