"""The screen from start to end: `run` shows a source and returns an exit status."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pdwatch.model.history import HOUR
from pdwatch.top.command import COMMANDS, Command
from pdwatch.top.session import HISTORY_BYTES, Session, Settings
from pdwatch.top.sources import Source

REPLAY_SECONDS = 1e12
REPLAY_BYTES = 256 * 2**20
"""A replay keeps everything that it has read, up to here."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the screen is shown."""

    commands: Sequence[Command] = COMMANDS
    """With their keys."""
    theme: str = ""
    unicode: bool = True
    inline: bool = False
    """Draw twelve lines below the prompt instead of taking the whole screen."""
    at: str = ""
    """A time in the source's past to begin at: `-10m`, `14:18`."""
    record: Callable[[], str] | None = None
    """Starts or stops a recording and says so in one line; raises `OSError` or `ValueError` where it cannot."""


def new_session(source: Source, options: Options) -> Session:
    """Return a session for *source*."""
    return Session(
        Settings(
            source=source.name,
            replay=source.replay,
            unicode=options.unicode,
            commands=options.commands,
            history_seconds=REPLAY_SECONDS if source.replay else HOUR,
            history_bytes=REPLAY_BYTES if source.replay else HISTORY_BYTES,
        )
    )


def _mend_environment() -> None:
    """Take away what Textual would read otherwise than people mean it.

    An empty NO_COLOR asks for nothing (no-color.org). COLUMNS and LINES that a shell exported hide every resize.
    """
    if not os.environ.get("NO_COLOR", "x"):
        del os.environ["NO_COLOR"]
    if not os.environ.get("TEXTUAL_DRIVER"):
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)


def run(source: Source, options: Options) -> int:
    """Show *source* until the viewer leaves or the terminal goes; return the exit status.

    Raises what the source failed with.
    """
    session = new_session(source, options)
    _mend_environment()
    from pdwatch.top.screen.application import ScreenOptions, TopApp  # noqa: PLC0415 - loads Textual

    screen_options = ScreenOptions(theme=options.theme, at=options.at, record=options.record)
    ending = TopApp(session, source, screen_options).run(inline=options.inline)
    if ending is None:
        return 1
    if ending.failure is not None:
        raise ending.failure
    if ending.text:
        print(ending.text)
    return ending.status
