"""`pdwatch generate`."""

from __future__ import annotations

import argparse

from pdwatch.cli.errors import UsageError


def run(args: argparse.Namespace) -> int:
    """Raise `UsageError`."""
    raise UsageError(f"{args.command} is not built yet; use a later version of pdwatch")
