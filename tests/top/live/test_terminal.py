"""The real program in a real terminal: what people see, and what happens when the terminal goes."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[3]
RECORDING = ROOT / "tests" / "recordings" / "kv_transfer_failing.jsonl.gz"
TOP = (sys.executable, "-m", "pdwatch", "top")
REPLAY = (*TOP, "--replay", str(RECORDING))
DEADLINE = 40.0
LEFT = b"\x1b[?1049l"
"""What a program writes when it gives the terminal its own screen back."""


def test_a_viewer_looks_around_and_leaves_the_terminal_as_it_was(tmux, tmp_path: Path) -> None:
    """Pages, evidence, a filter, another size; after `q` the shell's screen and its modes are back."""
    before, after = tmp_path / "before", tmp_path / "after"
    tmux.type(f"stty -a > {before}; echo RE''ADY")
    tmux.until("READY")
    tmux.type(f"{shlex.join(REPLAY)}; echo ENDED $?; stty -a > {after}; echo DO''NE")
    tmux.until("REPLAY kv_transfer_failing.jsonl.gz")
    tmux.press("p", "w")
    tmux.until("READING IT")
    tmux.press("Escape")
    tmux.until("[1 Workers]")
    tmux.press("/", "prefill", "Enter")
    tmux.until("filter prefill")
    tmux.resize(40, 5)
    tmux.until("prefill ")
    tmux.until(lambda screen: "alerts" in "".join(screen.splitlines()[3:4]))
    tmux.resize(80, 24)
    tmux.until("[1 Workers]")
    tmux.press("q")
    tmux.until("ENDED 0")
    tmux.until("DONE")

    assert "[1 Workers]" not in tmux.screen()
    size = re.compile(r"rows \d+; columns \d+;")
    assert size.sub("", before.read_text()) == size.sub("", after.read_text())


def test_the_last_screen_can_be_kept(tmux) -> None:
    """`Q` prints it below the prompt."""
    tmux.type(f"{shlex.join(REPLAY)}; echo ENDED $?")
    tmux.until("REPLAY kv_transfer_failing.jsonl.gz")
    tmux.press("Q")
    tmux.until("ENDED 0")

    assert "SLO" in tmux.screen()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_restored(number: signal.Signals, terminal) -> None:
    """The shell's screen comes back, and the status names the signal."""
    shown = terminal(*REPLAY)
    shown.until(b"REPLAY")
    shown.process.send_signal(number)

    assert 128 + number == shown.ended()
    assert LEFT in shown.output


def test_it_leaves_when_its_terminal_goes(terminal) -> None:
    """Nobody tells it by a signal: the terminal just does not answer any more."""
    shown = terminal(*REPLAY)
    shown.until(b"REPLAY")
    shown.hang_up()

    assert 0 != shown.ended()


def test_no_color_and_ascii(terminal) -> None:
    """With NO_COLOR nothing on the screen has a hue; where the output is ASCII, so is the screen."""
    plain = terminal(*REPLAY, NO_COLOR="1", COLORTERM="truecolor")
    plain.until(b"REPLAY")
    plain.until(b"read-only")
    colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", plain.output)
    spelled = terminal(*REPLAY, PYTHONIOENCODING="ascii")
    spelled.until(b"read-only")

    assert colours
    assert all(len({red, green, blue}) == 1 for red, green, blue in colours)
    assert spelled.output.isascii()


def test_without_a_terminal_it_prints_once() -> None:
    """Into a pipe go text, JSON or a status, never the screen."""
    ran = subprocess.run(
        [*REPLAY], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, timeout=DEADLINE, check=False
    )

    assert ran.stdout.startswith("■ FIX  confidence")
    assert "\x1b" not in ran.stdout + ran.stderr
    assert 2 == ran.returncode


def test_a_serve_that_is_not_there_is_one_line() -> None:
    """With both remedies, and the status of a wrong call."""
    ran = subprocess.run(
        [*TOP, "--once", "--connect", "http://127.0.0.1:1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=DEADLINE,
        check=False,
    )

    assert 2 == ran.returncode
    assert "start pdwatch serve, or name workers with --prefill URL --decode URL" in ran.stderr
    assert 1 == len(ran.stderr.splitlines())


def test_the_mouse_and_the_clipboard(tmux) -> None:
    """A click opens a page, the wheel moves the cursor, and a copy is said."""
    tmux.type(f"{shlex.join(REPLAY)}; echo ENDED $?")
    tmux.until("[1 Workers]")
    lines = tmux.screen().splitlines()
    row = next(index for index, line in enumerate(lines) if "[1 Workers]" in line)
    tmux.click(lines[row].index("Transfer"), row)
    tmux.until("[2 Transfer]")
    tmux.press("y")
    tmux.until("copied:")
    tmux.press("1")
    tmux.wheel_down()
    tmux.until(lambda screen: not any(line.startswith("›") for line in _table(screen)[:1]))
    tmux.press("q")
    tmux.until("ENDED 0")


def _table(screen: str) -> list[str]:
    """Return the rows below the headings of the worker table."""
    lines = screen.splitlines()
    first = next((index for index, line in enumerate(lines) if line.startswith("   worker ")), len(lines))
    return lines[first + 1 :]


def test_a_copy_reaches_the_terminal(terminal) -> None:
    """As OSC 52, which terminals put on the clipboard."""
    shown = terminal(*REPLAY)
    shown.until(b"read-only")
    shown.press(b"y")
    shown.until(b"\x1b]52;c;")
