"""Targets written down: entries of the configuration and the URLs of `--prefill` and `--decode`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pdwatch.config.sources import StaticGroup
from pdwatch.discover.groups import found_in
from pdwatch.discover.source import Found
from pdwatch.model.target import Role


@dataclass(frozen=True, slots=True)
class StaticSource:
    """Groups that never change."""

    name: str
    groups: tuple[StaticGroup, ...]
    refresh: float = math.inf

    async def find(self) -> Found:
        """Return the targets of the groups."""
        return found_in(self.groups, self.name)

    async def aclose(self) -> None:
        """Nothing is open."""


def flag_source(role: Role, urls: Sequence[str], service: str) -> StaticSource:
    """Return the source of `--prefill` or `--decode`."""
    group = StaticGroup(targets=tuple(urls), labels={"service": service, "role": str(role)})
    return StaticSource(f"--{role}", (group,))
