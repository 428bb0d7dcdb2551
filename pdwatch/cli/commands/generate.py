"""`pdwatch generate`: write what is made from the catalogue, tell where the files differ, or draw dashboards."""

from __future__ import annotations

import argparse
from pathlib import Path

from pdwatch.cli.errors import UsageError
from pdwatch.cli.generating import choices
from pdwatch.cli.narration import say
from pdwatch.config.units import parse_duration
from pdwatch.generate.options import Options
from pdwatch.generate.pages import differing, folder_of, write

DIFFERS = 1


def run(args: argparse.Namespace) -> int:
    """Write the files of a kind, or with `--check` return 1 where they differ from what would be written."""
    options = choices(args)
    if args.preview:
        return _preview(args, options)
    folder = Path(args.output or folder_of(args.kind))
    if args.check:
        changed = differing(args.kind, folder, options)
        for path in changed:
            say(f"pdwatch generate: {path} differs; write it anew with: pdwatch generate {args.kind} --output {folder}")
        return DIFFERS if changed else 0
    try:
        changed = write(args.kind, folder, options)
    except OSError as error:
        raise _unwritable(error, folder) from error
    for path in changed:
        print(path)
    return 0


def _preview(args: argparse.Namespace, options: Options) -> int:
    from pdwatch.generate.dashboards.preview.pages import write as draw  # noqa: PLC0415 - loads grafanalib and httpx
    from pdwatch.generate.dashboards.preview.prometheus import PreviewError  # noqa: PLC0415

    if args.kind != "dashboards" or args.check:
        raise UsageError("--preview draws dashboards; write: pdwatch generate dashboards --preview URL")
    folder = Path(args.output or "preview")
    try:
        pages = draw(args.preview, folder, parse_duration(args.last), options)
    except ValueError as error:
        raise UsageError(f"--last {args.last}: {error}") from error
    except PreviewError as error:
        raise UsageError(f"--preview {error}") from error
    except OSError as error:
        raise _unwritable(error, folder) from error
    for path in pages:
        print(path)
    return 0


def _unwritable(error: OSError, folder: Path) -> UsageError:
    where = error.filename or folder
    return UsageError(f"{where}: {error.strerror}; name a folder that can be written with --output")
