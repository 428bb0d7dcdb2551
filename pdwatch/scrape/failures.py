"""Why a target gave no page, in a few words for people."""

from __future__ import annotations

import os
import ssl
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp

from pdwatch.scrape.errors import excerpt

SCALING = "currently scaling"
"""From the body of vLLM's 503 while it changes its number of engines (elastic expert parallelism)."""
RETIRED = "has been retired"
"""From the body of vLLM's 503 of a data-parallel rank that awaits its shutdown."""

FAILURES = (aiohttp.ClientError, OSError, ValueError)
"""What a request can end in through the fault of a target or its URL."""


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "no such host"),
    (aiohttp.ServerDisconnectedError, "closed the connection without an answer"),
    (aiohttp.ClientPayloadError, "closed the connection in the middle of the answer"),
    (aiohttp.ClientResponseError, "answered something that is not HTTP: is this the metrics port?"),
)


def describe_failure(error: Exception) -> str:
    """Return why a request brought no answer."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"TLS: {_certificate_fault(error.certificate_error)}"
    if isinstance(error, aiohttp.ClientSSLError):
        return f"TLS: {_tls_fault(error.os_error)}"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return excerpt(" ".join(str(error).split())) or type(error).__name__


def describe_status(status: int, url: str, location: str, body: str, *, credentials: bool) -> str:
    """Return what an answer other than 200 means; *credentials* tells whether any were sent."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE and SCALING in body:
        return "503 scaling"
    if status == HTTPStatus.SERVICE_UNAVAILABLE and RETIRED in body:
        return "503 retired"
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{status} {'refused the credentials' if credentials else 'asks for credentials'}"
    if 300 <= status < 400 and location:
        return f"{status} redirects to {excerpt(location)}: use that URL as the target"
    if status == HTTPStatus.NOT_FOUND:
        return f"404 has no page at {excerpt(urlsplit(url).path)}"
    return f"{status} {_phrase(status)}".rstrip()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return ""


def _certificate_fault(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not trusted: {error.verify_message}"
    return f"certificate not trusted: {excerpt(str(error))}"


def _tls_fault(error: OSError) -> str:
    reason = getattr(error, "reason", None) or error.strerror or str(error)
    return excerpt(str(reason).replace("_", " ").lower())
