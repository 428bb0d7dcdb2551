"""Bytes of a recording in, lines out, as soon as they are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from pdwatch.record.compression import DAMAGED, MAGIC_BYTES, Compression, by_content, by_name
from pdwatch.record.errors import RecordingError
from pdwatch.record.notes import Notes

CHUNK_BYTES = 256 * 1024
PIECE_BYTES = 4096
"""Compressed bytes given to a decompressor at once: bounds what hostile ones can grow to."""
MAX_LINE_BYTES = 64 * 1024 * 1024
"""A page has at most 16 MiB unless configured, and JSON escapes add to it."""
TOO_LONG = f"longer than {MAX_LINE_BYTES // 1024**2} MiB; line skipped"


def text_chunks(stream: BinaryIO, name: str, notes: Notes, path: Path | None = None) -> Iterator[bytes]:
    """Yield the decompressed bytes of *stream*, each read returning what is there without waiting for more.

    Raises `RecordingError` where *path* promises another compression, or where no byte can be decompressed.
    """
    raw = _raw_chunks(stream)
    first = b""
    while len(first) < MAGIC_BYTES and (more := next(raw, b"")):
        first += more
    way = by_content(first)
    promised = by_name(path) if path is not None else None
    if promised not in (None, way) and first:
        raise RecordingError(f"{name} is {way.name}, not {promised.name}; rename it to end in {way.suffix}")
    return _decompressed(chain([first], raw), way, name, notes)


def lines_of(chunks: Iterable[bytes], notes: Notes) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number, text without the line break, and whether there was a line break, of each line that is not empty."""
    number, parts, held = 1, list[bytes](), 0
    for chunk in chunks:
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            if held + len(line) > MAX_LINE_BYTES:
                notes.add(TOO_LONG, number)
            elif parts or line:
                yield number, b"".join((*parts, line)), True
            number, parts, held = number + 1, [], 0
        held += len(rest)
        parts = [*parts, rest] if held <= MAX_LINE_BYTES else []
    if held > MAX_LINE_BYTES:
        notes.add(TOO_LONG, number)
    elif held:
        yield number, b"".join(parts), False


def _raw_chunks(stream: BinaryIO) -> Iterator[bytes]:
    read = getattr(stream, "read1", stream.read)
    while chunk := read(CHUNK_BYTES):
        yield chunk


def _decompressed(chunks: Iterable[bytes], way: Compression, name: str, notes: Notes) -> Iterator[bytes]:
    if way.decompressor is None:
        yield from chunks
        return
    decompressor, any_text = way.decompressor(), False
    try:
        for piece in _pieces(chunks):
            rest = piece
            while rest:
                if decompressor.eof:
                    decompressor = way.decompressor()
                text = decompressor.decompress(rest)
                any_text = any_text or bool(text)
                yield text
                rest = decompressor.unused_data.lstrip(b"\0") if decompressor.eof else b""
    except DAMAGED as error:
        if not any_text:
            raise RecordingError(f"{name} is damaged {way.name} ({error}); copy it again") from error
        notes.add(f"the {way.name} data is damaged ({error}); the rest of the file is left out")
        return
    if not decompressor.eof:
        notes.add(f"the {way.name} data ends early, as after a crash or while it is written; read up to there")


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE_BYTES):
            yield chunk[start : start + PIECE_BYTES]
