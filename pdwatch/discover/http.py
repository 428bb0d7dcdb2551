"""One bounded request for JSON to a discovery service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import httpx

from pdwatch.config.access import HttpAccess
from pdwatch.config.client import request_headers, ssl_context
from pdwatch.discover.source import DiscoveryError

TIMEOUT_SECONDS = 5.0
MAX_BODY_BYTES = 16 * 1024**2
MAX_REFUSAL_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 200


class JsonClient:
    """Asks one service with the credentials of its entry. Redirects and proxies of the environment are not followed."""

    def __init__(self, access: HttpAccess, timeout: float = TIMEOUT_SECONDS, max_body: int = MAX_BODY_BYTES) -> None:
        self._access = access
        self._timeout = timeout
        self._max_body = max_body
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str) -> bytes:
        """Return the body of the answer to a GET. Raises `DiscoveryError` for any other status than 200."""
        return await self._ask("GET", url, b"", {})

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Return the body of the answer to a POST. Raises `DiscoveryError` for any other status than 200."""
        return await self._ask("POST", url, body, headers)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _ask(self, method: str, url: str, body: bytes, more: Mapping[str, str]) -> bytes:
        try:
            own = {"Accept": "application/json", "Accept-Encoding": "identity", **request_headers(self._access)}
            async with asyncio.timeout(self._timeout):
                return await self._answer(method, url, body, {**own, **more})
        except TimeoutError as error:
            raise DiscoveryError(f"{url}: no answer within {self._timeout:g}s; see whether it is up") from error
        except httpx.HTTPError as error:
            raise DiscoveryError(f"{url}: {failure(error)}; see whether it is up and reachable") from error
        except (OSError, ValueError) as error:
            raise DiscoveryError(f"{url}: its credentials cannot be used ({error}); mend their file") from error

    async def _answer(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        async with self._open(url).stream(method, url, content=body, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                status = f"{response.status_code} {response.reason_phrase}".strip()
                said = refusal(await _bounded(response, MAX_REFUSAL_BYTES))
                mend = "see whether the URL and the credentials are right"
                raise DiscoveryError(f"{url}: answers {status}{said}; {mend}")
            read = await _bounded(response, self._max_body)
            if len(read) > self._max_body:
                raise DiscoveryError(f"{url}: answers more than {self._max_body} bytes; see whether the URL is right")
            return read

    def _open(self, url: str) -> httpx.AsyncClient:
        """Return the client, made on first use so that a broken certificate file is an error of its entry alone."""
        if self._client is None:
            verify = ssl_context(self._access.tls) if url.startswith("https:") else False
            self._client = httpx.AsyncClient(verify=verify, timeout=2 * self._timeout, trust_env=False)
        return self._client


async def _bounded(response: httpx.Response, limit: int) -> bytes:
    """Return the body; of one beyond *limit*, a beginning that is longer."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)


def failure(error: httpx.HTTPError) -> str:
    """Return why a request brought no answer."""
    text = " ".join(str(error).lower().split()) or type(error).__name__
    return "cannot be reached" if "all connection attempts failed" in text else text


def refusal(body: bytes) -> str:
    """Return what a refusal says in its JSON, in brackets behind a blank; empty where it says nothing."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    said = (answer.get("message") or answer.get("error")) if isinstance(answer, dict) else None
    if not isinstance(said, str) or not said.strip():
        return ""
    text = " ".join(said.split())
    return f" ({text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + '…'})"
