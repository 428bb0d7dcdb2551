"""What a pattern matches is never written; what is written replays as before."""

from __future__ import annotations

import json
import re

import pytest

from pdwatch.engines import read, wants
from pdwatch.model.page import Scrape
from pdwatch.model.target import Role, Target
from pdwatch.record.events import Advised, Header, LogLine, Tick
from pdwatch.record.reader import read as recorded
from pdwatch.record.recorder import Recorder
from pdwatch.record.redaction import Redaction
from pdwatch.scrape.exposition import PageParser

PAGE = """# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",model_name="acme/secret-70b",le="10.0"} 3
vllm:time_to_first_token_seconds_bucket{engine="0",model_name="acme/secret-70b",le="+Inf"} 3
vllm:num_requests_running{engine="0",model_name="acme/secret-70b"} 10
vllm:num_requests_running{engine="1",model_name="acme/secret-70b \\"x\\""} 7
"""
TARGET = Target(
    "http://10.0.0.7:8000/acme/metrics",
    "acme-prefill-0",
    service="acme",
    role=Role.PREFILL,
    replica="acme-0",
    host="node.acme.example",
    labels={"team": "acme"},
)
EVENTS = (
    Header(started=1.0, config={"window": "60s", "services": {"acme": {"connector": "nixl"}}}),
    Scrape(TARGET, 1.0, 0.1, 200, PAGE),
    Scrape(TARGET, 1.0, 0.1, None, None, "redirects to http://acme.example/"),
    LogLine(1.0, "acme-prefill-0", "serving acme/secret-70b"),
    Advised(1.0, "acme", {"reason": "acme is small", "prefill": {"current": 10}, "names": ["acme-1"]}),
    Tick(2.0),
)


def test_nothing_that_matches_is_written(tmp_path):
    """Neither on pages nor beside them, in no event; addresses, too."""
    path = tmp_path / "fleet.jsonl"
    with Recorder(path, 1.0, EVENTS[0].config, redaction=Redaction(r"acme|10\.0\.0\.\d+|secret-\w+")) as recorder:
        for scrape in EVENTS[1:3]:
            recorder.scrape(scrape)
        recorder.log(1.0, EVENTS[3].target, EVENTS[3].line)
        recorder.tick(2.0)
    text = path.read_text(encoding="utf-8")

    assert None is re.search(r"acme|10\.0\.0|secret", text)
    assert 5 == len(list(recorded(path)))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_kind_of_event_is_cleaned(event):
    """None of its texts says a name."""
    assert "acme" not in repr(Redaction("acme").event(event))


def test_a_redacted_page_reads_as_before():
    """Engines, numbers and the bounds of buckets are the same; equal values get equal pseudonyms."""
    redacted = Redaction(r"acme/[\w-]+|10").page(PAGE)
    before, after = (read(PageParser(wants).parse(page), 1.0) for page in (PAGE, redacted))
    models = set(re.findall(r'model_name="([^"\\]*)', redacted))

    assert [engine.values for engine in before.engines] == [engine.values for engine in after.engines]
    assert 'le="10.0"' in redacted
    assert 2 == len(models)
    assert all(re.match("x[0-9a-f]{8}", model) for model in models)


def test_the_address_stays_one():
    """Scheme, port and path keep their places; the role is what it was."""
    event = Redaction("acme|10[.0-9]+").event(EVENTS[1])

    assert re.fullmatch(r"http://x[0-9a-f]{8}:8000/x[0-9a-f]{8}/metrics", event.target.url)
    assert Role.PREFILL is event.target.role
    assert {"current": 10} == Redaction("acme").event(EVENTS[4]).decision["prefill"]


def test_two_recordings_have_no_pseudonym_in_common():
    """Nobody finds a name by trying those that he knows."""
    assert Redaction("acme").text("acme") != Redaction("acme").text("acme")


@pytest.mark.parametrize(("pattern", "words"), [("(", "no regular expression"), ("a*", "matches the empty text")])
def test_a_pattern_that_cannot_be_used(pattern, words):
    """It is refused with the reason."""
    with pytest.raises(ValueError, match=words):
        Redaction(pattern)


def test_values_that_are_no_text_stay():
    """Numbers of a decision are numbers."""
    assert '{"a": [1, null, true]}' == json.dumps(
        Redaction("x").event(Advised(1.0, "s", {"a": [1, None, True]})).decision
    )
