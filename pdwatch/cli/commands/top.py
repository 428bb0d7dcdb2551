"""`pdwatch top`: the fleet in the terminal, or one look at it where there is none."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from pdwatch.cli.attaching import ask, connection
from pdwatch.cli.commands.replay import replayed
from pdwatch.cli.errors import UsageError
from pdwatch.cli.live import last_within, simulated, watched
from pdwatch.cli.look import look_connected, look_direct
from pdwatch.cli.narration import say
from pdwatch.cli.parser import nearest
from pdwatch.cli.settings import require_targets, resolve
from pdwatch.cli.tape import Tape
from pdwatch.config.load import to_mapping
from pdwatch.config.model import Config
from pdwatch.demo import SCENARIOS, Scenario
from pdwatch.model.snapshot import Snapshot
from pdwatch.record.errors import RecordingError
from pdwatch.record.notes import Notes
from pdwatch.scrape.credentials import CredentialsError
from pdwatch.top import exit_code, once
from pdwatch.top.app import Options
from pdwatch.top.app import run as show
from pdwatch.top.screen.terminal import wants_screen
from pdwatch.top.sources import Attached, Handed, Played, Source

LOOK_SECONDS = 12.0
RECORDING = "pdwatch.jsonl.zst"
DEMO = "decode_bound"
"""The scenario that shows most."""


def run(args: argparse.Namespace) -> int:
    """Show the fleet until the viewer leaves. With `--once`, or without a terminal, print one look.

    A look ends with 0 for no finding above information, 1 for warnings, 2 for critical ones, 3 where it cannot be told.
    """
    try:
        if args.once or not _has_terminal():
            snapshot = _look(args)
            print(once(snapshot, args.format, unicode=_options(args).unicode))
            return exit_code(snapshot)
        return _show(args)
    except (RecordingError, CredentialsError) as error:
        raise UsageError(str(error)) from error


def _has_terminal() -> bool:
    return wants_screen(os.environ, stdin_tty=sys.stdin.isatty(), stderr_tty=sys.stderr.isatty())


def _options(args: argparse.Namespace, tape: Tape | None = None) -> Options:
    given: Mapping[str, Any] = vars(args)
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return Options(
        theme=given.get("theme") or "",
        unicode=not given.get("ascii") and encoding == "utf8",
        inline=bool(given.get("inline")),
        at=given.get("at") or "",
        record=tape.toggle if tape is not None else None,
    )


def _look(args: argparse.Namespace) -> Snapshot:
    if args.replay:
        last = deque(_recording(args), maxlen=1)
        if not last:
            raise UsageError(f"{args.replay}: no tick in it, so no snapshot; record for longer than one interval")
        return last[0]
    if args.demo is not None:
        return asyncio.run(last_within(simulated(_scenario(args.demo)), LOOK_SECONDS))
    serve = connection(args, os.environ)
    return look_connected(serve) if serve is not None else look_direct(_config(args), LOOK_SECONDS)


def _show(args: argparse.Namespace) -> int:
    if args.replay:
        return _run(Played(Path(args.replay).name, _recording(args)), _options(args))
    serve = connection(args, os.environ) if args.demo is None else None
    if serve is not None:
        asyncio.run(ask(serve, "/-/healthy"))
        return _run(Attached(serve), _options(args))
    config = _config(args) if args.demo is None else None
    path = Path(vars(args).get("record") or RECORDING)
    with closing(Tape(path, time.time, to_mapping(config) if config is not None else None)) as tape:
        if vars(args).get("record"):
            say(f"pdwatch top: {_started(tape)}")
        if config is not None:
            source = Handed("direct", tape.rounds(watched(config, tape.scrape)))
        else:
            source = Handed(f"demo {args.demo or DEMO}", tape.rounds(simulated(_scenario(args.demo), tape.scrape)))
        return _run(source, _options(args, tape))


def _run(source: Source, options: Options) -> int:
    try:
        return show(source, options)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _started(tape: Tape) -> str:
    try:
        return tape.toggle()
    except ValueError as error:
        raise UsageError(f"--record: {error}") from error


def _recording(args: argparse.Namespace) -> Iterator[Snapshot]:
    asked = argparse.Namespace(**(vars(args) | {"file": args.replay}))
    return replayed(asked, Notes())


def _scenario(name: str) -> Scenario:
    chosen = name or DEMO
    if chosen not in SCENARIOS:
        raise UsageError(f"--demo {chosen!r} is not one of them; {nearest(chosen, SCENARIOS)}")
    return SCENARIOS[chosen]


def _config(args: argparse.Namespace) -> Config:
    config = resolve(args, os.environ)
    require_targets(config)
    return config
