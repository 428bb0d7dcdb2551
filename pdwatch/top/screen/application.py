"""The application: keys become commands, snapshots become frames. What is shown is decided elsewhere."""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from textual import on
from textual.app import App, ComposeResult, SystemCommand
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from pdwatch.top.actions import Ask, Request, answer_filter, answer_time, perform
from pdwatch.top.screen.canvas import Canvas
from pdwatch.top.screen.save import save
from pdwatch.top.screen.terminal import HANGUP, leave_for_certain, leave_on_signals, terminal_is_there
from pdwatch.top.screen.theme import NO_COLOR_THEME, THEMES
from pdwatch.top.session import Session
from pdwatch.top.sources import Source

TICK_SECONDS = 0.25
INTERVALS = (1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """What the application is started with."""

    theme: str = ""
    at: str = ""
    """A time in the source's past to begin at."""
    record: Callable[[], str] | None = None
    """Starts or stops a recording and says so in one line; raises `OSError` or `ValueError` where it cannot."""
    folder: Path = field(default_factory=Path.cwd)
    """Where a saved screen goes."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Callable[[], float] = monotonic
    terminal: Callable[[], bool] = terminal_is_there
    signals: bool = True
    """Whether SIGTERM and SIGHUP end it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the application ended."""

    status: int = 0
    text: str = ""
    """To print behind it."""
    failure: BaseException | None = None
    """Why the source ended, where it failed."""


class TopApp(App[Ending]):
    """Shows one source until it is left."""

    CSS_PATH = "top.tcss"
    TITLE = "pdwatch"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, session: Session, source: Source, options: ScreenOptions) -> None:
        super().__init__()
        self.session = session
        self._source = source
        self._options = options
        self._by_key = {key: command for command in session.settings.commands for key in command.keys}
        self._interval = INTERVALS[0]
        self._drawn = float("-inf")
        self._fresh = True
        self._ticked = options.clock()
        self._more = asyncio.Event()
        self._began = asyncio.Event()
        self._asked: Ask | None = None
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        """Put the canvas on the screen, and above its last line the place to type."""
        yield Canvas()
        ask = Input(id="ask", compact=True, select_on_focus=False)
        ask.cursor_blink = False
        yield ask

    def on_mount(self) -> None:
        """Begin to draw and to read."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = NO_COLOR_THEME if self.no_color else self._chosen_theme()
        self.query_one(Canvas).focus()
        if self._options.signals:
            leave_on_signals(self.leave)
        self.set_interval(TICK_SECONDS, self._tick)
        self.run_worker(self._read(), name="source", exit_on_error=False)
        self.run_worker(self._remember(), name="past", exit_on_error=False)

    def _chosen_theme(self) -> str:
        chosen = self._options.theme or THEMES[0].name
        if chosen in self.available_themes:
            return chosen
        near = difflib.get_close_matches(chosen, self.available_themes, n=1)
        self._say(f"there is no theme {chosen!r}; " + (f"did you mean {near[0]}?" if near else "t lists them"))
        return THEMES[0].name

    async def _read(self) -> None:
        clock, session = self._options.clock, self.session
        async for snapshot in self._source.snapshots():
            session.arrive(snapshot, clock())
            self._fresh = True
            self._began.set()
            self._draw_if_due()
            while not session.playhead.wants_more:
                self._more.clear()
                await self._more.wait()
        session.playhead.finished = True

    async def _remember(self) -> None:
        """Read what was there before this screen, while the present is shown already, and begin where it was told."""
        past = Session(self.session.settings)
        async for snapshot in self._source.backlog():
            past.arrive(snapshot, 0.0)
            await asyncio.sleep(0)
        await self._began.wait()
        self.session.inherit(past)
        if self._options.at:
            answer_time(self.session, self._options.at)
        self.draw()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Leave when the source failed for good."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.exit(Ending(failure=event.worker.error))

    def _tick(self) -> None:
        if not self._options.terminal():
            leave_for_certain(HANGUP)
            self.exit(Ending(HANGUP))
            return
        now = self._options.clock()
        playhead = self.session.playhead
        playhead.advance(now - self._ticked)
        self._ticked = now
        if playhead.wants_more:
            self._more.set()
        if self._source.trouble != self.session.trouble:
            self.session.trouble = self._source.trouble
            self._fresh = True
        self._draw_if_due()

    def _draw_if_due(self) -> None:
        now = self._options.clock()
        changed = self._fresh or self.session.restless(now)
        if changed and now - self._drawn >= self._interval - TICK_SECONDS / 2:
            self.draw()

    def draw(self) -> None:
        """Show what is known."""
        canvas = self.query_one(Canvas)
        if canvas.size.width and canvas.size.height:
            self._drawn, self._fresh = self._options.clock(), False
            canvas.show(self.session.draw(canvas.size.width, canvas.size.height, self._drawn))

    @on(Canvas.Resized)
    def _resized(self) -> None:
        self.draw()

    @on(Canvas.Pressed)
    def _pressed(self, event: Canvas.Pressed) -> None:
        name, _, argument = event.target.partition(":")
        self.command(name, argument)

    def on_key(self, event: Key) -> None:
        """Carry out the command of a key."""
        if self._asked is not None:
            self._key_while_asking(event)
            return
        command = self._by_key.get(event.key) or self._by_key.get(event.character or "")
        if command is not None and len(self.screen_stack) == 1:
            event.stop()
            event.prevent_default()
            self.command(command.name)

    def _key_while_asking(self, event: Key) -> None:
        """Take what the box does not: keys that leave it, and those typed before it has the focus."""
        if event.key in ("escape", "enter"):
            self._stop_asking(cancelled=event.key == "escape")
        elif event.is_printable and event.character is not None:
            self.query_one("#ask", Input).insert_text_at_cursor(event.character)

    def command(self, name: str, argument: str = "") -> None:
        """Carry out a command and show what it changed."""
        request = perform(self.session, name, self._options.clock(), argument)
        if request is not None:
            self._answer(request)
        if self.is_running:
            self.draw()

    def _answer(self, request: Request) -> None:
        answers: Mapping[Ask, Callable[[str], None]] = {
            Ask.QUIT: lambda _: self.exit(Ending()),
            Ask.LEAVE: lambda _: self.exit(Ending(text=self._text())),
            Ask.PALETTE: lambda _: self.action_command_palette(),
            Ask.THEME: lambda _: self._choose_theme(),
            Ask.RECORD: lambda _: self._record(),
            Ask.COPY: self._copy,
            Ask.SAVE: lambda _: self._save(),
            Ask.FILTER: lambda text: self._ask(Ask.FILTER, "filter: words that must occur, !word for absent", text),
            Ask.TIME: lambda _: self._ask(Ask.TIME, "go to: 14:18 (UTC) or -10m", ""),
            Ask.LESS_OFTEN: lambda _: self._pace(1),
            Ask.MORE_OFTEN: lambda _: self._pace(-1),
        }
        answers[request.ask](request.text)

    def _text(self) -> str:
        frame = self.session.last_frame
        return frame.text() if frame is not None else ""

    def _say(self, message: str) -> None:
        self.session.choose(message=message)

    def _pace(self, step: int) -> None:
        place = min(max(0, INTERVALS.index(self._interval) + step), len(INTERVALS) - 1)
        self._interval = INTERVALS[place]
        self._say(f"drawn at most every {self._interval:g} s")

    def _choose_theme(self) -> None:
        if self.no_color:
            self._say("NO_COLOR is set: there are no colours to choose")
        else:
            self.search_themes()

    def _record(self) -> None:
        if self._options.record is None:
            self._say("this source cannot be recorded here; use pdwatch record")
            return
        try:
            self._say(self._options.record())
        except (OSError, ValueError) as error:
            self._say(f"not recording: {error}")
        else:
            self.session.recording = not self.session.recording

    def _copy(self, text: str) -> None:
        self.copy_to_clipboard(text)
        self._say(f"copied: {' '.join(text.split())}")

    def _save(self) -> None:
        self._say(save(self._options.folder, self._text(), self.session))

    def _ask(self, ask: Ask, hint: str, text: str) -> None:
        self._asked = ask
        box = self.query_one("#ask", Input)
        box.placeholder, box.value, box.cursor_position = hint, text, len(text)
        box.add_class("asking")
        box.focus()

    def _stop_asking(self, *, cancelled: bool) -> None:
        asked, self._asked = self._asked, None
        box = self.query_one("#ask", Input)
        if asked is Ask.FILTER:
            answer_filter(self.session, "" if cancelled else box.value)
        elif asked is Ask.TIME and not cancelled:
            answer_time(self.session, box.value)
        box.remove_class("asking")
        self.query_one(Canvas).focus()
        self.draw()

    @on(Input.Changed, "#ask")
    def _typed(self, event: Input.Changed) -> None:
        if self._asked is Ask.FILTER:
            answer_filter(self.session, event.value)
            self.draw()

    @on(Input.Submitted, "#ask")
    def _submitted(self) -> None:
        self._stop_asking(cancelled=False)

    def action_help_quit(self) -> None:
        """Leave on ctrl+c."""
        self.command("quit")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Fill the palette from the table of commands."""
        for command in self.session.settings.commands:
            if command.name != "palette":
                yield SystemCommand(command.title, command.help, lambda name=command.name: self.command(name))

    def leave(self, status: int) -> None:
        """End with *status*."""
        self.exit(Ending(status))
