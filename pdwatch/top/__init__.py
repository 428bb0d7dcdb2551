"""The terminal that says what to do. `once` and `exit_code` need no terminal; `pdwatch.top.app` is the screen."""

from __future__ import annotations

from pdwatch.top.once import FORMATS, once, workers_csv
from pdwatch.top.verdict import exit_code

__all__ = ["FORMATS", "exit_code", "once", "workers_csv"]
