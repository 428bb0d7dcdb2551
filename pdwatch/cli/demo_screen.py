"""`pdwatch demo --top`: fleet and serve in a process of their own, the terminal in this one."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from threading import Event, Thread

from pdwatch.cli.errors import UsageError
from pdwatch.cli.parser import parse

_TOLD_TO_END = 128 + signal.SIGTERM
_READY = re.compile(r"look at (http\S+?)/?, or run")


def show(args: argparse.Namespace) -> int:
    """Play the story under a serve and show it until it ends or the viewer leaves.

    Raises `UsageError` where it cannot begin.
    """
    from pdwatch.cli.commands.top import run as run_top  # noqa: PLC0415 - the screen is loaded only where it is wanted

    fleet = subprocess.Popen(  # noqa: S603 - this very program
        _command(args), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    viewer_left = Event()
    with fleet:
        try:
            url = _url(fleet)
            Thread(target=_drain, args=(fleet, viewer_left), daemon=True).start()
            status = run_top(parse(["top", "--connect", url]))
        finally:
            viewer_left.set()
            fleet.terminate()
    return 0 if status == _TOLD_TO_END and args.duration else status


def _drain(fleet: subprocess.Popen[str], viewer_left: Event) -> None:
    """Read what the fleet tells, so that its pipe never fills; the screen shows it better, and ends with it."""
    with suppress(ValueError):  # closed, because the viewer left
        deque(fleet.stderr or (), maxlen=0)
    if not viewer_left.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def _command(args: argparse.Namespace) -> list[str]:
    command = [sys.executable, "-m", "pdwatch", "demo", "--serve", "--scenario", args.scenario]
    command += ["--port", str(args.port), "--speed", str(args.speed), "--seed", str(args.seed)]
    command += ["--for", args.duration] if args.duration else []
    return command + (["--listen", args.listen] if getattr(args, "listen", None) else [])


def _url(fleet: subprocess.Popen[str]) -> str:
    """Return the address of the serve once it is there."""
    last = "the fleet ended without a word"
    for line in fleet.stderr or ():
        if found := _READY.search(line):
            return found[1]
        last = line.strip().removeprefix("pdwatch demo: ")
    raise UsageError(last)
