"""`pdwatch demo --top`: fleet, serve and screen with one command, and nothing left behind."""

from __future__ import annotations

import itertools
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

DEADLINE = 20.0
_seeds = itertools.count(100_000 + os.getpid())


@pytest.fixture
def seed() -> str:
    """A seed that no other run has: it tells the processes of this test from all others."""
    return str(next(_seeds))


@pytest.fixture
def command(seed: str) -> Callable[..., tuple[str, ...]]:
    """Build the command line of a demo on free ports."""

    def build(*flags: str) -> tuple[str, ...]:
        places = ("--port", "0", "--listen", "127.0.0.1:0", "--seed", seed)
        return (sys.executable, "-m", "pdwatch", "demo", "--top", *places, *flags)

    return build


def _running(seed: str) -> list[str]:
    """Return the command lines of the demo that has this seed."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue
        found += [" ".join(words)] if seed in words else []
    return found


def _gone(seed: str) -> bool:
    end = time.monotonic() + DEADLINE
    while _running(seed) and time.monotonic() < end:
        time.sleep(0.05)
    return not _running(seed)


def test_a_viewer_watches_a_worker_die_and_leaves_nothing_behind(tmux, command, seed: str) -> None:
    """The verdict, the finding on its page, the bounds on another; after `q` fleet and serve are gone as well."""
    tmux.type(f"{shlex.join(command('--scenario', 'decode_dies', '--speed', '20'))}; echo ENDED $?")
    tmux.until("■ FIX")
    tmux.press("6")
    tmux.until("worker_down")
    tmux.press("w")
    tmux.until("BOUNDS")
    assert 2 == len(_running(seed))
    tmux.press("q")
    tmux.until("ENDED 0")

    assert _gone(seed)


def test_the_screen_ends_with_the_demo(tmux, command, seed: str) -> None:
    """`--for` is for both; the terminal is the shell's again."""
    tmux.type(f"{shlex.join(command('--for', '4s'))}; echo ENDED $?")
    tmux.until("[1 Workers]")
    tmux.until("ENDED 0")

    assert "[1 Workers]" not in tmux.screen()
    assert _gone(seed)


def test_nothing_is_left_when_the_terminal_goes(terminal, command, seed: str) -> None:
    """A closed window ends screen, serve and fleet."""
    shown = terminal(*command())
    shown.until(b"read-only")
    shown.hang_up()

    assert 0 != shown.ended()
    assert _gone(seed)


def test_a_demo_that_cannot_begin_is_one_line(terminal, command) -> None:
    """What the fleet says is said, without its name twice."""
    shown = terminal(*command("--scenario", "healthy", "--listen", "nowhere"))

    assert 2 == shown.ended()
    assert b"pdwatch demo: " in shown.output
    assert b"Traceback" not in shown.output
    assert 1 == len(shown.output.decode().strip().splitlines())
