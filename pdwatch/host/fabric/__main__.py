"""`python -m pdwatch.host.fabric [--path.sysfs DIR]` prints this host's RDMA ports as a table.

Exit codes: 0 printed, 1 failed, 3 no RDMA device here; the reason goes to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pdwatch.host.collector import CollectError, NothingHere
from pdwatch.host.fabric.collector import FabricCollector
from pdwatch.host.fabric.show import table


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one reading and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pdwatch.host.fabric", description="Show this host's RDMA ports.")
    parser.add_argument("--path.sysfs", dest="sysfs", type=Path, default=Path("/sys"), metavar="DIR", help="sysfs")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(table(FabricCollector(options.sysfs).collect()) + "\n")
    except NothingHere as reason:
        sys.stderr.write(f"{reason}\n")
        return 3
    except CollectError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
