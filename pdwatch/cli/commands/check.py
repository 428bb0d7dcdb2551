"""`pdwatch check`."""

from __future__ import annotations

import argparse

from pdwatch.cli.errors import UsageError


def run(_args: argparse.Namespace) -> int:
    """Raise `UsageError`."""
    raise UsageError("not built yet; use a later version")
