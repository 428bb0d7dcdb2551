"""The Textual application: keys, mouse and typing through a headless terminal, and the bytes it would write."""

from __future__ import annotations

import asyncio
import html
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from textual.command import CommandList
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.widgets import Input

from pdwatch.model.decode import snapshot_from_json
from pdwatch.model.snapshot import Snapshot
from pdwatch.top.app import Options, new_session
from pdwatch.top.screen.application import Ending, ScreenOptions, TopApp
from pdwatch.top.screen.canvas import Canvas
from pdwatch.top.screen.terminal import HANGUP, wants_screen
from pdwatch.top.sources import Handed, Played, Source

SIZE = (120, 40)
DEADLINE = 20.0


class Counted(HeadlessDriver):
    """Counts what would go to the terminal."""

    written: list[str]
    is_headless = False

    def write(self, data: str) -> None:
        """Keep *data*."""
        self.__dict__.setdefault("written", []).append(data)


async def _given(snapshots: Sequence[Snapshot]) -> AsyncIterator[Snapshot]:
    for snapshot in snapshots:
        yield snapshot
    await asyncio.Event().wait()


@asynccontextmanager
async def _running(
    source: Source, *, counted: bool = False, size: tuple[int, int] = SIZE, **options
) -> AsyncIterator[Pilot]:
    """Run the application on *source* with a clock that stands still."""
    settings = {"terminal": lambda: True, "signals": False, "clock": lambda: 0.0} | options
    app = TopApp(new_session(source, Options()), source, ScreenOptions(**settings))
    if counted:
        app.driver_class = Counted
        app.console = Console(file=io.StringIO(), color_system="truecolor", force_terminal=True, legacy_windows=False)
    async with app.run_test(headless=not counted, size=size) as pilot:
        await _until(pilot, lambda: app.session.playhead.newest is not None)
        app.draw()
        await pilot.pause()
        yield pilot


async def _until(pilot: Pilot, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await pilot.pause(0.01)


def _screen(pilot: Pilot) -> str:
    """Return what stands on the screen, read from its picture."""
    picture = pilot.app.export_screenshot()
    rows: dict[int, list[tuple[float, str]]] = {}
    for x, row, text in re.findall(
        r'<text[^>]*? x="([\d.]+)"[^>]*?clip-path="url\(#[^"]*line-(\d+)\)">([^<]*)</text>', picture
    ):
        rows.setdefault(int(row), []).append((float(x), html.unescape(text)))
    width = 12.2
    lines = []
    for row in range(max(rows, default=-1) + 1):
        line = ""
        for x, text in sorted(rows.get(row, [])):
            line = line.ljust(round(x / width)) + text.replace("\xa0", " ")
        lines.append(line.rstrip())
    return "\n".join(lines)


def _run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())


def _written(pilot: Pilot) -> list[str]:
    written: list[str] = pilot.app._driver.__dict__.setdefault("written", [])
    return written


def test_the_screen_is_the_frame(states) -> None:
    """What the golden files hold is what stands in the terminal, cell for cell."""

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["decode"]))) as pilot:
            await _until(pilot, lambda: 4 == len(pilot.app.session.playhead.history))
            pilot.app.draw()
            await pilot.pause()
            assert pilot.app.session.last_frame.text().rstrip() == _screen(pilot).rstrip()

    _run(scenario)


def test_what_a_refresh_writes(states, service, worker, snapshot) -> None:
    """The same snapshot writes nothing, a changed row its own cells, a full refresh of 64 workers under 12 kB."""

    def fleet(shift: float) -> Snapshot:
        members = [
            worker(
                f"d-{n:02}",
                engine={
                    "kv_cache_usage_ratio": (0.3 + 0.0061 * n + shift) % 1.0,
                    "requests_running": 8.0 + n + 100 * shift,
                },
            )
            for n in range(64)
        ]
        return snapshot(service(members))

    first = fleet(0.0)
    state = first.services["prod-eu-1"]
    last = state.workers[-1]
    busier = replace(last, engines=(replace(last.engines[0], requests_waiting=3.0),))
    one_changed = replace(first, services={"prod-eu-1": replace(state, workers=(*state.workers[:-1], busier))})

    async def cost(pilot: Pilot, shown: Snapshot) -> int:
        _written(pilot).clear()
        pilot.app.session.arrive(shown, 0.0)
        pilot.app.draw()
        await pilot.pause()
        return len("".join(_written(pilot)).encode())

    async def scenario() -> None:
        async with _running(Handed("demo", _given([first])), counted=True) as pilot:
            assert 0 == await cost(pilot, first)
            assert 0 < await cost(pilot, one_changed) <= 400
            assert 0 < await cost(pilot, fleet(0.37)) <= 12_000

    _run(scenario)


async def _fed(queue: asyncio.Queue[Snapshot]) -> AsyncIterator[Snapshot]:
    while True:
        yield await queue.get()


def test_a_frozen_screen_writes_nothing(states) -> None:
    """Paused, snapshots go on arriving and time goes on, and not a byte goes to the terminal."""

    async def scenario() -> None:
        now, queue = [0.0], asyncio.Queue()
        first, *later = states["decode"]
        queue.put_nowait(first)
        async with _running(Handed("demo", _fed(queue)), counted=True, clock=lambda: now[0]) as pilot:
            history = pilot.app.session.playhead.history
            await pilot.press("p")
            await pilot.pause()
            _written(pilot).clear()
            for count, snapshot in enumerate(later, start=2):
                now[0] += 2.0
                queue.put_nowait(snapshot)
                await _until(pilot, lambda: len(history) == count)  # noqa: B023
                await pilot.pause()
            assert "" == "".join(_written(pilot))
            await pilot.press("p")
            assert "SCALE DECODE" in "".join(_written(pilot))

    _run(scenario)


def test_nothing_is_drawn_while_nothing_changes(states) -> None:
    """Between snapshots the screen costs nothing; when they stay out, it says so."""

    async def scenario() -> None:
        now = [0.0]
        async with _running(Handed("demo", _given(states["decode"][-1:])), clock=lambda: now[0]) as pilot:
            before = pilot.app.session.last_frame
            now[0] = 8.0
            pilot.app._tick()
            assert before is pilot.app.session.last_frame
            now[0] = 16.0
            pilot.app._tick()
            assert "AGE 16s" in pilot.app.session.last_frame.text()

    _run(scenario)


def test_keys_reach_their_commands(states) -> None:
    """Letters, named keys and shifted ones."""

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["decode"][-1:]))) as pilot:
            session = pilot.app.session
            for keys, expected in (
                ("7", "[7 Why]"),
                ("tab", "[1 Workers]"),
                ("shift+tab", "[7 Why]"),
                ("escape", "[1 Workers]"),
            ):
                await pilot.press(keys)
                assert expected in session.last_frame.text()
            await pilot.press("S", "!", "down", "enter")
            assert (True, True) == (session.view.reverse, session.view.unhealthy_only)
            assert session.view.drilled is not None
            await pilot.press("question_mark")
            assert "The keys that work here" in _screen(pilot)

    _run(scenario)


def test_a_filter_works_while_it_is_typed(states) -> None:
    """Even letters that are typed faster than the box opens; Enter keeps it, Esc takes it away."""

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["decode"][-1:]))) as pilot:
            session = pilot.app.session
            await pilot.press("slash", "p", "minus", "0")
            assert "p-0" == session.view.filter
            assert "p-0" == pilot.app.query_one(Input).value
            assert 5 == len(session.scene(0.0).rows)
            await pilot.press("enter", "j", "slash", "escape")
            assert "" == session.view.filter
            assert isinstance(pilot.app.focused, Canvas)

    _run(scenario)


def test_the_viewer_goes_to_a_time(states) -> None:
    """`g` asks for it; Esc leaves everything as it was."""

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["decode"]))) as pilot:
            session = pilot.app.session
            await _until(pilot, lambda: 4 == len(session.playhead.history))
            await pilot.press("g", *"11:06:50", "enter")
            assert "PAUSED 11:06:50 UTC" in session.last_frame.text()
            await pilot.press("G", "g", "1", "escape")
            assert "LIVE" in session.last_frame.text()

    _run(scenario)


def test_clicks_and_the_wheel(states) -> None:
    """A page is opened by its name, a row chosen, and the wheel moves the cursor."""

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["decode"][-1:]))) as pilot:
            session = pilot.app.session
            lines = session.last_frame.text().splitlines()
            row = next(index for index, line in enumerate(lines) if "d-03" in line)
            await pilot.click(Canvas, offset=(10, row))
            assert "http://d-03:8000/metrics" in session.view.selected.values()
            tabs = next(index for index, line in enumerate(lines) if "[1 Workers]" in line)
            await pilot.click(Canvas, offset=(lines[tabs].index("Transfer"), tabs))
            assert "[2 Transfer]" in _screen(pilot)

    _run(scenario)


def _hits(pilot: Pilot) -> int:
    return sum(found.option_count for found in pilot.app.screen.query(CommandList))


def test_the_palette_runs_commands(states) -> None:
    """Every command of the table is in it by its title."""

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["decode"][-1:]))) as pilot:
            await pilot.press("colon")
            await _until(pilot, lambda: len(pilot.app.screen_stack) > 1)
            await pilot.press(*"transfer")
            await _until(pilot, lambda: _hits(pilot) == 1)
            await pilot.press("enter")
            await _until(pilot, lambda: len(pilot.app.screen_stack) == 1)
            await _until(pilot, lambda: "[2 Transfer]" in pilot.app.session.last_frame.text())

    _run(scenario)


def test_what_is_shown_is_saved_and_copied(states, tmp_path: Path) -> None:
    """As text and as CSV into the folder; the copy goes to the terminal's clipboard."""

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["decode"][-1:])), folder=tmp_path) as pilot:
            await pilot.press("e", "y")
            assert "prod-eu-1: SCALE DECODE  6 → 8" in pilot.app.clipboard

    _run(scenario)

    stem = "pdwatch-20261118T110710Z"
    assert [f"{stem}.csv", f"{stem}.json", f"{stem}.txt"] == sorted(path.name for path in tmp_path.iterdir())
    assert states["decode"][-1] == snapshot_from_json(json.loads((tmp_path / f"{stem}.json").read_text()))
    assert "SCALE DECODE" in (tmp_path / "pdwatch-20261118T110710Z.txt").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_said(states, tmp_path: Path) -> None:
    """One line, and the screen goes on."""

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["decode"][-1:])), folder=tmp_path / "none") as pilot:
            await pilot.press("e")
            assert "not saved: No such file or directory" in pilot.app.session.last_frame.text()

    _run(scenario)


def test_a_recording_is_started_and_stopped_by_hand(states) -> None:
    """What the recorder says is shown; so is why it cannot, and that this source has none."""
    answers = iter(["recording to f", "recorded to f"])

    def full() -> str:
        raise ValueError("f: no space left; free space")

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["decode"][-1:])), record=lambda: next(answers)) as pilot:
            await pilot.press("R")
            assert " REC " in pilot.app.session.last_frame.text()
            await pilot.press("R")
            assert " REC " not in pilot.app.session.last_frame.text()
        for record, said in ((full, "not recording: f: no space left"), (None, "cannot be recorded here")):
            async with _running(Handed("demo", _given(states["decode"][-1:])), record=record) as pilot:
                await pilot.press("R")
                assert said in pilot.app.session.last_frame.text()

    _run(scenario)


def test_a_replay_plays_and_begins_where_it_is_told(states) -> None:
    """Read in a thread, shown by its own clock, from the time asked for."""

    async def scenario() -> None:
        now = [0.0]
        async with _running(Played("f.jsonl", iter(states["decode"])), clock=lambda: now[0]) as pilot:
            session = pilot.app.session
            await _until(pilot, lambda: session.playhead.finished)
            assert "REPLAY f.jsonl  11:06:40 UTC  x1" in session.last_frame.text()
            now[0] = 100.0
            await _until(pilot, lambda: "11:07:10 UTC  END" in session.last_frame.text())
        async with _running(Played("f.jsonl", iter(states["decode"])), at="11:07") as pilot:
            session = pilot.app.session
            await _until(
                pilot,
                lambda: (
                    session.playhead.snapshot is not None
                    and session.playhead.past
                    and session.playhead.snapshot.t == states["decode"][2].t
                ),
            )

    _run(scenario)


class Remembered(Handed):
    """Snapshots with a past that is given when the test says so."""

    def __init__(self, past: Sequence[Snapshot], snapshots: Sequence[Snapshot]) -> None:
        super().__init__("demo", _given(snapshots))
        self.told, self._past = asyncio.Event(), past

    async def backlog(self) -> AsyncIterator[Snapshot]:
        """Give the past once it was told to."""
        await self.told.wait()
        for snapshot in self._past:
            yield snapshot


def test_the_present_is_shown_while_the_past_is_read(states) -> None:
    """Then graphs, events and time reach back; what the past had already is no event."""
    *past, newest = states["decode"]

    async def scenario() -> None:
        source = Remembered([*past, newest], [newest])
        async with _running(source, at="11:06:50") as pilot:
            session = pilot.app.session
            assert "SCALE DECODE" in _screen(pilot)
            assert 1 == len(session.playhead.history)
            source.told.set()
            await _until(pilot, lambda: 4 == len(session.playhead.history))
            await _until(pilot, lambda: "PAUSED 11:06:50" in session.last_frame.text())
            await pilot.press("G")
            assert ["HOLD", "SCALE DECODE"] == [event.verdict for event in session.scene(0.0).events if event.verdict]
            assert "▅█" in _screen(pilot)

    _run(scenario)


def test_no_color_leaves_the_shapes(states, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without colour the screen says the same, and there is no theme to choose."""
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["down"][-1:]))) as pilot:
            assert "■ FIX" in _screen(pilot)
            await pilot.press("t")
            assert "NO_COLOR is set" in pilot.app.session.last_frame.text()
            assert 1 == len(pilot.app.screen_stack)

    _run(scenario)


@pytest.mark.parametrize("size", [(20, 5), (40, 5), (80, 24), (200, 60)])
def test_every_size_is_drawn(size: tuple[int, int], states) -> None:
    """However small the terminal is, the answer is on it."""

    async def scenario() -> None:
        async with _running(Handed("demo", _given(states["down"][-1:])), size=size) as pilot:
            assert "■ FIX" in _screen(pilot)
            await pilot.resize_terminal(100, 30)
            await pilot.pause()
            assert 30 == len(pilot.app.session.last_frame.lines)

    _run(scenario)


def test_it_ends_as_it_is_asked_to(states) -> None:
    """By key, with the last screen to print, when its source fails."""

    async def failing() -> AsyncIterator[Snapshot]:
        yield states["decode"][0]
        raise ValueError("fleet.jsonl: line 7 is no JSON")

    async def scenario() -> list[Ending]:
        endings = []
        for key in ("q", "Q", "ctrl+c"):
            async with _running(Handed("demo", _given(states["decode"]))) as pilot:
                await pilot.press(key)
            endings.append(pilot.app.return_value)
        async with _running(Handed("demo", failing())) as pilot:
            await _until(pilot, lambda: pilot.app.return_value is not None)
        return [*endings, pilot.app.return_value]

    quits, leaves, interrupts, fails = asyncio.run(scenario())

    assert Ending() == quits == interrupts
    assert "pdwatch" in leaves.text
    assert "fleet.jsonl: line 7 is no JSON" == str(fails.failure)


def test_it_leaves_when_the_terminal_goes(states, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a tick, and for certain."""
    sure: list[int] = []
    monkeypatch.setattr("pdwatch.top.screen.application.leave_for_certain", sure.append)

    async def scenario() -> Ending:
        there = [True]
        async with _running(Handed("demo", _given(states["decode"])), terminal=lambda: there[0]) as pilot:
            there[0] = False
            await _until(pilot, lambda: pilot.app.return_value is not None)
        return pilot.app.return_value

    assert Ending(HANGUP) == asyncio.run(scenario())
    assert [HANGUP] == sure


@pytest.mark.parametrize(
    ("expected", "environ", "ttys"),
    [
        (True, {}, (True, True)),
        (False, {}, (False, True)),
        (False, {}, (True, False)),
        (True, {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"}, (False, False)),
    ],
)
def test_a_screen_needs_a_terminal_or_a_browser(
    expected: bool, environ: dict[str, str], ttys: tuple[bool, bool]
) -> None:
    """Textual reads standard input and draws on standard error; a browser's terminal names its driver."""
    assert expected is wants_screen(environ, stdin_tty=ttys[0], stderr_tty=ttys[1])
