"""The web server: uvicorn inside an event loop that is not its own.

ListenError         the address cannot be listened on
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from pdwatch.export.protocol import PatientProtocol

HEADER_BYTES = 16 * 1024
CONNECTIONS = 256
KEEP_ALIVE_SECONDS = 75
"""Longer than the usual scrape interval of a minute, so that Prometheus keeps its connection."""
STOP_SECONDS = 3
"""Longest wait for answers under way when the server stops."""


class ListenError(Exception):
    """The address cannot be listened on; the text says which, why and the mend."""


class _Uvicorn(uvicorn.Server):
    """Leaves signals to the program around it and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Server:
    """Serves one ASGI application between `start` and `stop`."""

    def __init__(
        self,
        app: Any,
        *,
        on_stop: Callable[[], None] | None = None,
        tls: ssl.SSLContext | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        """*on_stop* is called before open answers are waited for, to end those that would not end by themselves.

        From so many *connections* on, a further one is answered 503.
        """
        self._on_stop = on_stop
        self._config = _config(app, connections)
        self._config.load()
        self._config.ssl = tls
        self._uvicorn: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None
        self.host = ""
        self.port = 0

    @property
    def url(self) -> str:
        """Where the page for people is."""
        scheme = "https" if self._config.ssl is not None else "http"
        return f"{scheme}://{address(self.host or 'localhost', self.port)}/"

    async def start(self, host: str, port: int) -> None:
        """Listen and serve; port 0 takes a free one, reported in `port`. An empty host is every address.

        Raises `ListenError`, before anything is served, when the address is taken or not ours.
        """
        listener = listen(host, port)
        self.host, self.port = host, listener.getsockname()[1]
        self._uvicorn = _Uvicorn(self._config)
        self._task = asyncio.create_task(self._uvicorn.serve([listener]), name="web server")
        listening = asyncio.create_task(self._uvicorn.listening.wait())
        await asyncio.wait((self._task, listening), return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            listener.close()
            await self._task

    async def wait(self) -> None:
        """Wait until the server has stopped; raises what made it stop."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Stop listening, let answers under way finish, and return when all is closed. Twice is once."""
        if self._uvicorn is None or self._task is None:
            return
        if self._on_stop is not None:
            self._on_stop()
        self._uvicorn.should_exit = True
        await self._task


def _config(app: Any, connections: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=connections,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=HEADER_BYTES,
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *host* and *port*; an empty host is every address.

    Raises `ListenError` when it cannot.
    """
    where = address(host, port)
    if not 0 <= port <= 65535:
        raise ListenError(f"{where} has no valid port; choose one from 0 to 65535 with --listen HOST:PORT")
    try:
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, backlog=CONNECTIONS, dualstack_ipv6=True)
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=CONNECTIONS)
    except OSError as error:
        raise ListenError(_reason(where, error)) from error


def _reason(where: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another process; choose another with --listen HOST:PORT"
    if error.errno == errno.EACCES:
        return f"{where} needs more rights than this process has; choose a port from 1024 with --listen HOST:PORT"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{where} is no address of this machine; choose another with --listen HOST:PORT"
    return f"{where} cannot be listened on ({error.strerror}); choose another with --listen HOST:PORT"


def address(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
