"""A daemon as a shard: which hosts it needs, and what its snapshots say of that."""

from __future__ import annotations

from dataclasses import replace

from pdwatch.discover.discovery import Discovery
from pdwatch.discover.sharding import Choice, Home, everything, of_hosts
from pdwatch.model.shard import Shard
from pdwatch.model.snapshot import Snapshot


class Sharding:
    """One shard over what *workers* finds; without a shard, everything counts and snapshots stay as they are."""

    def __init__(self, shard: Shard | None, workers: Discovery) -> None:
        self._shard = shard
        self._workers = workers
        self._homes: tuple[Home, ...] = ()
        """Where the workers of the newest snapshot live."""

    def inherit(self, old: Sharding) -> None:
        """Begin with what *old* knew of where workers live."""
        self._homes = old._homes

    def hosts(self) -> Choice:
        """Return what chooses the pages about hosts."""
        if self._shard is None:
            return everything
        return of_hosts(self._shard, lambda: self._workers.found, lambda: self._homes)

    def mark(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the shard in it, and take note of where its workers live."""
        if self._shard is None:
            return snapshot
        workers = (worker for service in snapshot.services.values() for worker in service.workers)
        homes = tuple((worker.host, worker.url) for worker in workers)
        if homes != self._homes:
            self._homes = homes
        elsewhere = {target.service for target in self._workers.found if not self._shard.holds(target.service)}
        told = replace(snapshot.self_state, shard=str(self._shard), services_elsewhere=len(elsewhere))
        return replace(snapshot, self_state=told)
