"""Manners at the terminal: leaving when it goes, and when a signal says so."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping

HANGUP = 128 + signal.SIGHUP
LAST_RESORT_SECONDS = 1.0


def wants_screen(environ: Mapping[str, str], *, stdin_tty: bool, stderr_tty: bool) -> bool:
    """Tell whether a screen can be shown. Textual reads standard input and draws on standard error.

    A browser's terminal has neither and names its driver in TEXTUAL_DRIVER.
    """
    return bool(environ.get("TEXTUAL_DRIVER")) or (stdin_tty and stderr_tty)


def terminal_is_there() -> bool:
    """Tell whether the terminal still answers; it does not when its window or connection is gone."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    try:
        return os.isatty(sys.__stdin__.fileno()) if sys.__stdin__ is not None else False
    except (OSError, ValueError):
        return False


def leave_on_signals(leave: Callable[[int], None]) -> None:
    """Call *leave* with the exit status when SIGTERM or SIGHUP arrives."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, leave, 128 + number)


def leave_for_certain(status: int) -> None:
    """End the process soon, even where writing to a terminal that is gone blocks."""
    timer = threading.Timer(LAST_RESORT_SECONDS, os._exit, (status,))
    timer.daemon = True
    timer.start()
