"""Single lines: what they become, and which are of no use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pdwatch.model.page import Scrape
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.record.codec import decode, encode
from pdwatch.record.errors import LineSkipped
from pdwatch.record.events import Header, LogLine, Tick


def _decoded(**record: Any) -> Any:
    return decode(json.dumps(record).encode())


def _scrape(**keys: Any) -> Scrape:
    scrape = _decoded(**{"kind": "scrape", "t": 5, "target": "w", "body": "", **keys})
    assert isinstance(scrape, Scrape)
    return scrape


def test_a_scrape_line_has_the_keys_of_the_format(target: Target) -> None:
    """A page is written with its target, its labels, its duration and its status."""
    line = json.loads(encode(Scrape(target, 100.5, 0.004, 200, "a 1\n")))

    assert {
        "kind": "scrape",
        "t": 100.5,
        "target": "decode-0",
        "labels": {"service": "r1", "role": "decode", "replica": "d0", "host": "node2", "zone": "a"},
        "url": "http://10.0.0.7:8087/metrics",
        "seconds": 0.004,
        "status": 200,
        "body": "a 1\n",
    } == line


def test_a_failed_scrape_has_its_error_and_no_body(target: Target) -> None:
    """Whoever reads it sees why there is no page."""
    line = json.loads(encode(Scrape(target, 100.5, 3.0, 503, error="503 scaling")))

    assert "503 scaling" == line["error"]
    assert 503 == line["status"]
    assert "body" not in line


def test_one_line_is_one_line(target: Target) -> None:
    """Line breaks, also the odd ones of Unicode, stay inside of the JSON."""
    line = encode(Scrape(target, 1.0, 0.0, 200, "a 1\r\n\u2028b 2\n\ud800"))

    assert 1 == len(line.decode().splitlines())
    assert "a 1\r\n\u2028b 2\n\ud800" == decode(line).body  # type: ignore[union-attr]


def test_what_a_scrape_line_does_not_say_is_left_open() -> None:
    """Name, time and page are enough."""
    scrape = _scrape(body="a 1\n")

    assert Target("recording://w/metrics", "w", source="recording") == scrape.target
    assert (5.0, 0.0, None, "a 1\n", None) == (scrape.at, scrape.seconds, scrape.status, scrape.body, scrape.error)


def test_a_page_with_another_status_than_200_is_a_failure() -> None:
    """The body of an error answer is no page."""
    scrape = _scrape(status=503, body="overloaded")

    assert None is scrape.body
    assert "503 instead of a page" == scrape.error


def test_an_error_wins_over_a_body() -> None:
    """A scrape has one outcome."""
    scrape = _scrape(error="reset", body="a 1")

    assert (None, "reset") == (scrape.body, scrape.error)


def test_header_tick_and_log_are_read() -> None:
    """The small kinds, with keys that are not known left aside."""
    assert Header(1, 4.5, {"window": "60s"}) == _decoded(
        kind="header", version=1, started=4.5, config={"window": "60s"}
    )
    assert Header(1) == _decoded(kind="header", version=1, colour="red")
    assert Tick(7.0) == _decoded(kind="tick", t=7)
    assert LogLine(7.5, "w", "hello") == _decoded(kind="log", t=7.5, target="w", line="hello")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"hello", "not JSON; line skipped"),
        (b"\xff\xfe\xff", "not JSON; line skipped"),
        (b"[" * 100_000, "not JSON; line skipped"),
        (b"[1]", "no object with a 'kind'; line skipped"),
        (b'{"t":1}', "no object with a 'kind'; line skipped"),
        (b'{"kind":7}', "no object with a 'kind'; line skipped"),
        (b'{"kind":"gpu"}', "kind 'gpu' skipped"),
        (b'{"kind":"' + b"\\u001b" + b"x" * 99 + b'"}', "kind '\\x1b" + "x" * 39 + "…' skipped"),
        (b'{"kind":"header"}', "header without a version; line skipped"),
        (b'{"kind":"tick"}', "tick without a number in 't'; line skipped"),
        (b'{"kind":"tick","t":"now"}', "tick without a number in 't'; line skipped"),
        (b'{"kind":"tick","t":true}', "tick without a number in 't'; line skipped"),
        (b'{"kind":"tick","t":NaN}', "tick without a number in 't'; line skipped"),
        (b'{"kind":"tick","t":1' + b"0" * 400 + b"}", "tick without a number in 't'; line skipped"),
        (b'{"kind":"scrape","t":1,"body":""}', "no name in 'target'; line skipped"),
        (b'{"kind":"scrape","t":1,"target":"w","labels":[1],"body":""}', "'labels' is no object; line skipped"),
        (b'{"kind":"scrape","t":1,"target":"w"}', "scrape with neither 'body' nor 'error'; line skipped"),
        (b'{"kind":"log","t":1,"target":"w"}', "log without text in 'target' and 'line'; line skipped"),
    ],
)
def test_a_line_of_no_use_says_why(line: bytes, reason: str) -> None:
    """Each is skipped with one reason, short and printable."""
    with pytest.raises(LineSkipped) as skipped:
        decode(line)

    assert reason == str(skipped.value)


def test_a_declared_role_is_declared() -> None:
    """A role label is the word of whoever made the recording."""
    declared = _scrape(labels={"role": "Prefill"}).target

    assert (Role.PREFILL, RoleSource.DECLARED) == (declared.role, declared.role_source)


@pytest.mark.parametrize("labels", [{}, {"role": ""}, {"role": "unknown"}, {"role": "warmup"}, {"role": None}])
def test_without_a_role_none_is_declared(labels: dict[str, Any]) -> None:
    """A word that is no role is no role."""
    target = _scrape(labels=labels).target

    assert (Role.UNKNOWN, RoleSource.NONE) == (target.role, target.role_source)


def test_a_role_that_was_found_out_stays_so(target: Target) -> None:
    """A role learnt from a router is not declared on replay."""
    learnt = Target(target.url, "w", role=Role.DECODE, role_source=RoleSource.ROUTER)

    assert RoleSource.ROUTER is decode(encode(Scrape(learnt, 1.0, 0.0, body=""))).target.role_source  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("keys", "url"),
    [
        ({"url": "https://node1:8443/m"}, "https://node1:8443/m"),
        ({"labels": {"__address__": "node1:8087"}}, "http://node1:8087/metrics"),
        (
            {"labels": {"__address__": "node1", "__scheme__": "https", "__metrics_path__": "/m"}},
            "https://node1/m",
        ),
        ({"labels": {"__address__": "node1:port"}}, "recording://w/metrics"),
        ({"target": "10.0.0.1:8087"}, "recording://10.0.0.1:8087/metrics"),
        ({"target": "a b/c"}, "recording://a%20b%2Fc/metrics"),
        ({"labels": {"service": "r1"}}, "recording://w/metrics?service=r1"),
    ],
)
def test_the_url_is_recorded_or_made_of_the_name(keys: dict[str, Any], url: str) -> None:
    """A target keeps one URL through a recording, and two services may use the same names."""
    assert url == _scrape(**keys).target.url


def test_labels_that_are_numbers_are_text() -> None:
    """Recordings written by hand say `"replica": 0`."""
    target = _scrape(labels={"replica": 0, "host": None, "rack": 7}).target

    assert ("0", None, {"rack": "7"}) == (target.replica, target.host, dict(target.labels))


def test_equal_targets_of_a_recording_are_one_object() -> None:
    """Ten thousand scrapes of a worker do not hold ten thousand targets."""
    assert _scrape(labels={"role": "decode"}).target is _scrape(labels={"role": "decode"}).target
