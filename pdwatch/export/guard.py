"""What stands before every path: basic auth and the headers of a web configuration file."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pdwatch.export.tls import RenewedContext
from pdwatch.export.webfile import Web, WebFile

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="pdwatch", charset="UTF-8"'}
_REFUSAL = "pdwatch asks for a user name and a password; send them as HTTP basic auth.\n"


class Guard:
    """ASGI middleware that lets in who is known and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, web: Callable[[], Web]) -> None:
        """*web* gives the state that holds for a request."""
        self._app = app
        self._web = web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        web = self._web()
        if web.config.headers:
            send = _with_headers(send, web.config.headers)
        if web.passwords is None or await web.passwords.admits(Headers(scope=scope).get("authorization")):
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(_REFUSAL, 401, headers=_CHALLENGE)(scope, receive, send)


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return send_with_headers


def protection(path: Path | None, tell: Callable[[str], None]) -> tuple[tuple[Middleware, ...], ssl.SSLContext | None]:
    """Return the middleware and the TLS context that a web configuration file asks for; without one, neither.

    *tell* gets lines for people. Raises `WebConfigError`.
    """
    if path is None:
        return (), None
    file = WebFile(path, tell)
    middleware = (Middleware(Guard, web=lambda: file.newest),)
    return middleware, None if file.newest.context is None else RenewedContext(lambda: file.newest.context)
