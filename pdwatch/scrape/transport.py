"""The HTTP transport: one request, one `Scrape`; a target's fault is an outcome, never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from pdwatch.model.page import Scrape
from pdwatch.model.target import Role, Target
from pdwatch.scrape.body import Body, BodyError
from pdwatch.scrape.credentials import Credentials, CredentialsError, tls_context
from pdwatch.scrape.failures import FAILURES, describe_failure, describe_status
from pdwatch.scrape.introspect import LOADS_PATH, VERSION_PATH, version_and_role_in, version_in
from pdwatch.scrape.settings import TransportSettings

ACCEPT = "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"
MAX_PROBE_BODY = 65536
KEEPALIVE_SECONDS = 75.0
"""Longer than most intervals, so that a connection serves many scrapes."""

_READ_BUFFER = 1024 * 1024
"""Bytes that may wait to be read; a page fits, so that reading it is never paused."""

_parsed_url = lru_cache(maxsize=8192)(URL)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a worker says of itself apart from its metrics."""

    health: int | None = None
    """Status of `/health`: 200 says that the engine has not died, not that it makes progress."""
    version: str | None = None
    """From `/version`, or where SGLang tells it; `None` where neither is."""
    role: Role | None = None
    """The role that the worker gives itself at the moment, where it can be asked."""
    error: str | None = None
    """Why `/health` gave no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, or why there is none."""

    status: int | None = None
    text: str = ""
    error: str | None = None
    location: str = ""
    content_type: str = ""


class Fetcher:
    """Asks targets over kept-alive connections; an async context manager.

    Pages are the one place where a client's cost decides: at a thousand targets every 0.1 ms a request is 2 % of a
    core, and httpx over this same transport costs that much more. Discovery and look-ups, which are rare, use httpx.
    Entering raises `CredentialsError` where a TLS file cannot be used.
    """

    def __init__(self, settings: TransportSettings) -> None:
        self.settings = settings
        self._credentials = Credentials(settings)
        self._slots = asyncio.Semaphore(settings.concurrency)
        # identity: compressing a page costs the worker more than the wire is worth
        own = {"Accept": ACCEPT, "Accept-Encoding": "identity", "User-Agent": "pdwatch"}
        self._headers = own | {name.title(): value for name, value in settings.headers.items()}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        context = tls_context(self.settings)
        connector = aiohttp.TCPConnector(limit=0, ssl=context, keepalive_timeout=KEEPALIVE_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # one timeout around the whole request
            auto_decompress=False,
            read_bufsize=_READ_BUFFER,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self, target: Target, clock: Callable[[], float]) -> Scrape:
        """Ask *target* for its page; *clock* gives Unix seconds."""
        async with self._slots:
            loop = asyncio.get_running_loop()
            started = loop.time()
            answer = await self._get(target.url, self.settings.max_body)
            error = answer.error or self._refusal(target.url, answer)
            return Scrape(
                target=target,
                at=clock(),
                seconds=loop.time() - started,
                status=answer.status,
                body=answer.text if error is None else None,
                error=error,
                content_type=answer.content_type,
            )

    async def probe(self, base_url: str, *, version: bool = True) -> Probe:
        """Ask a worker for `/health` and, where *version* says so, for its version and its role."""
        async with self._slots:
            health = await self._get(f"{base_url}/health", MAX_PROBE_BODY)
            if health.status is None:
                return Probe(error=health.error)
            if not version:
                return Probe(health=health.status)
            told = version_in(await self._told(base_url + VERSION_PATH))
            if told is not None:
                return Probe(health=health.status, version=told)
            own, role = version_and_role_in(await self._told(base_url + LOADS_PATH))
            return Probe(health=health.status, version=own, role=role)

    async def _told(self, url: str) -> str:
        """Return the text of a good answer, else nothing."""
        answer = await self._get(url, MAX_PROBE_BODY)
        return answer.text if answer.status == HTTPStatus.OK else ""

    def _refusal(self, url: str, answer: Answer) -> str | None:
        """Return what is wrong with an answer that arrived, `None` for a page."""
        if answer.status is None or answer.status == 200:
            return None
        sent = self._credentials.configured
        return describe_status(answer.status, url, answer.location, answer.text, credentials=sent)

    async def _get(self, url: str, limit: int) -> Answer:
        """Return the answer of *url* or why there is none within the timeout."""
        try:
            async with asyncio.timeout(self.settings.timeout):
                return await self._request(url, limit)
        except TimeoutError:
            return Answer(error=f"timed out after {self.settings.timeout:g}s")
        except CredentialsError as error:
            return Answer(error=str(error))
        except FAILURES as error:
            return Answer(error=describe_failure(error))

    async def _request(self, url: str, limit: int) -> Answer:
        if self._session is None:
            raise RuntimeError("the fetcher is closed; enter it with `async with` first")
        credentials = self._credentials.headers() or None
        async with self._session.get(_parsed_url(url), headers=credentials, allow_redirects=False) as response:
            text, error = await _read(response, limit if response.status == 200 else MAX_PROBE_BODY)
            headers = response.headers
            return Answer(response.status, text, error, headers.get("Location", ""), headers.get("Content-Type", ""))


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[str, str | None]:
    """Return the text of the answer and `None`, or nothing and what is wrong with its body."""
    try:
        body = Body(response.headers.get("Content-Encoding", ""), limit)
        if response.content_length is not None and response.content_length <= limit:
            body.feed(await response.content.read())  # the usual page: its length is told and fits
            return body.text(), None
        async for chunk in response.content.iter_any():
            body.feed(chunk)
        return body.text(), None
    except BodyError as error:
        return "", str(error) if response.status == 200 else None
