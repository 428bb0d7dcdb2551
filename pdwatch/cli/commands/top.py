"""`pdwatch top`: the fleet in the terminal, or one look at it where there is none."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pdwatch.cli.attaching import ask, connection
from pdwatch.cli.commands.replay import replayed
from pdwatch.cli.errors import UsageError
from pdwatch.cli.keymap import keymap
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
            print(once(snapshot, args.format, unicode=_unicode(args)))
            return exit_code(snapshot)
        return _show(args)
    except (RecordingError, CredentialsError) as error:
        raise UsageError(str(error)) from error


def _has_terminal() -> bool:
    return wants_screen(os.environ, stdin_tty=sys.stdin.isatty(), stderr_tty=sys.stderr.isatty())


def _unicode(args: argparse.Namespace) -> bool:
    return not args.ascii and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _options(args: argparse.Namespace, config: Config, tape: Tape | None = None) -> Options:
    return Options(
        commands=keymap(config, args.keys),
        theme=config.top.theme or "",
        unicode=_unicode(args),
        inline=args.inline,
        at=args.at or "",
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
    config = resolve(args, os.environ)
    if args.replay:
        return _run(Played(Path(args.replay).name, _recording(args)), _options(args, config))
    serve = connection(args, os.environ) if args.demo is None else None
    if serve is not None:
        options = _options(args, config)
        asyncio.run(ask(serve, "/-/healthy"))
        return _run(Attached(serve), options)
    if args.demo is None:
        require_targets(config)
    header = to_mapping(config) if args.demo is None else None
    with closing(Tape(Path(args.record or RECORDING), time.time, header)) as tape:
        options = _options(args, config, tape)
        if args.record:
            say(f"pdwatch top: {_started(tape)}")
        return _run(_made_here(args, config, tape), options)


def _made_here(args: argparse.Namespace, config: Config, tape: Tape) -> Source:
    """Return the snapshots of a simulated fleet, or of one that is scraped."""
    if args.demo is not None:
        snapshots = simulated(_scenario(args.demo), tape.scrape)
        return Handed(f"demo {args.demo or DEMO}", tape.rounds(snapshots))
    return Handed("direct", tape.rounds(watched(config, tape.scrape)))


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
