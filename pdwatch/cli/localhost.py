"""The host that pdwatch itself runs on, watched as the configuration says."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pdwatch.cli.clock import unix_time
from pdwatch.config.model import Agent, Config
from pdwatch.config.types import STDIN
from pdwatch.host.fabric import FabricCollector
from pdwatch.host.logs import JournalTail, LogCollector, LogSource, LogTail, PipeTail
from pdwatch.host.nvml.supervisor import NvmlCollector
from pdwatch.host.processes import ProcessCollector, ProcFs
from pdwatch.host.watch import Collectors, HostWatch, is_telling
from pdwatch.model.host import HostReading


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What decides how the host is watched; while it stays the same, so do the collectors and what they know."""

    sysfs: Path
    procfs: Path
    agent: Agent
    interval: float


class LocalHost:
    """Watches this host from `use` to `stop`.

    *always* gives a reading even where there has been nothing to watch. *patience* is how long `use` waits for the
    first outcome of each collector, in seconds.
    """

    def __init__(self, *, always: bool = False, patience: float = 0.0) -> None:
        self._told = always
        self._patience = patience
        self._wanted: _Wanted | None = None
        self._watch: HostWatch | None = None

    async def use(self, config: Config) -> None:
        """Watch as *config* says from now on."""
        wanted = _Wanted(config.path.sysfs, config.path.procfs, config.agent, config.scrape.interval)
        if wanted == self._wanted:
            return
        await self.stop()
        self._wanted, self._watch = wanted, host_watch(config)
        self._watch.start()
        if self._patience:
            await asyncio.to_thread(self._watch.wait_first, self._patience)

    def reading(self) -> HostReading | None:
        """Return the newest reading; `None` where the host has had nothing to watch.

        Once it had, it is told for good: a host whose engines ended is empty, not stale.
        """
        reading = self._watch.reading() if self._watch is not None else None
        if reading is None:
            return None
        self._told = self._told or is_telling(reading)
        return reading if self._told else None

    async def stop(self) -> None:
        """Stop watching."""
        watch, self._watch, self._wanted = self._watch, None, None
        if watch is not None:
            await asyncio.to_thread(watch.close)


def host_watch(config: Config) -> HostWatch:
    """Return what watches the host that *config* describes."""
    collectors = Collectors(
        gpus=NvmlCollector(),
        fabric=FabricCollector(config.path.sysfs),
        processes=ProcessCollector(ProcFs(config.path.procfs)),
        logs=LogCollector(list(_log_sources(config.agent)), unix_time),
    )
    host = config.agent.host or socket.gethostname()
    return HostWatch(host, collectors, interval=config.scrape.interval, sysfs=config.path.sysfs, clock=unix_time)


def _log_sources(agent: Agent) -> Iterator[LogSource]:
    for path in agent.logs:
        yield PipeTail(sys.stdin.fileno()) if path == STDIN else LogTail(path)
    for unit in agent.journal:
        yield JournalTail(unit)
