"""One bounded GET of JSON from a discovery service."""

from __future__ import annotations

import asyncio

import httpx

from pdwatch.config.access import HttpAccess
from pdwatch.config.client import request_headers, ssl_context
from pdwatch.discover.source import DiscoveryError

TIMEOUT_SECONDS = 5.0
MAX_BODY_BYTES = 16 * 1024**2


class JsonClient:
    """Asks one service with the credentials of its entry. Redirects and proxies of the environment are not followed."""

    def __init__(self, access: HttpAccess, timeout: float = TIMEOUT_SECONDS, max_body: int = MAX_BODY_BYTES) -> None:
        self._access = access
        self._timeout = timeout
        self._max_body = max_body
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str) -> bytes:
        """Return the body of the answer to a GET. Raises `DiscoveryError` for any other status than 200."""
        try:
            headers = {"Accept": "application/json", "Accept-Encoding": "identity", **request_headers(self._access)}
            async with asyncio.timeout(self._timeout):
                return await self._body(url, headers)
        except TimeoutError as error:
            raise DiscoveryError(f"{url}: no answer within {self._timeout:g}s; see whether it is up") from error
        except httpx.HTTPError as error:
            raise DiscoveryError(f"{url}: {_reason(error)}; see whether it is up and reachable") from error
        except (OSError, ValueError) as error:
            raise DiscoveryError(f"{url}: its credentials cannot be used ({error}); mend their file") from error

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _body(self, url: str, headers: dict[str, str]) -> bytes:
        async with self._open(url).stream("GET", url, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                status = f"{response.status_code} {response.reason_phrase}".strip()
                raise DiscoveryError(f"{url}: answers {status}; see whether the URL and the credentials are right")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._max_body:
                    raise DiscoveryError(
                        f"{url}: answers more than {self._max_body} bytes; see whether the URL is right"
                    )
            return bytes(body)

    def _open(self, url: str) -> httpx.AsyncClient:
        """Return the client, made on first use so that a broken certificate file is an error of its entry alone."""
        if self._client is None:
            verify = ssl_context(self._access.tls) if url.startswith("https:") else False
            self._client = httpx.AsyncClient(verify=verify, timeout=2 * self._timeout, trust_env=False)
        return self._client


def _reason(error: httpx.HTTPError) -> str:
    text = str(error).strip().lower() or type(error).__name__
    return "cannot be reached" if "all connection attempts failed" in text else text
