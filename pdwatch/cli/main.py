"""The console script: parse, dispatch, and turn what went wrong into one line and an exit status.

| status | means |
|---|---|
| 0 to 3 | what the command says |
| 2 | a wrong call or configuration |
| 130 | interrupted by Ctrl-C |
| 141 | the reader of standard output went away |
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from pdwatch.cli.errors import UsageError
from pdwatch.cli.parser import parse, program
from pdwatch.config.errors import ConfigError

WRONG_CALL = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


def run() -> NoReturn:
    """Run the command line of this process and exit with its status."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run a command and return its exit status."""
    try:
        status = _dispatch(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    return status


def _dispatch(argv: Sequence[str]) -> int:
    try:
        args = parse(argv)
        module = importlib.import_module(f"pdwatch.cli.commands.{args.command}")
        body: Callable[..., int] = module.run
        return body(args)
    except SystemExit as answered:
        return int(answered.code or 0)
    except (UsageError, ConfigError) as error:
        print(f"{program(argv)}: {error}", file=sys.stderr)
        return WRONG_CALL


def _silence_stdout() -> None:
    """Send what is left in the buffer of standard output nowhere, so that the interpreter ends in silence."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
