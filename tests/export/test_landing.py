"""The page for people at `/`."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser

import pytest

from pdwatch.export import words
from pdwatch.export.landing import HEADERS, landing_page
from pdwatch.model.judgement import Action, Advice, Replicas
from pdwatch.model.snapshot import SelfState, Snapshot
from pdwatch.model.target import Role

VOID = {"meta", "link", "br"}


class Outline(HTMLParser):
    """Checks that elements nest, and keeps what they are and hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        self.text += "" if self.open and self.open[-1] == "style" else data

    def names(self) -> set[str]:
        return {name for name, _ in self.elements}


def text_of(page: str) -> str:
    return " ".join(Outline(page).text.split())


def at(page: str, *texts: str) -> list[int]:
    """Where each text first stands on the page."""
    return [text_of(page).index(text) for text in texts]


def test_the_verdict_comes_first_then_findings_then_numbers(fleet):
    """What to do is read before why, and why before the tables."""
    places = at(
        landing_page(fleet, fleet.t),
        "deepseek-r1",
        "Scale decode",
        "Decode is out of KV cache on 3 of 4 engines.",
        "Replicas: prefill 2, decode 2 → 3",
        "Findings",
        "Pools",
        "Workers",
    )

    assert sorted(places) == places


def test_findings_stand_most_severe_first_each_with_its_fix(fleet):
    """The critical one is met before the warning, though it began later."""
    places = at(
        landing_page(fleet, fleet.t),
        "Critical: decode-1 refuses connections.",
        "What to do: Start it again.",
        "Warning: Decode engines have 96 % of their KV cache in use.",
        "What to do: Add decode replicas.",
    )

    assert sorted(places) == places


def test_a_service_without_findings_says_so(bare):
    """Silence is said in words and not by a hole."""
    text = text_of(landing_page(bare, bare.t))

    assert "Nothing wrong found." in text
    assert "Findings" not in text


def test_a_hold_without_findings_is_good_news(fleet):
    """The colour of the verdict is that of the worst finding, or good when there is nothing to do."""
    service = fleet.services["deepseek-r1"]
    hold = Advice(Action.HOLD, Replicas(2, 2), Replicas(2, 2), 0.9, fleet.t, "Both pools have room.")
    calm = replace(fleet, services={"deepseek-r1": replace(service, findings=(), advice=hold)})

    def tone(snapshot):
        elements = Outline(landing_page(snapshot, fleet.t)).elements
        return next(attributes["class"] for _, attributes in elements if "verdict" in (attributes.get("class") or ""))

    assert ("verdict critical", "verdict good") == (tone(fleet), tone(calm))


def test_workers_that_are_down_stand_first_with_their_error(fleet):
    """What needs a hand is not searched for among hundreds; old values are dashes."""
    rows = re.findall(r"<tr><th scope=\"row\">(decode-\d|prefill-\d)</th>(.*?)</tr>", landing_page(fleet, fleet.t))

    assert ["decode-1", "prefill-0", "prefill-1", "decode-0"] == [name for name, _ in rows]
    assert "down: connection refused" in rows[0][1]
    assert rows[0][1].endswith("<td>–</td><td>–</td><td>–</td>")


def test_what_is_unknown_is_a_dash(bare):
    """No number is made up for a worker that never answered."""
    page = landing_page(bare, bare.t)

    assert "<td>–</td>" in page
    assert "None" not in text_of(page)
    assert "nan" not in text_of(page)


def test_before_the_first_look(site):
    """The page is there from the start and says that it will look again."""
    answer = site.client.get("/")

    assert 200 == answer.status_code
    assert "Waiting for the first look." in answer.text
    assert '<meta http-equiv="refresh"' in answer.text


def test_without_workers_it_says_what_to_do():
    """An empty fleet is answered with the way to fill it, and with what went wrong in finding it."""
    errors = {"http://router:8123/workers": "timed out after 3s"}
    text = text_of(landing_page(Snapshot(1.0, {}, {}, SelfState(0, 0, 0, discovery_errors=errors)), 1.0))

    assert "No workers known." in text
    assert "pdwatch serve --prefill URL --decode URL" in text
    assert "http://router:8123/workers: timed out after 3s" in text


def test_a_shard_says_which_it_is_and_that_it_has_no_service():
    """Whoever opens the wrong one learns that the services are elsewhere, and what it could not find."""
    state = SelfState(0, 0, 0, shard="2/2", services_elsewhere=3)
    text = text_of(landing_page(Snapshot(1.0, {}, {}, state), 1.0))
    failing = replace(state, discovery_errors={"targets": "no such file"})

    assert "Nothing to watch: none of the 3 services falls to shard 2/2." in text
    assert "shard 2/2" in text.rpartition("pdwatch ")[2]
    assert "--prefill" not in text
    assert "targets: no such file" in text_of(landing_page(Snapshot(1.0, {}, {}, failing), 1.0))


def test_everything_from_outside_is_escaped(fleet, with_workers, make_worker):
    """A worker cannot put markup on the page, whatever it calls itself."""
    evil = "<img src=x onerror=alert(1)>\"'&"
    service = fleet.services["deepseek-r1"]
    findings = tuple(replace(each, summary=evil, fix=evil, scope={"worker": evil}) for each in service.findings)
    worker = replace(make_worker("decode-0", Role.DECODE), worker=evil, version=evil, error=evil, up=False)
    advice = replace(service.advice, reason=evil)
    strange = replace(service, service=evil, findings=findings, workers=(worker,), advice=advice)
    page = landing_page(replace(fleet, services={evil: strange}), fleet.t)

    assert "img" not in Outline(page).names()
    assert evil in unescape(text_of(page))


@pytest.mark.parametrize("which", ["fleet", "bare"])
def test_the_page_is_well_formed_and_loads_nothing(which, request):
    """Elements nest, there is no script, and every link stays on the server."""
    snapshot = request.getfixturevalue(which)
    outline = Outline(landing_page(snapshot, snapshot.t))
    links = {value for _, attributes in outline.elements for key, value in attributes.items() if key in ("href", "src")}

    assert [] == outline.open
    assert not {"script", "img", "iframe", "form"} & outline.names()
    assert {"metrics", "api/v1/snapshot", "sd/workers", "data:,"} == links
    assert not [attributes for _, attributes in outline.elements if "style" in attributes]


def test_links_lead_somewhere(site, fleet):
    """Each link of the page is served."""
    site.publish(fleet)
    links = re.findall(r'<a href="(.*?)"', site.client.get("/").text)

    assert {200} == {site.client.get(f"/{link}").status_code for link in links}


def test_the_policy_allows_the_style_of_the_page_and_nothing_else(site, fleet):
    """The browser is told to run nothing and load nothing; the one style is named by its hash."""
    site.publish(fleet)
    answer = site.client.get("/")
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    policy = answer.headers["content-security-policy"]

    assert HEADERS["Content-Security-Policy"] == policy
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert ("text/html; charset=utf-8", "nosniff") == (
        answer.headers["content-type"],
        answer.headers["x-content-type-options"],
    )


def test_ages_are_those_of_the_request(fleet):
    """A page of an old snapshot says how old it is."""
    assert "snapshot 3 min 20 s old" in text_of(landing_page(fleet, fleet.t + 200))


def test_the_title_counts_what_is_critical(fleet, bare):
    """A background tab shows that something is wrong."""
    titles = [re.findall("<title>(.*?)</title>", landing_page(each, each.t))[0] for each in (fleet, bare)]

    assert ["(1) pdwatch", "pdwatch"] == titles


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0, "0 ms"),
        (0.035, "35 ms"),
        (1.25, "1.2 s"),
        (42.4, "42 s"),
        (59.9, "60 s"),
        (200.0, "3 min 20 s"),
        (7500.0, "2 h 5 min"),
        (273600.0, "3 d 4 h"),
    ],
)
def test_durations(seconds, text):
    """A time span in its two largest units."""
    assert text == words.duration(seconds)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (2.0, "2"), (2.54, "2.5"), (36.4, "36"), (12400.0, "12 400"), (1048576.0, "1 048 576")],
)
def test_counts(value, text):
    """A number of things, thousands set apart by spaces."""
    assert text == words.count(value)


def test_ratios():
    """Shares are percent, ratios around one are factors."""
    assert ("93 %", "–", "1.25", "–") == (
        words.percent(0.93),
        words.percent(None),
        words.factor(1.25),
        words.factor(None),
    )
