"""Real terminals for the real program: tmux for what people see, a bare pty for what happens when it goes."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DEADLINE = 40.0


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

    def until(self, wanted: str | Callable[[str], object]) -> None:
        """Wait until a text is on the screen, or until what is there is as wanted."""
        shows = wanted if callable(wanted) else lambda screen: wanted in screen
        end = time.monotonic() + DEADLINE
        while not shows(self.screen()):
            assert time.monotonic() < end, f"{wanted!r} is not on the screen:\n{self.screen()}"
            time.sleep(0.05)

    def click(self, column: int, line: int) -> None:
        """Press and release the left button on a cell, as a terminal tells it (SGR 1006)."""
        at = f"{column + 1};{line + 1}"
        self._run("send-keys", "-l", f"\x1b[<0;{at}M\x1b[<0;{at}m")

    def wheel_down(self) -> None:
        """Turn the wheel by one."""
        self._run("send-keys", "-l", "\x1b[<65;20;20M")

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

    def press(self, keys: bytes) -> None:
        """Send what a keyboard sends."""
        os.write(self.master, keys)

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
