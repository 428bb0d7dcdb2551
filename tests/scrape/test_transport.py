"""What becomes of one request, against servers on loopback that answer well, badly or not at all."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web

from pdwatch.model.target import Target
from pdwatch.scrape.failures import describe_failure
from pdwatch.scrape.settings import TransportSettings
from pdwatch.scrape.transport import Fetcher

PAGE = "# TYPE m gauge\nm 1.0\n"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
PATIENT = TransportSettings(timeout=30)
HASTY = TransportSettings(timeout=0.3)


def answering(status=200, text=PAGE, body=None, headers=None):
    """Return a handler with a fixed answer."""

    async def handle(request):
        content = body if body is not None else text.encode()
        return web.Response(status=status, body=content, headers={"Content-Type": TEXT, **(headers or {})})

    return handle


async def silent(request):
    """Never answer."""
    await asyncio.Event().wait()
    return web.Response()


async def dripping(request):
    """Start an answer and never end it."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"m 1\n")
        await asyncio.sleep(0.01)


async def breaking_off(request):
    """Promise more than is sent."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"m 1\n")
    request.transport.close()
    return response


async def ask(url, settings=PATIENT):
    async with Fetcher(settings) as fetcher:
        return await fetcher.fetch(Target(url=url, worker="w"), lambda: 1000.0)


def test_a_page_is_delivered_with_its_type_and_time(fetched):
    """The body is text, the time is that of the clock that was handed in."""
    scrape = fetched(answering())

    assert PAGE == scrape.body
    assert None is scrape.error
    assert (200, TEXT, 1000.0) == (scrape.status, scrape.content_type, scrape.at)
    assert scrape.seconds > 0


@pytest.mark.parametrize("pieces", [1, 3], ids=["one member", "several members"])
def test_gzip_is_decompressed(fetched, pieces):
    """Servers that compress without being asked are read as well."""
    packed = b"".join(gzip.compress(PAGE.encode()) for _ in range(pieces))

    scrape = fetched(answering(body=packed, headers={"Content-Encoding": "gzip"}))

    assert PAGE * pieces == scrape.body


REFUSALS = {
    "401": (answering(401), "401 asks for credentials"),
    "403": (answering(403), "403 asks for credentials"),
    "404": (answering(404), "404 has no page at /metrics"),
    "429": (answering(429), "429 too many requests"),
    "500": (answering(500), "500 internal server error"),
    "599": (answering(599), "599"),
    "scaling": (answering(503, "The model is currently scaling. Please try again later."), "503 scaling"),
    "retired": (answering(503, "This data-parallel rank has been retired and is awaiting shutdown."), "503 retired"),
    "down": (answering(503, "no healthy upstream"), "503 service unavailable"),
    "redirect": (
        answering(307, headers={"Location": "/metrics/"}),
        "307 redirects to /metrics/: use that URL as the target",
    ),
    "breaks off": (breaking_off, "closed the connection in the middle of the answer"),
    "not UTF-8": (answering(body=b"m 1\n\xff"), "answered a page that is not UTF-8 at byte 4"),
    "brotli": (
        answering(headers={"Content-Encoding": "br"}),
        "answered with content encoding 'br'; only gzip and identity are read",
    ),
    "no gzip": (
        answering(headers={"Content-Encoding": "gzip"}),
        "answered gzip that cannot be decompressed",
    ),
    "half a gzip": (
        answering(body=gzip.compress(PAGE.encode())[:-9], headers={"Content-Encoding": "gzip"}),
        "answered gzip that ends too early",
    ),
}


@pytest.mark.parametrize(("handler", "error"), REFUSALS.values(), ids=REFUSALS)
def test_an_answer_without_a_page_is_an_outcome_with_a_reason(fetched, handler, error):
    """One line for people, no body, no exception."""
    scrape = fetched(handler)

    assert error == scrape.error
    assert None is scrape.body


@pytest.mark.parametrize("handler", [silent, dripping], ids=["never answers", "never ends"])
def test_an_answer_that_is_not_complete_in_time_is_given_up(fetched, handler):
    """The timeout is one deadline for the whole answer, so that a dripping page cannot hold it off."""
    scrape = fetched(handler, HASTY)

    assert "timed out after 0.3s" == scrape.error


def test_the_status_of_a_refusal_is_kept(fetched):
    """A 503 while scaling is told apart from a worker that is gone."""
    assert 503 == fetched(answering(503)).status


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"m 1\n" * 300, {}),
        (gzip.compress(b"m 1\n" * 10_000_000, compresslevel=1), {"Content-Encoding": "gzip"}),
        (gzip.compress(b"m 1\n" * 300), {"Content-Encoding": "gzip"}),
    ],
    ids=["large", "gzip bomb", "gzip just too large"],
)
def test_a_body_beyond_the_limit_is_refused(fetched, body, headers):
    """The limit holds before and after decompression."""
    settings = TransportSettings(timeout=30, max_body=1000)

    scrape = fetched(answering(body=body, headers=headers), settings)

    assert "answered more than 1000 bytes: raise max_body if that is a page of metrics" == scrape.error


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_body_at_the_limit_is_read(fetched, encoding):
    """A limit is the most that is accepted."""
    text = "m 1\n" * 250
    body = gzip.compress(text.encode()) if encoding == "gzip" else text.encode()
    settings = TransportSettings(timeout=30, max_body=1000)

    scrape = fetched(answering(body=body, headers={"Content-Encoding": encoding}), settings)

    assert text == scrape.body


def test_an_endless_stream_is_cut_at_the_limit(fetched):
    """What never ends is given up by size, long before the timeout."""

    async def endless(request):
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        await response.prepare(request)
        packer = zlib.compressobj(wbits=31)
        while True:
            await response.write(packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH))
            await asyncio.sleep(0)

    scrape = fetched(endless, TransportSettings(timeout=60, max_body=100_000))

    assert "answered more than 100000 bytes: raise max_body if that is a page of metrics" == scrape.error


def test_a_closed_port_is_a_refused_connection():
    """The most common fault has the plainest words."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        scrapes = [asyncio.run(ask(f"http://{host}:{port}/metrics")) for host in ("127.0.0.1", "localhost")]

    assert ["connection refused"] * 2 == [scrape.error for scrape in scrapes]
    assert [None] * 2 == [scrape.status for scrape in scrapes]


@pytest.mark.parametrize("url", ["http://:80/metrics", "http://a..b/metrics", f"http://{'a' * 70}.invalid/metrics"])
def test_a_url_that_cannot_be_asked_is_an_outcome(url):
    """A typing error in a target list stops no other target."""
    scrape = asyncio.run(ask(url, TransportSettings(timeout=30)))

    assert scrape.error
    assert "\n" not in scrape.error


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "answered something that is not HTTP: is this the metrics port?"),
        (b"", "closed the connection without an answer"),
    ],
    ids=["another protocol", "nothing"],
)
def test_a_server_that_speaks_no_http_is_named_so(serve_bytes, answer, error):
    """Ports get mixed up; the message says so."""

    async def scenario():
        async with serve_bytes(answer) as base:
            return await ask(f"{base}/metrics", TransportSettings(timeout=30))

    assert error == asyncio.run(scenario()).error


def test_connections_are_kept(serve):
    """The second scrape of a worker does not connect anew."""
    peers = []

    async def handle(request):
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response(text=PAGE)

    async def scenario():
        async with serve({"/metrics": handle}) as base, Fetcher(PATIENT) as fetcher:
            for _ in range(3):
                await fetcher.fetch(Target(url=f"{base}/metrics", worker="w"), lambda: 0.0)

    asyncio.run(scenario())

    assert 1 == len(set(peers))


def test_no_more_requests_are_under_way_than_allowed(serve):
    """The limit holds however many targets are asked at once."""
    under_way = most = 0

    async def handle(request):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return web.Response(text=PAGE)

    async def scenario():
        settings = TransportSettings(timeout=30, concurrency=3)
        async with serve({"/metrics": handle}) as base, Fetcher(settings) as fetcher:
            target = Target(url=f"{base}/metrics", worker="w")
            return await asyncio.gather(*(fetcher.fetch(target, lambda: 0.0) for _ in range(12)))

    scrapes = asyncio.run(scenario())

    assert [None] * 12 == [scrape.error for scrape in scrapes]
    assert 3 == most


def test_a_name_that_nobody_knows_is_named_so():
    """The resolver's many ways to fail are one for people."""
    failure = aiohttp.ClientConnectorDNSError(SimpleNamespace(), OSError(-2, "Name or service not known"))

    assert "no such host" == describe_failure(failure)


def test_a_fetcher_outside_its_context_says_so():
    """A wiring fault is no target's fault."""
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(Fetcher(PATIENT).fetch(Target(url="http://127.0.0.1:1/metrics", worker="w"), lambda: 0.0))
