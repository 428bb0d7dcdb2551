"""`pdwatch agent`: the same exporter for one host."""

from __future__ import annotations

import argparse
import os
from functools import partial

from pdwatch.cli.commands.serve import Program, run_program
from pdwatch.cli.localhost import LocalHost
from pdwatch.cli.settings import resolve
from pdwatch.config.model import Config

FIRST_LOOK_SECONDS = 3.0
"""How long the first page waits for slow collectors."""


def run(args: argparse.Namespace) -> int:
    """Serve what the own host tells until SIGINT or SIGTERM; SIGHUP loads the configuration again.

    Raises `UsageError` or `ConfigError` where it cannot begin.
    """
    local = partial(LocalHost, always=True, patience=FIRST_LOOK_SECONDS)
    return run_program(Program("pdwatch agent", partial(agent_config, args), local))


def agent_config(args: argparse.Namespace) -> Config:
    """Return the configuration without workers, other hosts and a shard, which serve may have in the same file."""
    nothing = {"discovery": (), "hosts": (), "prefill": (), "decode": (), "router": None, "shard": None}
    return resolve(args, os.environ).model_copy(update=nothing)
