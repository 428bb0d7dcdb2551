"""Snapshots that `top` makes in this process: of a fleet that it scrapes, of a simulated one, of a recording.

Apart from `top` itself, since a screen that attaches to a serve starts in half the time without all this.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from pdwatch.cli.commands.replay import replayed
from pdwatch.cli.errors import UsageError
from pdwatch.cli.live import last_within, simulated, watched
from pdwatch.cli.look import look_direct
from pdwatch.cli.parser import nearest
from pdwatch.cli.settings import require_targets
from pdwatch.cli.tape import Tape
from pdwatch.config.model import Config
from pdwatch.demo import SCENARIOS, Scenario
from pdwatch.model.snapshot import Snapshot
from pdwatch.record.errors import RecordingError
from pdwatch.record.notes import Notes
from pdwatch.scrape.credentials import CredentialsError
from pdwatch.top.sources import Handed, Played, Source

LOOK_SECONDS = 12.0
DEMO = "decode_bound"
"""The scenario that shows most."""


def look(args: argparse.Namespace, config: Config) -> Snapshot:
    """Return one snapshot. Raises `UsageError` where there is none."""
    try:
        if args.replay:
            return _last(args)
        if args.demo is not None:
            return asyncio.run(last_within(simulated(_scenario(args.demo)), LOOK_SECONDS))
        require_targets(config)
        return look_direct(config, LOOK_SECONDS)
    except (RecordingError, CredentialsError) as error:
        raise UsageError(str(error)) from error


def _last(args: argparse.Namespace) -> Snapshot:
    last = deque(_recording(args), maxlen=1)
    if not last:
        raise UsageError(f"{args.replay}: no tick in it, so no snapshot; record for longer than one interval")
    return last[0]


def source(args: argparse.Namespace, config: Config, tape: Tape) -> Source:
    """Return what a screen shows; *tape* hears what is scraped. Raises `UsageError` where there is nothing to watch."""
    if args.replay:
        return Played(Path(args.replay).name, _recording(args))
    if args.demo is not None:
        snapshots = simulated(_scenario(args.demo), tape.scrape)
        return Handed(f"demo {args.demo or DEMO}", tape.rounds(snapshots))
    require_targets(config)
    return Handed("direct", tape.rounds(watched(config, tape.scrape)))


def _recording(args: argparse.Namespace) -> Iterator[Snapshot]:
    asked = argparse.Namespace(**(vars(args) | {"file": args.replay}))
    return replayed(asked, Notes())


def _scenario(name: str) -> Scenario:
    chosen = name or DEMO
    if chosen not in SCENARIOS:
        raise UsageError(f"--demo {chosen!r} is not one of them; {nearest(chosen, SCENARIOS)}")
    return SCENARIOS[chosen]
