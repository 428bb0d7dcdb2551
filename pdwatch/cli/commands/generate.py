"""`pdwatch generate`: write what is made from the catalogue, or tell where the files differ."""

from __future__ import annotations

import argparse
from pathlib import Path

from pdwatch.cli.errors import UsageError
from pdwatch.cli.narration import say
from pdwatch.generate.pages import PAGES, differing, write

DIFFERS = 1


def run(args: argparse.Namespace) -> int:
    """Write the files of a kind, or with `--check` return 1 where they differ from what would be written."""
    if args.kind not in PAGES:
        raise UsageError(f"{args.kind} is not built yet; there is {', '.join(PAGES)}")
    folder = Path(args.output or args.kind)
    if args.check:
        changed = differing(args.kind, folder)
        for path in changed:
            say(f"pdwatch generate: {path} differs; write it anew with: pdwatch generate {args.kind} --output {folder}")
        return DIFFERS if changed else 0
    try:
        changed = write(args.kind, folder)
    except OSError as error:
        where = error.filename or folder
        raise UsageError(f"{where}: {error.strerror}; name a folder that can be written with --output") from error
    for path in changed:
        print(path)
    return 0
