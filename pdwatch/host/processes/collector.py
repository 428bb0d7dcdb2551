"""The collector of engine processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pdwatch.host.collector import CollectError, NothingHere
from pdwatch.host.processes.engineconfig import engine_config
from pdwatch.host.processes.identify import launcher, title
from pdwatch.host.processes.procfs import Gone, ProcFs
from pdwatch.host.processes.sockets import Sockets
from pdwatch.host.processes.tree import Census, Family, families
from pdwatch.model.process import (
    ROUTER_FAMILIES,
    Container,
    EngineGroup,
    EngineProcess,
    HostProcesses,
    Limits,
    ProcessKind,
    ProcessState,
    Ranks,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProcessCollector:
    """Finds the engine and router processes of this host, headless ones included."""

    procfs: ProcFs = field(default_factory=ProcFs)

    @property
    def name(self) -> str:
        """Name in metrics and messages."""
        return "processes"

    def collect(self) -> HostProcesses:
        """Read every process once.

        Raises `NothingHere` when no engine runs, `CollectError` when the root is no process file system.
        A process that ends, is a zombie or belongs to someone else is passed over by itself.
        """
        census = take_census(self.procfs)
        groups = self.groups(census)
        if not groups:
            hidden = f"; {census.unreadable} processes could not be read" if census.unreadable else ""
            raise NothingHere(f"no engine or router process under {self.procfs.root}{hidden}")
        return HostProcesses(groups, census.unreadable)

    def groups(self, census: Census) -> tuple[EngineGroup, ...]:
        """Return the groups of *census* that still run, by pid of their launchers."""
        sockets = Sockets(self.procfs)
        boot = self.procfs.boot_time()
        found = [self._group(family, census, sockets, boot) for family in families(census)]
        return tuple(group for group in found if group is not None)

    def _group(self, family: Family, census: Census, sockets: Sockets, boot: float | None) -> EngineGroup | None:
        read = [self._process(pid, family, census, boot) for pid in family.pids]
        processes = tuple(process for process in read if process is not None)
        if not processes:
            return None
        head = processes[0].pid
        denied: list[str] = []
        own = tuple(process.pid for process in processes if process.state is not ProcessState.ZOMBIE)
        return EngineGroup(
            pid=head,
            family=family.family,
            config=family.config,
            processes=processes,
            environment=_readable(lambda: self.procfs.environment(head), {}, "environment", denied),
            limits=_readable(lambda: self.procfs.limits(head), Limits(), "limits", denied),
            container=_readable(lambda: self.procfs.container(head), Container(), "control group", denied),
            listens=sockets.listens(own),
            addresses=sockets.addresses(head),
            notes=tuple(f"{what} not readable: needs the same user or root" for what in denied),
        )

    def _process(self, pid: int, family: Family, census: Census, boot: float | None) -> EngineProcess | None:
        """Return one process, `None` when it ended or its pid was given to another since the census."""
        try:
            stat = self.procfs.stat(pid)
            resident, inner = self.procfs.memory_and_namespace_pid(pid)
        except Gone:
            return None
        except OSError:
            stat, resident, inner = census.stats[pid], None, None
        if stat.start_ticks != census.stats[pid].start_ticks:
            return None
        started = None if boot is None else boot + stat.start_ticks / self.procfs.ticks_per_second
        said = census.titles.get(pid)
        return EngineProcess(
            pid=pid,
            parent=stat.parent,
            kind=_kind(pid, family, census),
            state=stat.state,
            ranks=said.ranks if said else Ranks(),
            index=said.index if said else None,
            namespace_pid=inner,
            started=started,
            resident_bytes=resident,
        )


def take_census(procfs: ProcFs) -> Census:
    """Return every process of the host, with titles and configurations; raw arguments are dropped at once."""
    census = Census()
    try:
        pids = procfs.pids()
    except OSError as error:
        raise CollectError(
            f"{procfs.root} cannot be listed ({error.strerror}); name the right one with --path.procfs"
        ) from error
    if not pids:
        raise CollectError(f"{procfs.root} holds no processes; mount the host's /proc and name it with --path.procfs")
    for pid in pids:
        try:
            _count(procfs, pid, census)
        except Gone:
            census.stats.pop(pid, None)
        except OSError:
            census.unreadable += 1
    return census


def _count(procfs: ProcFs, pid: int, census: Census) -> None:
    stat = procfs.stat(pid)
    census.stats[pid] = stat
    if stat.kernel_thread:
        return
    argv = [] if stat.state is ProcessState.ZOMBIE else procfs.arguments(pid)
    said = title(argv[0] if argv else stat.comm)
    if said is not None:
        census.titles[pid] = said
        return
    program = launcher(argv)
    if program is not None:
        census.launchers[pid] = engine_config(program)


def _kind(pid: int, family: Family, census: Census) -> ProcessKind:
    said = census.titles.get(pid)
    if said is not None:
        return said.kind
    if pid != family.pids[0] or family.config is None:
        return ProcessKind.OTHER
    return ProcessKind.ROUTER if family.family in ROUTER_FAMILIES else ProcessKind.LAUNCHER


def _readable(read: Callable[[], T], otherwise: T, what: str, denied: list[str]) -> T:
    try:
        return read()
    except Gone:
        return otherwise
    except OSError:
        denied.append(what)
        return otherwise
