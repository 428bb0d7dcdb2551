"""`pdwatch check`: one look, all findings in words."""

from __future__ import annotations

import argparse
import os

from pdwatch.cli.attaching import connection, look_connected
from pdwatch.cli.errors import UsageError
from pdwatch.cli.narration import say
from pdwatch.cli.report import report
from pdwatch.cli.settings import require_targets, resolve
from pdwatch.config.units import parse_duration
from pdwatch.model.encode import dumps
from pdwatch.model.snapshot import Snapshot
from pdwatch.scrape.credentials import CredentialsError
from pdwatch.top import exit_code


def run(args: argparse.Namespace) -> int:
    """Print every finding and return 0 for none, 1 for warnings, 2 for critical, 3 where it cannot be told."""
    snapshot = _look(args)
    print(dumps(snapshot) if args.format == "json" else report(snapshot))
    return exit_code(snapshot)


def _look(args: argparse.Namespace) -> Snapshot:
    serve = connection(args, os.environ)
    if serve is not None:
        return look_connected(serve)
    from pdwatch.cli.look import look_direct  # noqa: PLC0415 - what scrapes is loaded only where it is wanted

    config = resolve(args, os.environ)
    require_targets(config)
    try:
        seconds = parse_duration(args.duration)
    except ValueError as error:
        raise UsageError(f"--for {args.duration}: {error}") from error
    say(f"pdwatch check: looking for {args.duration}")
    try:
        return look_direct(config, seconds)
    except CredentialsError as error:
        raise UsageError(str(error)) from error
