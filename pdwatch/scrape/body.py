"""The bytes of an answer, gathered and decompressed within a limit."""

from __future__ import annotations

import zlib

PLAIN = ("", "identity")
GZIP = ("gzip", "x-gzip")
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class BodyError(ValueError):
    """An answer whose body is not accepted; its text is one line for people."""


class Body:
    """Gathers the chunks of one answer; never holds more than *limit* bytes, compressed or not."""

    def __init__(self, encoding: str, limit: int) -> None:
        """Start a body of the `Content-Encoding` *encoding*; raises `BodyError` for one that is not supported."""
        name = encoding.strip().lower()
        if name not in PLAIN + GZIP:
            raise BodyError(f"answered with content encoding {name[:20]!r}; only gzip and identity are read")
        self._gzip = zlib.decompressobj(_GZIP_WINDOW) if name in GZIP else None
        self._limit = limit
        self._received = self._size = 0
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes from the wire; raises `BodyError` beyond the limit or where they are not gzip."""
        self._received += len(chunk)
        self._require(self._received)
        if self._gzip is None:
            self._keep(chunk)
            return
        while chunk:
            try:
                self._keep(self._gzip.decompress(chunk, self._limit - self._size + 1))
            except zlib.error as error:
                raise BodyError("answered gzip that cannot be decompressed") from error
            chunk = self._gzip.unused_data  # gzip is a series of members
            if chunk:
                self._gzip = zlib.decompressobj(_GZIP_WINDOW)

    def text(self) -> str:
        """Return the whole body; raises `BodyError` where it was cut short or is not UTF-8."""
        if self._gzip is not None and not self._gzip.eof:
            raise BodyError("answered gzip that ends too early")
        try:
            return b"".join(self._chunks).decode("utf-8")
        except UnicodeDecodeError as error:
            raise BodyError(f"answered a page that is not UTF-8 at byte {error.start}") from error

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        self._require(self._size)
        self._chunks.append(data)

    def _require(self, size: int) -> None:
        if size > self._limit:
            raise BodyError(f"answered more than {self._limit} bytes: raise max_body if that is a page of metrics")
