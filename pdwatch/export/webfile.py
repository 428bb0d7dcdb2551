"""A web configuration file in use: read again when it changes, the last good one kept when it is bad."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pdwatch.export.passwords import Passwords
from pdwatch.export.tls import server_context
from pdwatch.export.webconfig import WebConfig, parse_web_config
from pdwatch.export.websection import WebConfigError, web_error

_HTTP2_NOTE = "http2: true has no effect, pdwatch speaks HTTP/1.1"

Stamp = tuple[int, int, int, int]
"""Device, inode, size and time of change of a file."""


@dataclass(frozen=True, slots=True)
class Web:
    """A web configuration with what was made from it."""

    config: WebConfig
    context: ssl.SSLContext | None
    passwords: Passwords | None


class WebFile:
    """The newest good state of a web configuration file and of the files that it names.

    `newest` looks at the files, so a change holds from the next request and the next connection on. A change that
    cannot be used is told once and leaves everything as it was.
    """

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        """Read the file. *tell* gets lines for people. Raises `WebConfigError`."""
        self._path = path
        self._tell = tell
        self._seen: dict[Path, Stamp | None] = {}
        self._trouble: str | None = None
        self._web = self._read()
        if self._web.config.http2:
            tell(f"{path}: {_HTTP2_NOTE}")

    @property
    def newest(self) -> Web:
        """The last good state."""
        if any(_stamp(path) != seen for path, seen in self._seen.items()):
            self._renew()
        return self._web

    def _renew(self) -> None:
        try:
            web = self._read()
            self._refuse_switch(web)
        except WebConfigError as error:
            trouble = str(error)
            if trouble != self._trouble:
                self._tell(f"kept the old web configuration: {trouble}")
            self._trouble = trouble
            return
        self._web, self._trouble = web, None
        self._tell(f"{self._path}: web configuration read again")

    def _refuse_switch(self, web: Web) -> None:
        if (web.context is None) != (self._web.context is None):
            problem = "TLS cannot be switched on or off while pdwatch runs"
            raise web_error(f"{self._path}: tls_server_config", problem, "start pdwatch again")

    def _read(self) -> Web:
        self._seen = {self._path: _stamp(self._path)} | {path: _stamp(path) for path in self._seen}
        config = parse_web_config(_text(self._path), self._path)
        files = config.tls.files if config.tls is not None else ()
        self._seen = {self._path: self._seen[self._path]} | {path: _stamp(path) for path in files}
        context = server_context(config.tls) if config.tls is not None else None
        return Web(config, context, Passwords(config.users) if config.users else None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        mend = "name a file that pdwatch may read with --web.config.file"
        raise web_error(str(path), f"cannot be read ({error.strerror})", mend) from error
    except UnicodeDecodeError as error:
        raise web_error(str(path), "is not UTF-8", "save it as UTF-8 text") from error


def _stamp(path: Path) -> Stamp | None:
    """Return what tells one state of a file from another, None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
