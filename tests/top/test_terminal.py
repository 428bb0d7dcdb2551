"""The real program in a real terminal: tmux for what people see, a bare pty for what happens when it goes."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "tests" / "recordings" / "kv_transfer_failing.jsonl.gz"
TOP = (sys.executable, "-m", "pdwatch", "top")
REPLAY = (*TOP, "--replay", str(RECORDING))
DEADLINE = 40.0
LEFT = b"\x1b[?1049l"
"""What a program writes when it gives the terminal its own screen back."""


def _until(look: Callable[[], object], what: Callable[[], str]) -> None:
    end = time.monotonic() + DEADLINE
    while not look():
        assert time.monotonic() < end, what()
        time.sleep(0.05)


class Tmux:
    """A terminal of its own with a shell in it."""

    _count = itertools.count()

    def __init__(self, program: str, columns: int = 120, lines: int = 40) -> None:
        self._base = (program, "-L", f"pdwatch-test-{os.getpid()}-{next(self._count)}", "-f", "/dev/null")
        size = ("-x", str(columns), "-y", str(lines))
        self._run("new-session", "-d", *size, "-c", str(ROOT), "env PS1='$ ' LC_ALL=C.UTF-8 sh")

    def _run(self, *arguments: str) -> str:
        ran = subprocess.run([*self._base, *arguments], capture_output=True, text=True, check=True, timeout=30)
        return ran.stdout

    def screen(self) -> str:
        """Return what stands on the screen."""
        return self._run("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Press keys by their names in tmux."""
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a line to the shell."""
        self._run("send-keys", "-l", text)
        self.press("Enter")

    def until(self, text: str) -> None:
        """Wait until *text* is on the screen."""
        _until(lambda: text in self.screen(), lambda: f"{text!r} is not on the screen:\n{self.screen()}")

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        self._run("resize-window", "-x", str(columns), "-y", str(lines))

    def close(self) -> None:
        """End the terminal and what runs in it."""
        subprocess.run([*self._base, "kill-server"], capture_output=True, check=False, timeout=30)


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    """A terminal of 120 by 40 cells."""
    program = shutil.which("tmux")
    if program is None:
        (pytest.fail if os.environ.get("REQUIRE_LIVE") == "1" else pytest.skip)("tmux is not installed")
    terminal = Tmux(program)
    yield terminal
    terminal.close()


def test_a_viewer_looks_around_and_leaves_the_terminal_as_it_was(tmux: Tmux, tmp_path: Path) -> None:
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
    _until(lambda: "alerts" in "".join(tmux.screen().splitlines()[3:4]), tmux.screen)
    tmux.resize(80, 24)
    tmux.until("[1 Workers]")
    tmux.press("q")
    tmux.until("ENDED 0")
    tmux.until("DONE")

    assert "[1 Workers]" not in tmux.screen()
    size = re.compile(r"rows \d+; columns \d+;")
    assert size.sub("", before.read_text()) == size.sub("", after.read_text())


def test_the_last_screen_can_be_kept(tmux: Tmux) -> None:
    """`Q` prints it below the prompt."""
    tmux.type(f"{shlex.join(REPLAY)}; echo ENDED $?")
    tmux.until("REPLAY kv_transfer_failing.jsonl.gz")
    tmux.press("Q")
    tmux.until("ENDED 0")

    assert "SLO" in tmux.screen()


class Terminal:
    """A bare pty with a program on it."""

    def __init__(self, *command: str, **environ: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"} | environ
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=environment)
        os.close(slave)
        self.output = b""

    def until(self, text: bytes) -> None:
        """Read until the program has written *text*."""
        end = time.monotonic() + DEADLINE
        while text not in self.output:
            assert time.monotonic() < end, self.output[-2000:]
            self._read(0.1)

    def _read(self, seconds: float) -> None:
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.output += os.read(self.master, 65536)
            except OSError:  # Linux tells the end of a pty so
                return

    def ended(self) -> int:
        """Return the exit status, reading what the program still writes."""
        end = time.monotonic() + DEADLINE
        while self.process.poll() is None:
            assert time.monotonic() < end, "it does not end"
            if self.master >= 0:
                self._read(0.05)
        self._drain()
        return self.process.returncode

    def _drain(self) -> None:
        while self.master >= 0 and select.select([self.master], [], [], 0)[0]:
            before = len(self.output)
            self._read(0)
            if len(self.output) == before:
                return

    def hang_up(self) -> None:
        """Take the terminal away, as a closed window does."""
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        """End the program."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.master >= 0:
            os.close(self.master)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Start programs on a pty of their own; they are ended with the test."""
    started: list[Terminal] = []

    def start(*command: str, **environ: str) -> Terminal:
        started.append(Terminal(*command, **environ))
        return started[-1]

    yield start
    for one in started:
        one.close()


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
