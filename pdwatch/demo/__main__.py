"""`python -m pdwatch.demo`: the demo without the rest of the product."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pdwatch.demo.command import run
from pdwatch.demo.options import Options


def parse(arguments: Sequence[str]) -> Options:
    """Return the options that *arguments* ask for; exits with 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="pdwatch demo", description="A simulated prefill/decode fleet on loopback.")
    defaults = Options()
    parser.add_argument("--scenario", default=defaults.scenario, help="which story to play; see --list")
    parser.add_argument(
        "--port", type=int, default=defaults.port, help="port of the router, workers follow; 0: free ones"
    )
    parser.add_argument("--speed", type=float, default=defaults.speed, help="simulated seconds per second")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="the same seed gives the same run")
    parser.add_argument("--list", action="store_true", help="print the scenarios and exit")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(run(parse(sys.argv[1:])))
