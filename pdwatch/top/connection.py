"""The way to a running serve: where it is, what lets one in, and why it does not answer."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

SECONDS = 5.0
"""Longest wait for a connection or an answer."""
_WRONG_HOST = (62, 64)
"""OpenSSL's codes for a certificate of another name or address."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNEXPECTED_EOF_WHILE_READING")


_CERTIFICATE = "if it wants a client's certificate, set connect.tls.cert_file and connect.tls.key_file"
_START = "start pdwatch serve, or name workers with --prefill URL --decode URL"


class Failure(NamedTuple):
    """Why a serve gave no answer, in a few words, and what to do about it."""

    reason: str
    mend: str


@dataclass(frozen=True, slots=True)
class Connection:
    """How one serve is asked. Secrets and certificates are read again for each connection."""

    url: str
    headers: Callable[[], Mapping[str, str]] = dict
    """What is sent to be let in. Raises `OSError` or `ValueError` for a file that cannot be used."""
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    """Raises `OSError` for a file that cannot be used."""

    @property
    def name(self) -> str:
        """Host and port, for people."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def _secure(self) -> bool:
        return self.url.startswith("https:")

    def client(self, silence_seconds: float = SECONDS) -> httpx.AsyncClient:
        """Return a client of this serve that bears *silence_seconds* without a byte. Raises what the fields raise."""
        import httpx  # noqa: PLC0415 - a tenth of a second, after the first paint

        timeout = httpx.Timeout(SECONDS, read=silence_seconds)
        verify = self.tls() if self._secure else False
        return httpx.AsyncClient(base_url=self.url, timeout=timeout, headers=self.headers(), verify=verify)

    def failure(self, error: Exception) -> Failure:
        """Return why a request failed."""
        import httpx  # noqa: PLC0415

        if isinstance(error, httpx.HTTPStatusError):
            return _refusal(error.response.status_code, error.request.headers)
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLError):
                return _tls_failure(cause, self.name)
        if isinstance(error, httpx.RemoteProtocolError):
            mend = _CERTIFICATE if self._secure else f"if it speaks TLS, write https://{self.name}"
            return Failure("it closes the connection without an answer", mend)
        return Failure(" ".join(str(error).split()) or type(error).__name__, _START)


def _refusal(status: int, sent: Mapping[str, str]) -> Failure:
    if status not in (401, 403):
        return Failure(f"it answers {status}", "is it pdwatch serve, and past its first cycle?")
    if "authorization" in sent:
        return Failure(f"it answers {status}: it refuses what was sent", "look at the user name, password or token")
    return Failure(
        f"it answers {status}: it asks who you are",
        "give --connect.username and --connect.password-file, or --connect.credentials-file for a token",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _tls_failure(error: ssl.SSLError, name: str) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        mend = "name the file of its authority with --connect.ca-file"
        if error.verify_code in _WRONG_HOST:
            mend = "write the name that the certificate is for"
        return Failure(f"its certificate is not trusted: {error.verify_message.rstrip('.')}", mend)
    reason = error.reason or str(error)
    if reason in _NO_TLS:
        return Failure("it speaks no TLS", f"write http://{name}")
    if "CERTIFICATE_REQUIRED" in reason:
        return Failure("it asks for a certificate of the client", _CERTIFICATE)
    return Failure(f"TLS: {reason.replace('_', ' ').lower()}", "look at its certificate and its authority")
