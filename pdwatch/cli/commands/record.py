"""`pdwatch record`: write scrapes to a recording until stopped."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pdwatch.cli.clock import unix_time
from pdwatch.cli.daemon import Daemon
from pdwatch.cli.errors import UsageError
from pdwatch.cli.narration import say
from pdwatch.cli.settings import require_targets, resolve
from pdwatch.config.load import to_mapping
from pdwatch.config.model import Config
from pdwatch.config.units import parse_duration, parse_size
from pdwatch.model.snapshot import Snapshot
from pdwatch.record.errors import RecordingError
from pdwatch.record.recorder import Recorder
from pdwatch.record.redaction import Redaction
from pdwatch.record.rotation import Rotation
from pdwatch.scrape.credentials import CredentialsError

PROGRESS_SECONDS = 60.0
Value = TypeVar("Value")


def run(args: argparse.Namespace) -> int:
    """Record until SIGINT or SIGTERM. Raises `UsageError` or `ConfigError` where it cannot begin."""
    config = resolve(args, os.environ)
    require_targets(config)
    rotation = Rotation(
        _parsed(parse_size, "--max-size", args.max_size), _parsed(parse_duration, "--max-age", args.max_age)
    )
    redaction = _parsed(Redaction, "--redact", args.redact) if args.redact is not None else None
    try:
        header = to_mapping(config)
        with Recorder(Path(args.output), unix_time(), header, rotation, redaction=redaction) as recorder:
            asyncio.run(_record(config, recorder))
        if recorder.lacking:
            say(f"pdwatch record: {recorder.path} is not whole{recorder.lacking}")
    except (RecordingError, CredentialsError) as error:
        raise UsageError(str(error)) from error
    return 0


def _parsed(parse: Callable[[str], Value], flag: str, text: str) -> Value:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"{flag} {text}: {error}") from error


async def _record(config: Config, recorder: Recorder) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    progress = _Progress(recorder)

    def close_round(snapshot: Snapshot) -> None:
        recorder.judged(snapshot)
        recorder.tick(snapshot.t)
        progress.hear(snapshot)

    daemon = Daemon(config, unix_time, close_round, recorder.scrape)
    await daemon.start()
    say(f"pdwatch record: writing {recorder.path}; Ctrl-C ends it")
    try:
        await stop.wait()
    finally:
        await daemon.stop()
        say(f"pdwatch record: {progress.rounds} rounds in {recorder.path}")


class _Progress:
    """Tells now and then that rounds are written, and at once when they cannot be."""

    def __init__(self, recorder: Recorder) -> None:
        self.rounds = 0
        self._recorder = recorder
        self._told = 0.0
        self._error: str | None = None

    def hear(self, snapshot: Snapshot) -> None:
        """Take note of a closed round."""
        if self._recorder.error != self._error:
            self._error = self._recorder.error
            say(f"pdwatch record: {self._error or 'recording again'}")
        self.rounds += self._error is None
        if snapshot.t - self._told >= PROGRESS_SECONDS:
            self._told = snapshot.t
            fleet = snapshot.self_state
            say(f"pdwatch record: {self.rounds} rounds, {fleet.up} of {fleet.workers} workers up")
