from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from pdwatch.model.page import Page, Scrape
from pdwatch.model.target import Role, Target
from pdwatch.scrape.loop import ScrapeLoop
from pdwatch.scrape.settings import TransportSettings
from pdwatch.scrape.transport import Fetcher, Probe
from pdwatch.scrape.turns import LoopSettings

PAGES = Path(__file__).parent.parent / "pages"

PATIENT = TransportSettings(timeout=30)

Samples = list[tuple[str, dict[str, str], str]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[..., AbstractAsyncContextManager[str]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `recorded_page` once per page under tests/pages."""
    if "recorded_page" in metafunc.fixturenames:
        paths = sorted(PAGES.rglob("*.txt"))
        metafunc.parametrize("recorded_page", paths, ids=[path.stem for path in paths], indirect=True)


@pytest.fixture
def recorded_page(request: pytest.FixtureRequest) -> str:
    """The text of one page of a real program."""
    return request.param.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page_text() -> Callable[[str], str]:
    """Return the text of a page by its path under tests/pages."""
    return lambda path: (PAGES / path).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def samples_of() -> Callable[[Page], Samples]:
    """Return the samples of a page, values spelled so that NaN equals NaN and -0 equals 0."""
    return lambda page: [
        (series.name, dict(series.labels), repr(value + 0.0))
        for series, value in zip(page.layout.series, page.values, strict=True)
    ]


@pytest.fixture(scope="session")
def prometheus_samples() -> Callable[[str], Samples]:
    """Return what prometheus_client reads from a text page, under the names on the page."""

    def read(text: str) -> Samples:
        counters = set(re.findall(r"^# TYPE (\S+(?<!_total)) counter$", text, re.MULTILINE))
        return [
            (
                sample.name.removesuffix("_total") if family.name in counters else sample.name,
                dict(sample.labels),
                repr(float(sample.value) + 0.0),
            )
            for family in text_families(text)
            for sample in family.samples
        ]

    return read


@pytest.fixture(scope="session")
def openmetrics_samples() -> Callable[[str], Samples]:
    """Return what prometheus_client reads from an OpenMetrics page."""
    return lambda text: [
        (sample.name, dict(sample.labels), repr(float(sample.value) + 0.0))
        for family in openmetrics_families(text)
        for sample in family.samples
    ]


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Serve handlers by path on loopback; the context gives the base URL."""

    @asynccontextmanager
    async def serving(routes: Mapping[str, Handler], tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        app = web.Application()
        for path, handler in routes.items():
            app.router.add_get(path, handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
            yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    return serving


@pytest.fixture(scope="session")
def serve_bytes() -> Serve:
    """Answer every connection with the same bytes and close it; the context gives the base URL."""

    @asynccontextmanager
    async def serving(answer: bytes) -> AsyncIterator[str]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    return serving


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that no authority signed."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program")
    path = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=loopback",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            str(path / "key.pem"),
            "-out",
            str(path / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    both = path / "both.pem"
    both.write_text((path / "key.pem").read_text() + (path / "cert.pem").read_text())
    return both


@pytest.fixture(scope="session")
def fetched(serve: Serve) -> Callable[..., Scrape]:
    """Return the scrape of a server that has one handler, at /metrics."""

    def fetch(handler: Handler, settings: TransportSettings = PATIENT, tls: ssl.SSLContext | None = None) -> Scrape:
        async def scenario() -> Scrape:
            async with serve({"/metrics": handler}, tls) as base, Fetcher(settings) as fetcher:
                return await fetcher.fetch(Target(url=f"{base}/metrics", worker="w"), lambda: 1000.0)

        return asyncio.run(scenario())

    return fetch


class Heard:
    """What a loop handed over, in order: `("scrape", worker)`, `("probe", worker)`, `("cycle", time)`."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []
        self.scrapes: list[Scrape] = []
        self.probes: list[tuple[str, Probe, float]] = []
        self.raises_for = ""

    def on_scrape(self, scrape: Scrape) -> None:
        self.events.append(("scrape", scrape.target.worker))
        self.scrapes.append(scrape)
        if scrape.target.worker == self.raises_for:
            raise RuntimeError("cannot read this")

    def on_probe(self, target: Target, probe: Probe, at: float) -> None:
        self.events.append(("probe", target.worker))
        self.probes.append((target.worker, probe, at))

    async def on_cycle(self, now: float) -> None:
        self.events.append(("cycle", now))

    @property
    def cycles(self) -> int:
        return sum(kind == "cycle" for kind, _ in self.events)


class Fleet:
    """Answers every path and counts; `hang` never answers, `held` not before `release`.

    All are 404 while it is `failing`, `/health` is 503 while it is `unwell`.
    """

    def __init__(self, role: Role) -> None:
        self.role = role
        self.base = ""
        self.asked: Counter[str] = Counter()
        self.asked_at: dict[str, float] = {}
        self.release = asyncio.Event()
        self.failing = False
        self.unwell = False

    def target(self, page: str) -> Target:
        return Target(url=f"{self.base}/{page}", worker=page, role=self.role)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        self.asked_at[request.path] = asyncio.get_running_loop().time()
        if request.path == "/hang":
            await asyncio.Event().wait()
        if request.path == "/held":
            await self.release.wait()
        if request.path == "/version":
            return web.json_response({"version": "0.33.0"})
        if self.unwell and request.path == "/health":
            return web.Response(status=503)
        return web.Response(text="m 1\n", status=404 if self.failing else 200)


@pytest.fixture(scope="session")
def running(serve: Serve) -> Callable[..., AbstractAsyncContextManager[tuple[ScrapeLoop, Heard, Fleet]]]:
    """Run a loop over pages of one server; the context gives the loop, what it handed over, and the server's side."""

    @asynccontextmanager
    async def run(
        pages: Iterable[str],
        settings: LoopSettings,
        *,
        timeout: float = 30,
        role: Role = Role.DECODE,
        start: bool = True,
    ) -> AsyncIterator[tuple[ScrapeLoop, Heard, Fleet]]:
        fleet, heard = Fleet(role), Heard()
        handed = {"on_scrape": heard.on_scrape, "on_cycle": heard.on_cycle, "on_probe": heard.on_probe}
        async with (
            serve({"/{path:.*}": fleet.answer}) as fleet.base,
            Fetcher(TransportSettings(timeout=timeout)) as fetcher,
        ):
            loop = ScrapeLoop(fetcher, settings, lambda: 1000.0, **handed)
            loop.set_targets(map(fleet.target, pages))
            if start:
                loop.start()
            try:
                yield loop, heard, fleet
            finally:
                await loop.aclose()

    return run


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait for a condition, far longer than it can take."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.002)

    return wait
