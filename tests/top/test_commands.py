"""The table of commands, and what each command does to a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdwatch.model.judgement import Action, Finding, Severity
from pdwatch.top.actions import Ask, answer_filter, answer_time, perform
from pdwatch.top.command import COMMANDS, KeysError, Situation, key_words, keys_table, remapped, working
from pdwatch.top.draw.header import WIDE
from pdwatch.top.view import Tab

NOW = 31.0
SIZE = (WIDE, 40)
DOCS = Path(__file__).parents[2] / "docs" / "top.md"


def _press(session, *names: str):
    """Draw, as a screen does, and carry out each command; return the last request."""
    request = None
    for name in names:
        session.draw(*SIZE, NOW)
        command, _, argument = name.partition(":")
        request = perform(session, command, NOW, argument)
    return request


def _text(session) -> str:
    return session.draw(*SIZE, NOW).text()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_shows_something_or_asks_for_it(command, session) -> None:
    """No key is dead: where a command works, it changes the view, moves in time, says something or asks."""
    seen = session("decode", replay=command.name in ("slower", "faster"))
    before = {
        "up": ("down",),
        "page-up": ("down",),
        "first": ("down",),
        "back": ("why",),
        "workers": ("why",),
        "step-forward": ("step-back", "step-back"),
        "event-forward": ("step-back", "step-back"),
        "newest": ("step-back",),
    }
    _press(seen, *before.get(command.name, ()))
    shown, view, speed = _text(seen), seen.view, seen.playhead.speed
    request = _press(seen, command.name)

    alone = command.name in ("next-service", "previous-service")
    assert alone or request is not None or (shown, view, speed) != (_text(seen), seen.view, seen.playhead.speed)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_no_command_fails_on_a_screen_without_snapshots(command, session) -> None:
    """Before the first snapshot every key is safe."""
    for state in ((), "empty"):
        seen = session(state)
        _press(seen, command.name, command.name)
        assert 40 == len(seen.draw(*SIZE, NOW).lines)


def test_footer_help_and_docs_name_the_same_keys(session) -> None:
    """They are made of one table."""
    seen = session("decode")
    seen.choose(help=True)
    told = seen.draw(120, 80, NOW).text()
    at = Situation(help=True)

    assert all(command.help[:40] in told for command in working(COMMANDS, at))
    assert keys_table() in DOCS.read_text(encoding="utf-8")
    footer = session("decode").draw(200, 40, NOW).lines[-1]
    names = {command.name for command in COMMANDS}
    assert {span.target for span in footer if span.target} <= names


def test_keys_can_be_changed_by_name() -> None:
    """Several keys, as people call them; an empty list takes the keys away."""
    changes = {"why": ["z", "Ctrl+Y"], "save": [], "first": ["PgUp", "shift+F3"], "page-up": ["ctrl+shift+up"]}
    commands = {command.name: command for command in remapped(changes)}

    assert (("z", "ctrl+y"), ()) == (commands["why"].keys, commands["save"].keys)
    assert (("pageup", "shift+f3"), ("ctrl+shift+up",)) == (commands["first"].keys, commands["page-up"].keys)
    assert ["Ctrl+y", "PgUp", "Shift+F3", "+", ","] == [
        key_words(key) for key in ("ctrl+y", "pageup", "shift+f3", "+", "comma")
    ]


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("filtre: is no command; did you mean filter?", {"filtre": ["x"]}),
        ("zzz: is no command; docs/top.md lists them", {"zzz": ["x"]}),
        (
            'why: has the key q of quit; give one of them another key, or take it from quit with quit: ""',
            {"why": ["q"]},
        ),
        ('quit: has the key w of why; give one of them another key, or take it from why with why: ""', {"quit": ["w"]}),
        ("why: 'pagdown' is no key; did you mean pagedown?", {"why": ["pagdown"]}),
        ("why: 'hyper+x' is no key; write a character, or a name such as ctrl+y, f2 or pagedown", {"why": ["hyper+x"]}),
    ],
)
def test_keys_that_cannot_be_are_refused_in_one_line(message: str, changes: dict[str, list[str]]) -> None:
    """Unknown commands and keys are mended by the nearest ones; no key has two commands."""
    with pytest.raises(KeysError) as error:
        remapped(changes)

    assert message == str(error.value)


def test_the_screen_names_the_keys_that_were_chosen(session) -> None:
    """Verdict, pages, footer and help follow the table; a command without a key is not offered."""
    seen = session("decode", commands=remapped({"why": ["z"], "gpu": [], "quit": ["f10"]}))
    drawn = _text(seen)
    _press(seen, "help")

    assert "[z] why" in drawn
    assert "z Why" in drawn
    assert "5 GPU" not in drawn
    assert "F10 Quit" in drawn
    assert "Show the page GPU." not in _text(seen)


def test_the_cursor_stays_on_its_worker_while_rows_move(session) -> None:
    """Its identity is the worker, not the place in the table."""
    seen = session("decode")
    _press(seen, "down", "down")
    chosen = seen.scene(NOW).rows[seen.scene(NOW).cursor].worker
    _press(seen, "reverse", "sort:kv", "filter")
    scene = seen.scene(NOW)

    assert "d-03" == chosen == scene.rows[scene.cursor].worker


def test_the_cursor_is_kept_in_sight(session) -> None:
    """At the end of 256 rows the last is drawn; without following, the rows stay where they are."""
    seen = session("many")
    _press(seen, "last")
    assert "›" in _text(seen)
    _press(seen, "follow")
    seen.choose(scroll=0)
    assert "›" not in _text(seen)


def test_enter_opens_and_escape_leaves_level_by_level(session) -> None:
    """Help, worker, filter, page: the innermost first."""
    seen = session("decode")
    answer_filter(seen, "d-0")
    _press(seen, "open", "help", "back")
    assert (False, "http://d-01:8000/metrics") == (seen.view.help, seen.view.drilled)
    _press(seen, "back")
    assert (None, "d-0") == (seen.view.drilled, seen.view.filter)
    _press(seen, "back", "why", "back")
    assert ("", Tab.WORKERS) == (seen.view.filter, seen.view.tab)


def test_a_finding_opens_what_it_is_about(session, service, worker, snapshot) -> None:
    """Its worker, the page of its port, the workers of its pool; one about the whole service says so."""
    seen = session("down")
    _press(seen, "alerts", "open")
    assert "http://d-06:8000/metrics" == seen.view.drilled
    pool = session("decode")
    _press(pool, "alerts", "open")
    assert (Tab.WORKERS, "decode") == (pool.view.tab, pool.view.filter)
    port = session("fabric")
    _press(port, "alerts", "open")
    assert Tab.FABRIC is port.view.tab
    whole = Finding("config_mismatch", Severity.WARNING, {}, 1_795_000_000.0, "", "")
    other = session([snapshot(service([worker("d-01")], findings=(whole,)))])
    _press(other, "alerts", "open")
    assert "This finding is about the whole service." == other.view.message


def test_a_click_selects_and_a_second_one_opens(session) -> None:
    """Rows, headings, pages and keys are targets."""
    seen = session("decode")
    drawn = seen.draw(120, 40, NOW)
    row = next(index for index, line in enumerate(drawn.lines) if "d-03" in "".join(span.text for span in line))
    target = drawn.target(5, row)
    _press(seen, target, target)

    assert "select:http://d-03:8000/metrics" == target
    assert "http://d-03:8000/metrics" == seen.view.drilled
    assert "" == drawn.target(500, row) == drawn.target(5, 99)
    _press(seen, "back", "sort:kv", "sort:kv")
    assert ("kv", True) == (seen.view.sort, seen.view.reverse)


def test_services_are_chosen_by_trouble_and_then_by_hand(session, service, worker, advice, snapshot) -> None:
    """The one in most trouble is shown first; the strip shows the state of all."""
    finding = Finding("worker_down", Severity.CRITICAL, {"role": "decode"}, 1_795_000_000.0, "b-01 is down", "")
    calm = service([worker("a-01")], service="alpha")
    bad = service([worker("b-01")], service="beta", findings=(finding,))
    blind = service([worker("c-01")], advice(Action.CANNOT_TELL), service="gamma")
    seen = session([snapshot(calm, bad, blind)])
    assert "  ● alpha  ›■ beta   ? gamma" in _text(seen)
    _press(seen, "next-service")
    assert "   ■ beta  ›? gamma" in _text(seen)
    _press(seen, "service:alpha", "previous-service")
    assert "gamma" == seen.view.service


def test_what_is_copied_is_what_is_looked_at(session) -> None:
    """The advice, the evidence, a finding, a worker."""
    seen = session("down")
    assert _press(seen, "copy").text.startswith("prod-eu-1: FIX: d-06 is down")
    assert "PRESSING" in _press(seen, "why", "copy").text
    assert (
        "worker_down d-06: d-06 is down: connection refused, 8 times in a row. Do: Restart the worker."
        == _press(seen, "alerts", "copy").text
    )
    assert "d-06 http://d-06:8000/metrics decode: down: connection refused" == _press(seen, "open", "copy").text
    assert Ask.COPY is _press(seen, "copy").ask


def test_a_frozen_screen_goes_on_collecting(session, states) -> None:
    """Pause shows how far back it is; stepping and events move; the newest is one key away."""
    first, *later = states["decode"]
    seen = session([first])
    _press(seen, "pause")
    for snapshot in later:
        seen.arrive(snapshot, NOW)
    assert "PAUSED 11:06:40 UTC" in _text(seen)
    assert "HOLD" in _text(seen)
    _press(seen, "step-forward")
    assert "PAUSED 11:06:50 UTC" in _text(seen)
    _press(seen, "event-forward")
    assert "SCALE DECODE" in _text(seen)
    _press(seen, "newest")
    assert "LIVE" in _text(seen)


def test_how_far_back_is_told_in_minutes(session, states, snapshot) -> None:
    """So that a frozen screen is seldom written."""
    seen = session(states["decode"])
    seen.arrive(snapshot(t=1_795_000_200.0), NOW)
    answer_time(seen, "11:06:40")
    assert "PAUSED 11:06:40 UTC (-3m)" in _text(seen)


def test_the_past_is_the_picture_of_its_moment(session, states) -> None:
    """Stepping back shows the frame that was live then, with its events and none of later ones."""
    seen = session(states["decode"][:2])
    then = _text(seen).splitlines()[1:-2]
    for snapshot in states["decode"][2:]:
        seen.arrive(snapshot, NOW)
    answer_time(seen, "11:06:50")

    assert then == _text(seen).splitlines()[1:-2]


def test_a_time_that_is_none_is_said(session) -> None:
    """The mend is in the message; an empty answer changes nothing."""
    seen = session("decode")
    answer_time(seen, "soon")
    assert "'soon' is no time; write a time of day" in _text(seen)
    answer_time(seen, " ")
    assert not seen.playhead.past


def test_a_replay_runs_by_its_own_clock(session, states) -> None:
    """It begins at the first snapshot, plays, stops at the end, and can be gone through by hand."""
    seen = session(states["decode"], replay=True, source="fleet.jsonl")
    assert "REPLAY fleet.jsonl  11:06:40 UTC  x1" in _text(seen)
    seen.playhead.advance(10.0)
    assert "11:06:50 UTC  x1" in _text(seen)
    _press(seen, "faster", "faster")
    seen.playhead.advance(2.5)
    assert "11:07:00 UTC  x4" in _text(seen)
    seen.playhead.advance(100.0)
    seen.playhead.finished = True
    assert "11:07:10 UTC  END" in _text(seen)
    _press(seen, "step-back")
    assert "11:07:00 UTC  PAUSED" in _text(seen)


def test_a_replay_is_read_no_further_than_it_is_watched(session, snapshot) -> None:
    """A minute ahead; further where the viewer goes there."""
    seen = session([snapshot(t=1_795_000_000.0 + t) for t in range(0, 70, 10)], replay=True)
    assert not seen.playhead.wants_more
    seen.playhead.seek(1_795_000_500.0)
    assert seen.playhead.wants_more
    seen.arrive(snapshot(t=1_795_000_510.0), NOW)
    assert 1_795_000_060.0 == seen.playhead.snapshot.t
