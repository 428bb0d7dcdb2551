"""A server whose workers answer well until they are told to misbehave, each in a way of its own. Run as a program.

Worker `NAME` has its page at `/NAME/metrics`. `PUT /-/LIST` makes those in the list misbehave from then on, all others
well; `*` stands for all, and then they hang. `/sd` is a list of targets, `/router/workers` that of a router, `/agent`
a page about a host: they misbehave as `sd-gone`, `sd-lies`, `sd-endless` and so on. The argument is the timeout of the
serve that watches, in seconds. The only line on standard output is the address and the names of the workers.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

TIMEOUT = float(sys.argv[1])
"""Of the serve that watches, in seconds."""
MIB = 1024 * 1024
BEGAN = time.time()
LINE = b'filler_total{series="%d"} 1\n'


def page(engine: str = "0", more: str = "") -> str:
    """Return a page of vLLM whose counters rise."""
    age = time.time() - BEGAN
    own = f'{{engine="{engine}",model_name="m"}}'
    return (
        f"vllm:num_requests_running{own} 4\nvllm:num_requests_waiting{own} 0\nvllm:kv_cache_usage_perc{own} 0.3\n"
        f"vllm:prompt_tokens_total{own} {age * 1000 + 1e6}\nvllm:generation_tokens_total{own} {age * 100 + 1e5}\n{more}"
    )


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; *stream* comes behind the body, as far as the client reads."""

    body: bytes | str = b""
    status: int = 200
    headers: tuple[str, ...] = ("Content-Type: text/plain; version=0.0.4",)
    stream: Callable[[], Iterator[bytes]] = lambda: iter(())
    delay: float = 0.0
    length: int | None = None
    """Content-Length; `None` ends the body by closing."""


def endless(chunk: bytes) -> Callable[[], Iterator[bytes]]:
    """Return a gigabyte of the same."""
    return lambda: (chunk for _ in range(1024 * MIB // len(chunk)))


def bomb() -> bytes:
    """Return 256 MiB as a few hundred KiB of gzip."""
    return gzip.compress(bytes(256 * MIB), 1)


def series() -> Iterator[bytes]:
    """Yield ten million series."""
    for start in range(0, 10_000_000, 1000):
        yield b"".join(LINE % n for n in range(start, start + 1000))


def labels() -> Iterator[bytes]:
    """Yield one series with labels for ever."""
    yield b"vllm:num_requests_running{"
    yield from (b'label%d="x",' % n * 1000 for n in range(10_000_000))


def flapping() -> str:
    """Return a page with 167 series that were never seen before, and engines that come and go."""
    seed = random.randrange(10**9)
    reasons = "".join(
        f'vllm:request_success_total{{engine="0",model_name="m",finished_reason="r{seed}-{n}"}} 1\n' for n in range(167)
    )
    return page() + reasons + page(engine=f"e{seed}")


EVIL = '</script><script>alert(1)</script>&\\"\\\\\\n\x1b]0;owned\x07\x1b[2J\r\u202e\u2028{{7*7}}'
"""A label value, as it stands on a page, that would like to be markup, a line, a command to a terminal, a template."""
OWN = '{engine="0",model_name="m"}'
PAGES: dict[str, Callable[[], Answer]] = {
    "html": lambda: Answer("<!DOCTYPE html><html><body>Welcome</body></html>"),
    "empty": lambda: Answer(""),
    "json": lambda: Answer('{"detail": "hello"}'),
    "gigabyte": lambda: Answer(stream=endless(b"# " + bytes(MIB))),
    "told-gigabyte": lambda: Answer(stream=endless(b"# " + bytes(MIB)), length=1024 * MIB),
    "bomb": lambda: Answer(BOMB, headers=("Content-Encoding: gzip",)),
    "broken-gzip": lambda: Answer(b"\x1f\x8b\x08nonsense", headers=("Content-Encoding: gzip",)),
    "ten-million": lambda: Answer(stream=series),
    "many-series": lambda: Answer(page() + "".join(f"x{n} 1\n" for n in range(20_000))),
    "endless-labels": lambda: Answer(stream=labels),
    "many-labels": lambda: Answer(
        "vllm:num_requests_running{" + ",".join(f'l{n}="x"' for n in range(100)) + "} 1\n" + page()
    ),
    "long-label": lambda: Answer(f'vllm:num_requests_running{{a="{"x" * 10_000}"}} 1\n'),
    "not-utf8": lambda: Answer(page().encode() + b'vllm:num_requests_running{engine="\xff\xfe"} 1\n'),
    "no-number": lambda: Answer(page(more=f"vllm:num_preemptions_total{OWN} many\n")),
    "torn-line": lambda: Answer(page(more='vllm:num_preemptions_total{engine="0')),
    "not-http": lambda: Answer(b"SSH-2.0-OpenSSH_9.2\r\n", status=0),
    "no-answer": lambda: Answer(b"", status=0),
    "mid-body": lambda: Answer(page(), length=100_000),
    "401": lambda: Answer("no", 401),
    "403": lambda: Answer("no", 403),
    "404": lambda: Answer("no", 404),
    "429": lambda: Answer("slow down", 429),
    "500": lambda: Answer("Traceback", 500),
    "503": lambda: Answer("busy", 503),
    "scaling": lambda: Answer('{"error": "The model is currently scaling. Please try again later."}', 503),
    "redirect": lambda: Answer("", 302, ("Location: http://127.0.0.1:1/elsewhere",)),
    "slow-0.9": lambda: Answer(page(), delay=0.75 * TIMEOUT),
    "slow-1.1": lambda: Answer(page(), delay=1.3 * TIMEOUT),
    "slow-10": lambda: Answer(page(), delay=10 * TIMEOUT),
    "never": lambda: Answer(page(), delay=3600),
    "endless-header": lambda: Answer(b"HTTP/1.1 200 OK\r\nX: ", status=0, stream=endless(b"x" * MIB)),
    "duplicate": lambda: Answer(page() * 2),
    "conflicting": lambda: Answer(page(more=f"vllm:prompt_tokens_total{OWN} 1\n")),
    "nan": lambda: Answer(page(more=f"vllm:num_preemptions_total{OWN} NaN\n")),
    "inf": lambda: Answer(page(more=f"vllm:num_preemptions_total{OWN} +Inf\n")),
    "negative": lambda: Answer(page(more=f"vllm:num_preemptions_total{OWN} {-time.time()}\n")),
    "odd-gauges": lambda: Answer(
        page().replace(" 4\n", " NaN\n").replace(" 0\n", " -4\n").replace(" 0.3\n", " +Inf\n")
    ),
    "huge": lambda: Answer(page(more=f"vllm:num_preemptions_total{OWN} 1e308\n").replace(" 4\n", " 1e308\n")),
    "wrong-types": lambda: Answer(
        "# TYPE vllm:prompt_tokens histogram\n# TYPE vllm:num_requests_running counter\n" + page()
    ),
    "mixed": lambda: Answer(page().replace("\n", ' # {trace="1"} 1\n', 1) + "# EOF\n" + page() + "# EOF\n"),
    "past": lambda: Answer(page().replace("\n", " 1000\n")),
    "future": lambda: Answer(page().replace("\n", f" {int(time.time() + 1e7) * 1000}\n")),
    "flapping": lambda: Answer(flapping()),
    "evil": lambda: Answer(page(engine=EVIL) + page().replace('"m"', f'"{EVIL}"')),
}
"""What each worker answers while it misbehaves."""
BOMB = b""


class Hostile:
    """All workers, and who misbehaves."""

    def __init__(self) -> None:
        self.bad: frozenset[str] = frozenset()
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        with suppress(OSError, asyncio.IncompleteReadError):
            method, path = (await reader.readuntil(b"\r\n\r\n")).split()[:2]
            answer = self.answer(method.decode(), path.decode())
            await asyncio.sleep(answer.delay)
            async for chunk in sent(answer):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    def answer(self, method: str, path: str) -> Answer:
        """Return the answer for a path."""
        name = path.split("/")[1]
        if method == "PUT":
            self.bad = frozenset(path.removeprefix("/-/").split(","))
            return Answer()
        if name in {"sd", "router", "agent"}:
            return self._source(name)
        if "*" in self.bad:
            return Answer(delay=3600)
        if not path.endswith("/metrics"):
            return Answer("{}", 404)
        return PAGES[name]() if name in self.bad else Answer(page())

    def _source(self, name: str) -> Answer:
        if f"{name}-gone" in self.bad:
            return Answer("gone", 500)
        if f"{name}-lies" in self.bad:
            return Answer('{"targets": 7}')
        if f"{name}-endless" in self.bad:
            return Answer(stream=endless(b" " * MIB))
        here = f"http://127.0.0.1:{self.port}"
        answers = {
            "sd": [{"targets": [f"{here}/by-sd/metrics"], "labels": {"service": "found", "worker": "by-sd"}}],
            "router": {"workers": [{"url": f"{here}/by-router/metrics", "worker_type": "prefill"}], "total": 1},
        }
        return Answer(json.dumps(answers[name]) if name in answers else 'pdwatch_host_up{host="node7"} 1\n')


async def sent(answer: Answer) -> AsyncIterator[bytes]:
    """Yield an answer as it goes over the wire."""
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    if answer.status:
        length = (f"Content-Length: {answer.length}",) if answer.length is not None else ()
        lines = (f"HTTP/1.1 {answer.status} Any", "Connection: close", *answer.headers, *length, "", "")
        yield "\r\n".join(lines).encode()
    yield body
    for chunk in answer.stream():
        yield chunk


async def main() -> None:
    """Serve until the program is ended."""
    hostile = Hostile()
    server = await asyncio.start_server(hostile.handle, "127.0.0.1", 0)
    hostile.port = server.sockets[0].getsockname()[1]
    print(json.dumps({"url": f"http://127.0.0.1:{hostile.port}", "workers": list(PAGES)}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    BOMB = bomb()
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
    sys.exit(0)
