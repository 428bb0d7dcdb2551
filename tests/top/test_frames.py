"""Whole screens, for every state and size, as they stand in a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from pdwatch.model.judgement import Evidence, Finding, Severity
from pdwatch.model.snapshot import EngineState, Snapshot
from pdwatch.model.target import Role
from pdwatch.top.cells import Tone, ascii_text, line_width, text_of
from pdwatch.top.session import Session
from pdwatch.top.view import Tab

MakeSession = Callable[..., Session]

STATES = ("healthy", "decode", "prefill", "fabric", "restart", "down", "cannot_tell", "empty", "many")
SIZES = ((120, 40), (80, 24), (40, 5))
NOW = 31.0


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_overview(state: str, size: tuple[int, int], session: MakeSession, golden) -> None:
    """Each state is drawn as it is kept in the golden file, at each size."""
    drawn = session(state).draw(*size, NOW)

    golden.check(f"top/{state}-{size[0]}x{size[1]}.txt", f"{drawn.text()}\n".encode())


def test_a_shard_without_a_service_is_no_trouble(session: MakeSession, golden) -> None:
    """It says so on the second line, and where its numbers stand it says which shard it is."""
    golden.check("top/idle-80x24.txt", f"{session('idle').draw(80, 24, NOW).text()}\n".encode())


@pytest.mark.parametrize("tab", [tab for tab in Tab if tab is not Tab.WORKERS])
def test_pages(tab: Tab, session: MakeSession, golden) -> None:
    """Each page is drawn as it is kept."""
    seen = session("decode")
    seen.choose(tab=tab)

    golden.check(f"top/page-{tab.name.lower()}-120x40.txt", f"{seen.draw(120, 40, NOW).text()}\n".encode())


def test_a_worker_fills_the_page(session: MakeSession, golden) -> None:
    """Opened, a worker shows its page, its engines and what is wrong with it."""
    seen = session("down")
    seen.choose(drilled="http://d-06:8000/metrics")

    golden.check("top/worker-80x24.txt", f"{seen.draw(80, 24, NOW).text()}\n".encode())


def test_a_worker_is_shown_with_the_root_of_its_trouble(session: MakeSession, golden) -> None:
    """The fault of its host stands above, what it suffers from that below it and muted."""
    seen = session("fabric")
    seen.choose(drilled="http://p-02:8000/metrics")
    drawn = seen.draw(120, 40, NOW)
    told = next(line for line in drawn.lines if "so also kv_transfer_slow" in text_of(line))

    golden.check("top/worker-fabric-120x40.txt", f"{drawn.text()}\n".encode())
    assert Tone.MUTED in {span.tone for span in told}


@pytest.fixture
def mixtures(service, worker, snapshot) -> list[Snapshot]:
    """A fleet whose logs tell of the experts of one replica; another replica has four ranks and silent logs."""
    ranks = tuple(EngineState(str(n), generation_tokens_per_second=400.0 + 100 * n) for n in range(4))
    fleet = [worker("d-01"), worker("d-02", engines=ranks), worker("p-01", Role.PREFILL)]
    told = {"p-01": 0.62, "d-01": 0.91}
    state = service(fleet, experts=told, expert_balance_estimate={"d-02": 0.79, "d-01": 0.5})
    return [snapshot(state, t=1_795_000_000.0 + t) for t in (0.0, 10.0)]


def test_experts_are_told_and_estimates_are_marked(session: MakeSession, mixtures: list[Snapshot], golden) -> None:
    """What logs tell has a limit; what ranks let one guess is called so, and only where no log tells."""
    seen = session(mixtures)
    seen.choose(tab=Tab.EXPERTS)
    drawn = seen.draw(120, 40, NOW).text()

    golden.check("top/experts-120x40.txt", f"{drawn}\n".encode())
    assert "~79 %" in drawn
    assert "~50 %" not in drawn


def test_transfer_paths_stand_beside_what_is_usual(session: MakeSession, golden) -> None:
    """The slowest first; that no engine tells pairs is said."""
    seen = session("fabric")
    seen.choose(tab=Tab.TRANSFER)

    golden.check("top/page-transfer-fabric-120x40.txt", f"{seen.draw(120, 40, NOW).text()}\n".encode())


def test_findings_in_full(session: MakeSession, golden) -> None:
    """The list as a tree, and the chosen symptom with what it comes from."""
    seen = session("fabric")
    seen.choose(tab=Tab.ALERTS, selected={Tab.ALERTS: "kv_transfer_slow;host=gpu-02;role=prefill;worker=p-02"})

    golden.check("top/page-alerts-fabric-120x40.txt", f"{seen.draw(120, 40, NOW).text()}\n".encode())


def test_help_lists_what_works_here(session: MakeSession, golden) -> None:
    """The help page is drawn as it is kept."""
    seen = session("healthy")
    seen.choose(help=True)

    golden.check("top/help-120x60.txt", f"{seen.draw(120, 60, NOW).text()}\n".encode())


def _gone(seen: Session) -> Session:
    seen.trouble = "connection refused"
    return seen


def _frozen(seen: Session) -> Session:
    seen.playhead.step(-2)
    return seen


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "prepare", "settings"),
    [
        ("gone", _gone, {}),
        ("paused", _frozen, {}),
        ("replay", lambda seen: seen, {"replay": True, "source": "fleet.jsonl.zst"}),
    ],
)
def test_what_is_not_the_present_says_so(*, name, prepare, settings, size, session: MakeSession, golden) -> None:
    """A serve that is gone, a frozen screen, a recording: drawn as they are kept, with a bar in reverse."""
    drawn = prepare(session("decode", **settings)).draw(*size, 55.0)

    golden.check(f"top/{name}-{size[0]}x{size[1]}.txt", f"{drawn.text()}\n".encode())
    assert Tone.REVERSE in {span.tone for line in drawn.lines for span in line}


def test_a_serve_that_is_gone_leaves_the_last_snapshot_muted(session: MakeSession) -> None:
    """The numbers stay, with no tone but muted, and one line says since when nothing came."""
    drawn = _gone(session("decode")).draw(80, 24, 55.0)
    tones = {span.tone for line in drawn.lines for span in line}

    assert {Tone.MUTED, Tone.REVERSE} == tones - {Tone.PLAIN}
    assert "no answer from 127.0.0.1:10077 for 25s: connection refused" in drawn.text()


@pytest.mark.parametrize("state", STATES)
def test_ascii_says_the_same(state: str, session: MakeSession) -> None:
    """Without Unicode, the screen is the same cell for cell, in ASCII."""
    unicode, ascii_only = session(state).draw(120, 40, NOW), session(state, unicode=False).draw(120, 40, NOW)

    assert ascii_only.text().isascii()
    assert ascii_text(unicode.text()) == ascii_only.text()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("tab", Tab)
def test_every_line_is_as_wide_as_the_screen(state: str, tab: Tab, session: MakeSession) -> None:
    """At any size, however small, there are as many lines as rows, each of exactly the width."""
    seen = session(state)
    seen.choose(tab=tab)
    sizes = [(1, 1), (20, 5), (40, 5), (59, 30), (60, 12), (79, 23), (80, 24), (100, 30), (111, 33), (200, 60)]
    drawn = {size: seen.draw(*size, NOW).lines for size in sizes}

    assert {size: size[1] for size in sizes} == {size: len(lines) for size, lines in drawn.items()}
    assert {size: {size[0]} for size in sizes} == {
        size: {line_width(line) for line in lines} for size, lines in drawn.items()
    }


def test_state_never_hides_in_colour(session: MakeSession) -> None:
    """Wherever a tone says how something stands, its glyph is in the same line."""
    shapes = {Tone.OK: "●█▉▊▋▌▍▎▏", Tone.WARN: "▲", Tone.BAD: "■", Tone.UNKNOWN: "?"}
    for state in STATES:
        for line in session(state).draw(120, 40, NOW).lines:
            for tone, glyphs in shapes.items():
                told = "".join(span.text for span in line)
                assert tone not in {span.tone for span in line} or any(glyph in told for glyph in glyphs), told


HOSTILE = ("\x1b[2Jx", "a\nb", "\u202egnp", "模型模型模型模型", "e\u0301" * 30, "\ud800", "x" * 500, "")


@pytest.fixture
def named(service, worker, advice, snapshot) -> Callable[[str], list[Snapshot]]:
    """Build snapshots in which everything has one name, and none is left."""

    def build(text: str) -> list[Snapshot]:
        changed = {"host": text, "replica": text, "model": text, "version": text, "error": text, "up": False}
        scope = {"worker": text, "role": text}
        finding = Finding(text, Severity.CRITICAL, scope, 0.0, text, text, (Evidence(text, 1.0, text),))
        state = service([worker(f"w{text}", **changed)], advice(reason=text), service=text, findings=(finding,))
        errors = {text: text}
        return [snapshot(state, discovery_errors=errors), snapshot(t=1_795_000_002.0, discovery_errors=errors)]

    return build


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_can_break_the_screen(text: str, session: MakeSession, named: Callable[[str], list[Snapshot]]) -> None:
    """Whatever workers, hosts, errors and services are called: every line is printable and as wide as the screen."""
    seen = session(named(text))
    for step, tab in itertools.product((-1, 1), Tab):
        seen.playhead.step(step)
        seen.choose(tab=tab)
        for size in ((120, 40), (80, 24), (40, 5)):
            lines = seen.draw(*size, NOW).lines
            assert {size[0]} == {line_width(line) for line in lines}
            assert all(span.text.isprintable() for line in lines for span in line)
            assert seen.last_frame.text().encode()


def test_what_is_remembered_is_bounded(session: MakeSession, states) -> None:
    """Neither the history nor the events nor the graphs grow without end."""
    calm, down = states["healthy"][0], states["down"][1]
    seen = session((), history_bytes=100_000)
    for index in range(1_500):
        seen.arrive(replace(down if index % 2 else calm, t=calm.t + 10.0 * index), NOW)
    scene = seen.scene(NOW)

    assert seen.playhead.history.size <= 100_000
    assert len(seen.playhead.history) <= 361
    assert 500 == len(scene.events)
    assert len(scene.trails) < 40
