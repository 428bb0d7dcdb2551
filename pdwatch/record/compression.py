"""The ways a recording is compressed, told by the end of its name or by its first bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import zstandard

ZSTD_LEVEL = 3
ZSTD_WINDOW_LOG = 24
"""16 MiB: far enough back to reach the page before of the same worker in a fleet of some hundred. `zstd -d` reads
windows of up to 128 MiB."""
GZIP_LEVEL = 6
GZIP_WBITS = 31
"""zlib's number for a gzip wrapper with the largest window."""


class Decompressor(Protocol):
    """One gzip member or one zstd frame."""

    @property
    def eof(self) -> bool:
        """Whether the end was reached."""

    @property
    def unused_data(self) -> bytes:
        """What follows the end."""

    def decompress(self, data: bytes, /) -> bytes:
        """Return what *data* adds."""


class Compressor(Protocol):
    """A compressor whose output up to a `sync` can be read whatever comes after."""

    def compress(self, data: bytes, /) -> bytes:
        """Return what is ready to be written."""

    def sync(self) -> bytes:
        """Return everything that is held back."""

    def finish(self) -> bytes:
        """Return everything that is held back, and the end."""


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def sync(self) -> bytes:
        return b""

    def finish(self) -> bytes:
        return b""


class _Gzip:
    def __init__(self) -> None:
        self._stream = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WBITS)

    def compress(self, data: bytes, /) -> bytes:
        return self._stream.compress(data)

    def sync(self) -> bytes:
        return self._stream.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._stream.flush(zlib.Z_FINISH)


class _Zstd:
    def __init__(self) -> None:
        parameters = zstandard.ZstdCompressionParameters.from_level(
            ZSTD_LEVEL, window_log=ZSTD_WINDOW_LOG, enable_ldm=True, write_checksum=True
        )
        self._stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()

    def compress(self, data: bytes, /) -> bytes:
        return self._stream.compress(data)

    def sync(self) -> bytes:
        return self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)


@dataclass(frozen=True, slots=True)
class Compression:
    """One way of compression."""

    name: str
    suffix: str
    """End of the names of such files."""
    magic: bytes
    """First bytes of such files."""
    compressor: Callable[[], Compressor]
    decompressor: Callable[[], Decompressor] | None
    """`None` where the text stands as it is."""

    def may_begin(self, first: bytes) -> bool:
        """Whether a file with these first bytes, fewer where it is short, can be such a file."""
        return self.magic.startswith(first[: len(self.magic)])


PLAIN = Compression("plain text", ".jsonl", b"", _Plain, None)
GZIP = Compression("gzip", ".jsonl.gz", b"\x1f\x8b", _Gzip, lambda: zlib.decompressobj(GZIP_WBITS))
ZSTD = Compression(
    "zstd", ".jsonl.zst", b"\x28\xb5\x2f\xfd", _Zstd, lambda: zstandard.ZstdDecompressor().decompressobj()
)
MAGIC_BYTES = 4
DAMAGED = (zlib.error, zstandard.ZstdError)
"""What decompressors raise for bytes that no compressor wrote."""


def by_name(path: Path) -> Compression | None:
    """Return the compression that the name promises, None for a name that promises none."""
    ends = {".jsonl": PLAIN, ".gz": GZIP, ".zst": ZSTD}
    return ends.get(path.suffix)


def by_content(first: bytes) -> Compression:
    """Return the compression of a file that begins with *first*."""
    return next((way for way in (GZIP, ZSTD) if first and way.may_begin(first)), PLAIN)
