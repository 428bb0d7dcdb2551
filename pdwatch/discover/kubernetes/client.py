"""The two requests that discovery makes of an API server: the list of pods, in pages, and the watch that follows it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from pdwatch.discover.http import failure, refusal
from pdwatch.discover.kubernetes.access import Cluster
from pdwatch.discover.source import DiscoveryError

BEGUN = "BEGUN"
"""What comes before the first event of a watch: the server took it up."""
PAGE_PODS = 200
MAX_PAGE_BYTES = 64 * 1024**2
MAX_EVENT_CHARACTERS = 8 * 1024**2
WATCH_SECONDS = 240
"""After which the API server ends a watch, which is then taken up again."""


class ExpiredError(Exception):
    """The API server no longer knows the version that was asked for (410): only a new list helps."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    connect: float = 5.0
    answer: float = 15.0
    """For the list."""
    silence: float = 90.0
    """On a watch; an API server sends a bookmark each minute, so a longer silence is a dead connection."""
    retries: tuple[float, ...] = (0.2, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
    """Before the next try after so many failures in a row; the last for all further ones."""
    steady: float = 5.0
    """For which a watch must have lasted, so that its end is the first failure and not one more."""


@dataclass(frozen=True, slots=True)
class Pods:
    """A whole list."""

    items: tuple[Any, ...]
    version: str


class PodClient:
    """Asks one API server about the pods of one namespace, or of all. An async context manager by `httpx`."""

    def __init__(self, cluster: Cluster, namespace: str, selector: str | None, patience: Patience) -> None:
        place = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
        self.url = f"{cluster.server}{place}"
        self._cluster = cluster
        self._about = {"labelSelector": selector} if selector else {}
        self._patience = patience
        self._client = httpx.AsyncClient(
            verify=cluster.context or False,
            trust_env=False,
            timeout=httpx.Timeout(patience.answer, connect=patience.connect),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def pods(self) -> Pods:
        """Return all pods. Raises `DiscoveryError`, or `ExpiredError` where the list ran out between two pages."""
        items: list[Any] = []
        more = ""
        while True:
            question = {**self._about, "limit": str(PAGE_PODS)} | ({"continue": more} if more else {})
            page = _mapping(await self._page(question), self.url)
            items += page.get("items") or []
            about = _mapping(page.get("metadata"), self.url)
            more = str(about.get("continue") or "")
            if not more:
                return Pods(tuple(items), str(about.get("resourceVersion") or ""))

    async def watch(self, version: str) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        """Yield type and object of each event after *version*, until the server ends the watch.

        Raises `DiscoveryError` where it is refused, `ExpiredError`, and `httpx.HTTPError` where the connection ends.
        """
        question = {
            **self._about,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        timeout = httpx.Timeout(self._patience.silence, connect=self._patience.connect)
        async with self._client.stream(
            "GET", self.url, params=question, headers=self._headers(), timeout=timeout
        ) as answer:
            await self._check(answer)
            yield BEGUN, {}
            async for line in _lines(answer, self.url):
                kind, thing = _event(line, self.url)
                if kind == "ERROR":
                    raise self._refused(int(thing.get("code") or 0), _said(thing))
                yield kind, thing

    async def _page(self, question: Mapping[str, str]) -> Any:
        try:
            async with self._client.stream("GET", self.url, params=question, headers=self._headers()) as answer:
                await self._check(answer)
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_PAGE_BYTES:
                        raise DiscoveryError(f"{self.url}: lists too much; narrow it with a selector")
        except httpx.HTTPError as error:
            raise unreachable(self.url, error) from error
        return _parsed(bytes(body), self.url)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Accept-Encoding": "identity", **self._cluster.headers()}

    async def _check(self, answer: httpx.Response) -> None:
        if answer.status_code != httpx.codes.OK:
            raise self._refused(answer.status_code, refusal(await answer.aread()))

    def _refused(self, status: int, said: str) -> Exception:
        """Return what a refusal is raised as."""
        if status == httpx.codes.GONE:
            return ExpiredError(said)
        mends = {
            401: "see whether its token or certificate is valid",
            403: "let it list and watch pods, docs/discovery.md has the Role",
            404: "see whether this is the URL of an API server",
            429: "the API server is busy; it is asked again later",
        }
        return DiscoveryError(f"{self.url}: answers {status}{said}; {mends.get(status, 'see the API server')}")


def unreachable(url: str, error: httpx.HTTPError) -> DiscoveryError:
    """Return the error of a request without an answer."""
    slow = isinstance(error, httpx.TimeoutException)
    return DiscoveryError(f"{url}: {'no answer in time' if slow else failure(error)}; see whether it is up")


async def _lines(answer: httpx.Response, url: str) -> AsyncIterator[str]:
    """Yield the lines of a stream; one that never ends is refused."""
    rest = ""
    async for text in answer.aiter_text():
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > MAX_EVENT_CHARACTERS:
            raise DiscoveryError(f"{url}: sends an event without end; see whether this is an API server")


def _event(line: str, url: str) -> tuple[str, Mapping[str, Any]]:
    event = _mapping(_parsed(line, url), url)
    return str(event.get("type") or ""), _mapping(event.get("object"), url)


def _parsed(text: str | bytes, url: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DiscoveryError(f"{url}: answers what is no JSON; see whether this is an API server") from error


def _mapping(value: Any, url: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise DiscoveryError(f"{url}: answers in a shape that is not known; see whether this is an API server")
    return value


def _said(status: Mapping[str, Any]) -> str:
    message = status.get("message")
    return f" ({message})" if isinstance(message, str) and message else ""
