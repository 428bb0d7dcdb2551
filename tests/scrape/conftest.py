from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from pdwatch.model.page import Page

PAGES = Path(__file__).parent.parent / "pages"

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
