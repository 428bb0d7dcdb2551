"""`pdwatch replay`: a recording in, one snapshot a tick out, faster than time."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from itertools import chain

from pdwatch.cli.errors import UsageError
from pdwatch.cli.narration import say
from pdwatch.cli.report import report
from pdwatch.cli.settings import config_path, resolve
from pdwatch.cli.wiring import road_settings
from pdwatch.config.load import from_mapping
from pdwatch.config.model import Config
from pdwatch.model.encode import dumps
from pdwatch.model.snapshot import Snapshot
from pdwatch.record.errors import RecordingError
from pdwatch.record.notes import Notes
from pdwatch.record.reader import read
from pdwatch.record.rounds import Round, rounds
from pdwatch.road.replay import snapshots
from pdwatch.road.road import Road


def run(args: argparse.Namespace) -> int:
    """Print a snapshot for each tick, flushed; what was passed over is told on standard error."""
    notes = Notes(report=lambda line: say(f"pdwatch replay: {args.file}: {line}"))
    show = dumps if args.format == "jsonl" else _text
    count = 0
    try:
        for snapshot in replayed(args, notes):
            print(show(snapshot), flush=True)
            count += 1
    except RecordingError as error:
        raise UsageError(str(error)) from error
    if not count:
        say(f"pdwatch replay: {args.file}: no tick in it, so no snapshot")
    return 0


def replayed(args: argparse.Namespace, notes: Notes) -> Iterator[Snapshot]:
    """Yield the snapshots of a recording, judged by `--config` or, without it, by what its header says."""
    recorded = rounds(read(args.file, notes), notes)
    first = next(recorded, None)
    if first is not None:
        yield from snapshots(chain((first,), recorded), Road(road_settings(_config(args, first))))


def _config(args: argparse.Namespace, first: Round) -> Config:
    header = first.header
    if config_path(args, os.environ) is None and header is not None and header.config:
        return from_mapping(header.config, f"{args.file}: header")
    return resolve(args, os.environ)


def _text(snapshot: Snapshot) -> str:
    return f"t={snapshot.t:.3f}\n{report(snapshot)}\n"
