"""What is written is what is read, whole or cut."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdwatch.model.page import Scrape
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.record.events import Event, Header, LogLine, Tick
from pdwatch.record.reader import read

Record = Callable[[Path, list[Event]], None]

times = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(max_size=20)
names = st.text(min_size=1, max_size=20)
statuses = st.one_of(st.none(), st.just(200))
hosts = st.sampled_from(["node0:8087", "[::1]:8087", "10.0.0.1"])
sources = {role: [source for source in RoleSource if source is not RoleSource.NONE] for role in Role}
sources[Role.UNKNOWN] = [RoleSource.NONE]
placed = st.sampled_from([(role, source) for role in Role for source in sources[role]])
field_names = {"service", "role", "replica", "host", "worker"}


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """Any target that discovery can find."""
    role, source = draw(placed)
    return Target(
        url=f"http://{draw(hosts)}/metrics",
        worker=draw(names),
        service=draw(names),
        role=role,
        role_source=source,
        replica=draw(text),
        host=draw(st.none() | names),
        labels=draw(st.dictionaries(names.filter(lambda name: name not in field_names), text, max_size=3)),
        source="recording",
    )


pages = st.builds(Scrape, targets(), times, times, statuses, st.text(max_size=200), content_type=text)
failures = st.builds(Scrape, targets(), times, times, st.none() | st.integers(100, 599), error=names)
events = st.lists(pages | failures | st.builds(LogLine, times, names, text) | st.builds(Tick, times), max_size=12)


def _bytes(written: list[Event], suffix: str, record: Record) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"fleet{suffix}"
        record(path, written)
        return path.read_bytes()


@given(written=events)
@settings(deadline=None, max_examples=60)
@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_events_come_back_equal(suffix: str, record: Record, written: list[Event]) -> None:
    """Any sequence of events, in every compression."""
    assert [Header(1, 100.0), *written] == list(read(BytesIO(_bytes(written, suffix, record))))


@given(written=events, share=st.floats(0, 1))
@settings(deadline=None, max_examples=60)
@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_cut_recording_is_the_beginning_of_the_whole(
    suffix: str, record: Record, written: list[Event], share: float
) -> None:
    """A copy that stopped anywhere is read without an error."""
    whole = _bytes(written, suffix, record)
    found = list(read(BytesIO(whole[: int(share * len(whole))])))

    assert [Header(1, 100.0), *written][: len(found)] == found


def test_each_byte_can_be_the_last(tmp_path: Path, suffix: str, record: Record, some_events: list[Event]) -> None:
    """Every cut of one recording, by its name as well."""
    path, cut = tmp_path / f"fleet{suffix}", tmp_path / f"cut{suffix}"
    record(path, some_events)
    whole = path.read_bytes()
    counts = []
    for size in range(len(whole) + 1):
        cut.write_bytes(whole[:size])
        found = list(read(cut))
        assert [Header(1, 100.0), *some_events][: len(found)] == found
        counts.append(len(found))

    assert sorted(counts) == counts
    assert len(some_events) + 1 == counts[-1]
