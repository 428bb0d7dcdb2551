"""`pdwatch top`: the fleet in the terminal, or one look at it where there is none."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pdwatch.cli.attaching import ask, connection, look_connected
from pdwatch.cli.errors import UsageError
from pdwatch.cli.keymap import keymap
from pdwatch.cli.narration import say
from pdwatch.cli.settings import resolve
from pdwatch.config.load import to_mapping
from pdwatch.config.model import Config
from pdwatch.record.errors import RecordingError
from pdwatch.scrape.credentials import CredentialsError
from pdwatch.top import exit_code, once
from pdwatch.top.app import Options
from pdwatch.top.app import run as show
from pdwatch.top.screen.terminal import wants_screen
from pdwatch.top.sources import Attached, Source

if TYPE_CHECKING:
    from pdwatch.cli.tape import Tape

RECORDING = "pdwatch.jsonl.zst"


def run(args: argparse.Namespace) -> int:
    """Show the fleet until the viewer leaves. With `--once`, or without a terminal, print one look.

    A look ends with 0 for no finding above information, 1 for warnings, 2 for critical ones, 3 where it cannot be told.
    """
    config = resolve(args, os.environ)
    made_here = args.replay or args.demo is not None
    serve = None if made_here else connection(args, os.environ)
    if args.once or not _has_terminal():
        if serve is not None:
            snapshot = look_connected(serve)
        else:
            from pdwatch.cli.watching import look  # noqa: PLC0415 - what scrapes is loaded only where it is wanted

            snapshot = look(args, config)
        print(once(snapshot, args.format, unicode=_unicode(args)))
        return exit_code(snapshot)
    if serve is None:
        return _watch(args, config)
    options = _options(args, config)
    asyncio.run(ask(serve, "/-/healthy"))
    return _show(Attached(serve), options)


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


def _watch(args: argparse.Namespace, config: Config) -> int:
    """Show what is made in this process; all but a recording can be recorded."""
    from pdwatch.cli.tape import Tape  # noqa: PLC0415
    from pdwatch.cli.watching import source  # noqa: PLC0415

    header = to_mapping(config) if args.demo is None else None
    tape = Tape(Path(args.record or RECORDING), time.time, header)
    try:
        options = _options(args, config, tape if not args.replay else None)
        shown = source(args, config, tape)
        if args.record and not args.replay:
            say(f"pdwatch top: {_started(tape)}")
        return _show(shown, options)
    finally:
        if lacking := tape.close():
            say(f"pdwatch top: what was recorded is not whole{lacking}")


def _show(source: Source, options: Options) -> int:
    try:
        return show(source, options)
    except (ValueError, RecordingError, CredentialsError) as error:
        raise UsageError(str(error)) from error


def _started(tape: Tape) -> str:
    try:
        return tape.toggle()
    except ValueError as error:
        raise UsageError(f"--record: {error}") from error
