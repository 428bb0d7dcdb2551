"""Names from outside that want to be something else stay text on every face: metrics, page, JSON, terminal, stderr."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as exposition

pytestmark = pytest.mark.live

EVIL = "</script><img src=x onerror=alert(1)>\"'&\\\n\x1b]0;owned\x07\x1b[2J\r\u202e\u2028${x}{{7*7}}%s"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]")
TAGS = {"script", "img", "iframe", "object", "embed", "form", "svg"}


class Elements(HTMLParser):
    """The elements and the names of the attributes of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Take note of one element."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture(scope="module")
def serve(serve_of, write, hostile):
    """pdwatch on workers whose every label is evil, one of them down, and whose page is evil too."""
    labels = {name: f"{name}{EVIL}" for name in ("service", "worker", "replica", "host", "rack")}
    groups = [
        {"targets": [f"{hostile}/evil/metrics"], "labels": {**labels, "role": "prefill"}},
        {"targets": [f"{hostile}/html/metrics"], "labels": {**labels, "worker": f"down{EVIL}", "role": "decode"}},
        {"targets": [f"{hostile}/404/metrics"], "labels": {**labels, "worker": "odd-role", "role": EVIL}},
    ]
    httpx.put(f"{hostile}/-/evil,html", trust_env=False).raise_for_status()
    targets = write(json.dumps(groups))
    targets = targets.rename(targets.with_suffix(".json"))
    serve = serve_of("--config", str(write({"discovery": [{"file": {"paths": [str(targets)]}}]})))
    serve.wait_for(lambda one: one["self"]["up"] >= 2 and any(s["findings"] for s in one["services"].values()), "both")
    return serve


@pytest.mark.parametrize(
    ("accept", "families"), [("text/plain", exposition), ("application/openmetrics-text;version=1.0.0", openmetrics)]
)
def test_exposition(serve, accept, families):
    """Both dialects are read back by the reference parser, with the very names; control characters are replaced."""
    page = serve.client.get("/metrics", headers={"Accept": accept}).text
    values = {value for family in families(page) for sample in family.samples for value in sample.labels.values()}

    told = re.sub(r"[\x00-\x09\x0b-\x1f]", "\ufffd", EVIL)

    assert {f"service{told}", f"worker{told}", f"down{told}"} <= values


def test_the_page_for_people(serve):
    """No element and no handler comes from a name; the policy would not let one run; nothing moves a cursor."""
    answer = serve.client.get("/")
    found = Elements(answer.text)

    assert "owned" in answer.text
    assert set() == found.tags & TAGS
    assert not any(name.startswith("on") for name in found.attributes)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_json(serve):
    """Snapshot, history, stream and list of targets are JSON; an event of the stream is one line."""
    snapshot = serve.client.get("/api/v1/snapshot").json()
    history = [json.loads(line) for line in serve.client.get("/api/v1/history").text.split("\n") if line]
    groups = serve.client.get("/sd/workers").json()

    assert f"service{EVIL}" in snapshot["services"]
    assert f"service{EVIL}" in history[-1]["services"]
    assert f"worker{EVIL}" in {group["labels"]["worker"] for group in groups}
    assert f"service{EVIL}" in serve.snapshots[-1]["services"]


@pytest.mark.parametrize(
    "command", [("check",), ("check", "--format", "json"), ("top", "--once"), ("top", "--once", "--format", "csv")]
)
def test_terminal(serve, pdwatch, command):
    """Nothing that a person reads, or pipes, has a control character in it."""
    program = pdwatch(*command, "--connect", serve.url)
    program.wait()

    assert any("owned" in line or "u001b]0;owned" in line for line in program.out)
    assert [] == [line for line in (*program.out, *program.err) if CONTROL.search(line.rstrip("\n"))]


def test_narration(serve):
    """What the daemon tells on standard error is plain lines."""
    assert any("owned" in line for line in serve.program.err)
    assert [] == [line for line in serve.program.err if CONTROL.search(line.rstrip("\n"))]
