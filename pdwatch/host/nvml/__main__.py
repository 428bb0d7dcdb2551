"""`python -m pdwatch.host.nvml [--gpm]` prints one reading of this host's GPUs as JSON.

Exit codes: 0 printed, 1 failed, 3 no NVIDIA driver or GPU here; the reason goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from pdwatch.host.collector import CollectError, NothingHere
from pdwatch.host.nvml.codec import encode
from pdwatch.host.nvml.supervisor import NvmlCollector, Patience

_GPM_SECONDS = 0.5
"""Between the two samples that a share of time needs; NVML wants at least 0.1."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one reading and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pdwatch.host.nvml", description="Print this host's GPUs as JSON.")
    parser.add_argument("--gpm", action="store_true", help="sample the performance monitors; not beside DCGM")
    options = parser.parse_args(arguments)
    collector = NvmlCollector(gpm=options.gpm, patience=Patience(answer=60.0))
    try:
        if options.gpm:
            collector.collect()
            time.sleep(_GPM_SECONDS)
        json.dump(encode(collector.collect()), sys.stdout, indent=2)
    except NothingHere as reason:
        sys.stderr.write(f"no GPU: {reason}\n")
        return 3
    except CollectError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        collector.close()
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
