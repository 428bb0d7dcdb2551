"""Engine logs of this host: what they tell that no metric does, expert balance and faults above all."""

from __future__ import annotations

from pdwatch.host.logs.balancedness import BalancednessFold, usable
from pdwatch.host.logs.collector import LogCollector
from pdwatch.host.logs.parse import parse_line
from pdwatch.host.logs.pipe import JournalTail, PipeTail
from pdwatch.host.logs.source import Batch, LogSource
from pdwatch.host.logs.tail import LogTail

__all__ = [
    "BalancednessFold",
    "Batch",
    "JournalTail",
    "LogCollector",
    "LogSource",
    "LogTail",
    "PipeTail",
    "parse_line",
    "usable",
]
