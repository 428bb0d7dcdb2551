"""From a list of processes to engine groups: a launcher and everything below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pdwatch.host.processes.identify import Title
from pdwatch.host.processes.procfs import Stat
from pdwatch.model.process import EngineConfig, EngineFamily


@dataclass(slots=True)
class Census:
    """Every process of a host by pid, with what those of interest say about themselves."""

    stats: dict[int, Stat] = field(default_factory=dict)
    titles: dict[int, Title] = field(default_factory=dict)
    launchers: dict[int, EngineConfig] = field(default_factory=dict)
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Family:
    """The pids of one group; the first is its head."""

    pids: tuple[int, ...]
    family: EngineFamily
    config: EngineConfig | None


def families(census: Census) -> list[Family]:
    """Return one family per launcher, and one per engine process whose launcher is gone, by pid of the head.

    A child that still shows its parent's arguments (a fork before it set a title) is no launcher of its own.
    """
    heads = _heads(census)
    members: dict[int, list[int]] = {head: [] for head in heads}
    for pid in sorted(census.stats):
        head = next((ancestor for ancestor in _lineage(pid, census.stats) if ancestor in heads), None)
        if head is not None and head != pid:
            members[head].append(pid)
    return [Family((head, *members[head]), heads[head], census.launchers.get(head)) for head in sorted(heads)]


def _heads(census: Census) -> dict[int, EngineFamily]:
    heads: dict[int, EngineFamily] = {}
    for pid, config in census.launchers.items():
        ancestors = _lineage(census.stats[pid].parent, census.stats)
        if not any(census.launchers.get(ancestor) == config for ancestor in ancestors):
            heads[pid] = config.family
    for pid, title in census.titles.items():
        above = _lineage(census.stats[pid].parent, census.stats)
        if not any(ancestor in census.launchers or ancestor in census.titles for ancestor in above):
            heads[pid] = title.family
    return heads


def _lineage(pid: int, stats: Mapping[int, Stat]) -> list[int]:
    """Return *pid* and its ancestors, nearest first. A loop, which racing reads can make, ends it."""
    found: list[int] = []
    while pid in stats and pid not in found:
        found.append(pid)
        pid = stats[pid].parent
    return found
