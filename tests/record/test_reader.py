"""Whole recordings: what is read of good, torn and foreign ones."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import zstandard

from pdwatch.record import streams
from pdwatch.record.errors import RecordingError
from pdwatch.record.events import Event, Header, LogLine, Tick
from pdwatch.record.notes import MAX_REASONS, Notes
from pdwatch.record.reader import read
from pdwatch.record.rounds import Round, rounds

HEADER = {"kind": "header", "version": 1, "started": 1.0}
TICK = {"kind": "tick", "t": 5.0}
LINES = b'{"kind":"header","version":1}\n{"kind":"tick","t":5}\n'

ReadLines = Callable[..., tuple[list[Event], list[str]]]


def _refused(source: Path | BytesIO) -> str:
    with pytest.raises(RecordingError) as error:
        list(read(source))
    return str(error.value)


def test_a_good_recording_is_read_without_a_word(read_lines: ReadLines) -> None:
    """Nothing skipped, nothing said; empty lines and other line ends do not matter."""
    events, notes = read_lines(json.dumps(HEADER).encode() + b"\r", b"", TICK, b"  ")

    assert [Header(1, 1.0), Tick(5.0)] == events
    assert ["line 4: not JSON; line skipped"] == notes


def test_what_is_skipped_is_said_once_with_its_first_line(read_lines: ReadLines) -> None:
    """A kind of a later version does not hide the rest."""
    gpu = {"kind": "gpu", "t": 1}
    events, notes = read_lines(HEADER, gpu, TICK, gpu, gpu, {"kind": "tick"}, TICK)

    assert [Header(1, 1.0), Tick(5.0), Tick(5.0)] == events
    assert ["line 2 and 2 more: kind 'gpu' skipped", "line 6: tick without a number in 't'; line skipped"] == notes


def test_a_missing_header_is_said(read_lines: ReadLines) -> None:
    """Tail of a recording, cut by hand: readable."""
    events, notes = read_lines(TICK, TICK)

    assert [Tick(5.0), Tick(5.0)] == events
    assert ["line 1: the header is missing; read as version 1"] == notes


def test_a_byte_order_mark_is_no_obstacle(read_lines: ReadLines) -> None:
    """Some editors write one."""
    events, _ = read_lines(b'\xef\xbb\xbf{"kind":"tick","t":5}')

    assert [Tick(5.0)] == events


def test_a_newer_version_is_refused() -> None:
    """Half understood is worse than refused."""
    text = BytesIO(b'{"kind":"header","version":2,"epoch":"x"}\n' + LINES)

    assert "the stream: line 1: version 2 of the format is newer than 1; update pdwatch" == _refused(text)


def test_a_torn_last_line_is_skipped() -> None:
    """As a crash or a copy under way leaves it."""
    notes = Notes()
    events = list(read(BytesIO(LINES + b'{"kind":"tick","t":1'), notes))

    assert [Header(1), Tick(5.0)] == events
    assert ["line 3: torn, as after a crash or while it is written; line skipped"] == notes.lines()


def test_a_last_line_without_its_line_break_counts() -> None:
    """Written by hand, it is complete."""
    assert [Header(1), Tick(5.0)] == list(read(BytesIO(LINES.rstrip())))


def test_an_endless_line_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by the longest line that is taken."""
    monkeypatch.setattr(streams, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(streams, "CHUNK_BYTES", 64)
    notes = Notes()
    events = list(read(BytesIO(LINES + b"x" * 1000 + b"\n" + LINES + b"y" * 1000), notes))

    assert 2 * [Header(1), Tick(5.0)] == events
    assert [f"line 3 and 1 more: {streams.TOO_LONG}"] == notes.lines()


@pytest.mark.parametrize("text", [b"hello\n", b"\x89PNG\r\n\x1a\n\0\0", b"[1, 2]\n" * 100, b"# HELP a b\na 1\n"])
def test_another_kind_of_file_is_refused(text: bytes) -> None:
    """A picture or a page is no recording."""
    assert _refused(BytesIO(text)).startswith("the stream is not a recording: line 1")


def test_a_long_file_of_another_kind_is_not_read_to_its_end() -> None:
    """Twenty lines without any sign are enough."""
    stream = BytesIO(b"hello\n" * 1_000_000)
    _refused(stream)

    assert stream.tell() < 1_000_000


def test_an_empty_file_has_no_events() -> None:
    """A recorder that has just been started."""
    notes = Notes()

    assert [] == list(read(BytesIO(), notes))
    assert ["no complete line in it"] == notes.lines()


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    """File, reason, mend."""
    path = tmp_path / "gone.jsonl"

    assert f"{path}: No such file or directory; name a file that can be read" == _refused(path)
    assert f"{tmp_path}: Is a directory; name a file that can be read" == _refused(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl.gz", LINES, "is plain text, not gzip; rename it to end in .jsonl"),
        ("a.jsonl.zst", gzip.compress(LINES), "is gzip, not zstd; rename it to end in .jsonl.gz"),
        ("a.jsonl", zstandard.compress(LINES), "is zstd, not plain text; rename it to end in .jsonl.zst"),
    ],
)
def test_a_name_that_promises_another_compression_is_refused(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    """Other programs go by the name too."""
    path = tmp_path / name
    path.write_bytes(content)

    assert f"{path} {says}" == _refused(path)


@pytest.mark.parametrize("content", [LINES, gzip.compress(LINES), zstandard.compress(LINES)])
def test_a_name_that_promises_nothing_is_told_by_its_content(tmp_path: Path, content: bytes) -> None:
    """As is a stream, which has no name."""
    path = tmp_path / "incident"
    path.write_bytes(content)

    assert [Header(1), Tick(5.0)] == list(read(path))
    assert [Header(1), Tick(5.0)] == list(read(BytesIO(content)))


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_joined_files_are_read_one_after_the_other(compress: Callable[[bytes], bytes]) -> None:
    """`cat a.jsonl.gz b.jsonl.gz` is a recording, also with the zeros that tapes append."""
    content = compress(LINES) + compress(LINES) + bytes(100)

    assert 2 * [Header(1), Tick(5.0)] == list(read(BytesIO(content)))


def test_damaged_data_gives_what_stands_before_it() -> None:
    """A flipped bit costs the rest of the file, and this is said."""
    content = gzip.compress(LINES) + b"\x1f\x8b" + b"\xff" * 50
    notes = Notes()

    assert [Header(1), Tick(5.0)] == list(read(BytesIO(content), notes))
    assert 1 == len(notes.lines())
    assert "the gzip data is damaged" in notes.lines()[0]


def test_data_damaged_from_the_start_is_refused() -> None:
    """There is nothing to give."""
    assert "the stream is damaged gzip" in _refused(BytesIO(b"\x1f\x8b" + b"\xff" * 50))


def test_a_small_file_that_grows_without_bound_is_read_in_pieces() -> None:
    """Decompressed text is handed on long before all of it is there."""
    bomb = zstandard.compress(bytes(200 * 1024 * 1024))
    chunks = streams.text_chunks(BytesIO(bomb), "bomb", Notes())
    largest = max(len(chunk) for chunk in chunks)

    assert largest <= 2 * streams.PIECE_BYTES // 4 * 128 * 1024


def test_notes_do_not_grow_without_bound(read_lines: ReadLines) -> None:
    """A file of ten thousand kinds is not ten thousand lines on the screen."""
    _, notes = read_lines(HEADER, *({"kind": f"k{number}"} for number in range(10_000)))

    assert MAX_REASONS + 1 == len(notes)
    assert f"line {MAX_REASONS + 2} and {10_000 - MAX_REASONS - 1} more: skipped for further reasons" == notes[-1]


def test_notes_are_told_as_they_come() -> None:
    """Whoever watches a stream hears of a reason once, when it comes up."""
    told: list[str] = []
    notes = Notes(told.append)
    list(read(BytesIO(LINES + b'{"kind":"gpu"}\n' * 3), notes))

    assert ["line 3: kind 'gpu' skipped"] == told
    assert 3 == notes.count


def test_each_line_of_standard_input_is_answered_at_once() -> None:
    """The next line is written only after the answer to the one before: no read-ahead, no waiting."""
    code = (
        "from pdwatch.record.reader import read; from pdwatch.record.rounds import rounds\n"
        "for collection in rounds(read('-')): print(collection.t, flush=True)"
    )
    answers = []
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(json.dumps({"kind": "tick", "t": number}).encode() + b"\n")
            process.stdin.flush()
            answers.append(process.stdout.readline())
        process.stdin.close()

    assert [b"0.0\n", b"1.0\n", b"2.0\n"] == answers
    assert 0 == process.returncode


def test_a_round_is_what_stands_between_two_ticks(some_events: list[Event]) -> None:
    """The header comes with the first round."""
    first, log, tick, second, end = some_events
    header = Header(1, 100.0)

    assert [Round(105.0, (first,), (log,), header), Round(110.0, (second,))] == list(  # type: ignore[arg-type]
        rounds([header, first, log, tick, second, end])
    )


def test_a_header_ends_an_unfinished_round() -> None:
    """In joined files, the last events of one recording are no part of the next."""
    notes = Notes()
    joined = [Header(1), Tick(5.0), LogLine(6.0, "w", "a"), Header(1, 9.0), LogLine(9.5, "w", "b"), Tick(10.0)]

    assert [Round(5.0, header=Header(1)), Round(10.0, (), (LogLine(9.5, "w", "b"),), Header(1, 9.0))] == list(
        rounds(joined, notes)
    )
    assert ["no tick closes 1 of the events; they are left out"] == notes.lines()


def test_events_without_a_tick_make_no_round() -> None:
    """The last collection was under way, and this is said."""
    notes = Notes()

    assert [Round(5.0)] == list(rounds([Tick(5.0), LogLine(6.0, "w", "a"), LogLine(6.0, "w", "b")], notes))
    assert ["no tick closes 2 of the events; they are left out"] == notes.lines()
