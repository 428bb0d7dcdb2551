"""Chunks of bytes become lines."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from pdwatch.host.logs.lines import LineSplitter

LIMIT = 8


def split(chunks: list[bytes], limit: int = LIMIT) -> list[str]:
    splitter = LineSplitter(limit)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    return lines + splitter.flush()


@given(st.binary() | st.text("aé€😀\n\r").map(str.encode), st.lists(st.integers(0, 60)))
@example(b"\xe2\x82\n" * 4, [1, 2, 3])
def test_chunks_make_no_difference(data: bytes, cuts: list[int]) -> None:
    """However the bytes arrive, the lines are those of the whole."""
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    chunks = [data[start:stop] for start, stop in pairwise(edges)]

    assert split([data]) == split(chunks)


@given(st.lists(st.text("abc é€", max_size=3)))
def test_lines_come_out_as_they_went_in(lines: list[str]) -> None:
    """Short lines are untouched."""
    assert lines == split(["".join(f"{line}\n" for line in lines).encode()], 64)


def test_a_long_line_is_cut() -> None:
    """Ten megabytes without a newline keep no more than the limit, and the next line is whole."""
    splitter = LineSplitter()
    for _ in range(160):
        assert [] == splitter.feed(b"x" * 65536)

    assert ["x" * 65536, "next"] == splitter.feed(b"\nnext\n")


def test_invalid_bytes_are_replaced_and_carriage_returns_go() -> None:
    """A log may hold anything."""
    assert ["a\ufffdb", "c"] == split([b"a\xffb\r\nc\r\n"])
