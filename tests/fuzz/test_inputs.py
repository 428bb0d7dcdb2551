"""Whatever comes in, a page, a log line, a recording, a configuration, a command line: only declared errors go out."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdwatch.cli.errors import UsageError
from pdwatch.cli.parser import parse
from pdwatch.config.errors import ConfigError
from pdwatch.config.groups import groups_from_json, groups_from_yaml
from pdwatch.discover.groups import found_in
from pdwatch.host.logs.parse import parse_line
from pdwatch.model.encode import dumps
from pdwatch.model.page import Scrape
from pdwatch.model.target import Target
from pdwatch.record.errors import RecordingError
from pdwatch.record.reader import read
from pdwatch.road.road import Road, RoadSettings

EXAMPLES = int(os.environ.get("FUZZ", "60"))
FUZZ = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""`FUZZ=5000 pytest tests/fuzz` tries so many examples of each kind, at random."""
PAGES = [
    path.read_text(encoding="utf-8")[:6000]
    for path in sorted((Path(__file__).parent.parent / "pages").rglob("*.txt"))[::6]
]
NUMBERS = st.sampled_from(["NaN", "-Inf", "1e309", "-5", "0", "1_0", "", " ", "9" * 400, "0x1", "1e-400", "# {} 1"])
PIECES = st.one_of(
    st.text(max_size=4),
    NUMBERS,
    st.sampled_from(
        ["\n", "{", "}", '"', "\\", ",", "=", "# TYPE ", "# EOF\n", "\r", "\x00", "\ud800", "_bucket", 'le="x"']
    ),
)
CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), PIECES), max_size=6)


def mutated(text: str, cuts: list[tuple[float, int, str]]) -> str:
    """Return *text* with pieces in place of parts of it."""
    for place, length, piece in cuts:
        start = int(place * len(text))
        text = text[:start] + piece + text[start + length :]
    return text


def require_one_line(error: Exception) -> None:
    """Hold that what people are told is one line."""
    assert 1 == len(str(error).splitlines())


@FUZZ
@given(st.sampled_from(PAGES), st.lists(CUTS, min_size=1, max_size=3))
def test_pages(page: str, rounds: list[list[tuple[float, int, str]]]) -> None:
    """Pages that are torn anywhere go down the whole road to JSON; a healthy worker beside them stays."""
    road = Road(RoadSettings())
    for number, cuts in enumerate(rounds):
        at = 1000.0 + 5 * number
        road.observe(Scrape(Target("http://a/metrics", "a"), at, 0.1, 200, mutated(page, cuts)))
        road.observe(Scrape(Target("http://b/metrics", "b"), at, 0.1, 200, 'vllm:num_requests_running{engine="0"} 1\n'))
        snapshot = road.tick(at + 1)
        json.loads(dumps(snapshot))

        assert next(w.up for w in snapshot.services["default"].workers if w.worker == "b")


LOGS = [
    "(Engine pid=7) INFO 11-21 10:00:00 [loggers.py:1] Engine 000: Avg prompt throughput: 1.0 tokens/s, Running: 1",
    "INFO 11-21 10:00:00 [metrics.py:1] KV Transfer metrics: Num successful transfers=5, Avg xfer time (ms)=1.5",
    "ERROR 11-21 10:00:00 [nixl_connector.py:1] NIXL transfer failed for request cmpl-1",
    "EPLB step: 2999 for model m: avg_tokens=1.0, max_tokens=2, balancedness=0.5",
]


@FUZZ
@given(st.sampled_from(LOGS), CUTS)
def test_log_lines(line: str, cuts: list[tuple[float, int, str]]) -> None:
    """A line of a log is an event or none."""
    parse_line(mutated(line, cuts))


RECORDING = b"".join(
    json.dumps(line).encode() + b"\n"
    for line in (
        {"kind": "header", "version": 1, "started": 1.0, "config": {"window": "60s"}},
        {
            "kind": "scrape",
            "t": 1.0,
            "target": "w",
            "labels": {"role": "prefill"},
            "url": "http://a/metrics",
            "body": "x 1\n",
        },
        {"kind": "scrape", "t": 1.0, "target": "v", "labels": {}, "error": "timed out"},
        {"kind": "tick", "t": 2.0},
    )
)
BYTES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), st.binary(max_size=6)), max_size=6)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@FUZZ
@given(cuts=BYTES)
def test_recordings(packed: bool, cuts: list[tuple[float, int, bytes]]) -> None:
    """A recording that is torn anywhere is read as far as it goes, or refused; what is read can be judged."""
    content = gzip.compress(RECORDING) if packed else RECORDING
    for place, length, piece in cuts:
        start = int(place * len(content))
        content = content[:start] + piece + content[start + length :]
    road = Road(RoadSettings())
    try:
        for event in read(io.BytesIO(content)):
            if isinstance(event, Scrape):
                road.observe(event)
    except RecordingError as error:
        require_one_line(error)
    dumps(road.tick(2.0))


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("10.0.0.1:80")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["targets", "labels", "role", "__scheme__"]), st.text(max_size=3)), inner
        ),
    ),
    max_leaves=8,
)


@FUZZ
@given(st.one_of(VALUES.map(json.dumps), st.text(max_size=60)), st.booleans())
def test_target_files(text: str, as_json: bool) -> None:
    """Lists of targets, from files and over HTTP, are targets or one line."""
    try:
        found_in((groups_from_json if as_json else groups_from_yaml)(text, "targets"), "targets")
    except ConfigError as error:
        require_one_line(error)


WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            ["serve", "check", "top", "replay", "record", "--prefill", "--interval", "--for", "--", "-", "--x", "="]
        ),
        st.text(max_size=6),
    ),
    max_size=6,
)


@FUZZ
@given(WORDS)
def test_command_lines(words: list[str]) -> None:
    """Arguments are a call, an end after help, or one line of usage."""
    try:
        parse(words)
    except UsageError as error:
        require_one_line(error)
    except SystemExit as end:
        if end.code:
            raise
