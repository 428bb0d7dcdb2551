"""What of all that is found falls to one shard.

Workers go by their service, which is never divided. A page about a host goes to every shard whose workers live on the
host, by their label `host` or by the address of their URL, as hosts are joined with workers later on. A host that no
worker names falls to one shard by its name, and to each shard with a worker that names no host: it may live there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

from pdwatch.model.shard import Shard
from pdwatch.model.target import Target

Home = tuple[str | None, str]
"""What a worker tells of where it lives: its label `host`, and the URL of its page."""
Choice = Callable[[Sequence[Target]], list[Target]]
"""Returns those that count among all that were found, in the same order."""


def everything(targets: Sequence[Target]) -> list[Target]:
    """Choose all."""
    return list(targets)


def of_services(shard: Shard) -> Choice:
    """Choose the workers whose service falls to *shard*."""
    return _kept(lambda targets: [target for target in targets if shard.holds(target.service)])


def of_hosts(shard: Shard, found: Callable[[], Sequence[Target]], seen: Callable[[], Sequence[Home]]) -> Choice:
    """Choose the pages about hosts that *shard* needs.

    *found* gives the workers of all shards, *seen* where the own workers are known to live beside what was found, such
    as those that speak through a page elsewhere. Both give the same object again while nothing changed.
    """

    def choose(targets: Sequence[Target]) -> list[Target]:
        own = set(seen())
        others: set[Home] = set()
        for worker in found():
            (own if shard.holds(worker.service) else others).add((worker.host, worker.url))
        hosts = _Hosts(targets)
        mine, is_placed = hosts.homes(own)
        theirs, _ = hosts.homes(others)
        free = {host for host in hosts.names - mine - theirs if not is_placed or shard.holds(host)}
        kept = mine | free
        return [target for target in targets if _host(target) in kept]

    return _kept(choose, found, seen)


def _kept(choose: Choice, *inputs: Callable[[], object]) -> Choice:
    """Choose anew only when the targets or an input are another object than the time before."""
    known: list[object] = []
    chosen: list[Target] = []

    def again(targets: Sequence[Target]) -> list[Target]:
        nonlocal known, chosen
        now = [targets, *(read() for read in inputs)]
        if not known or any(old is not new for old, new in zip(known, now, strict=True)):
            known, chosen = now, choose(targets)
        return chosen

    return again


class _Hosts:
    """Names and addresses of the hosts that pages are about."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.names = {_host(target) for target in targets}
        self._by_address: defaultdict[str, set[str]] = defaultdict(set)
        for target in targets:
            for address in (_host(target), _address(target.url)):
                self._by_address[address].add(_host(target))

    def homes(self, workers: Collection[Home]) -> tuple[set[str], bool]:
        """Return the hosts that workers live on, and whether that is one for each of them."""
        placed = [self._home(*worker) for worker in workers]
        return {host for host in placed if host is not None}, None not in placed

    def _home(self, label: str | None, url: str) -> str | None:
        if label in self.names:
            return label
        hosts = self._by_address.get(_address(url), set())
        return next(iter(hosts)) if len(hosts) == 1 else None


def _host(target: Target) -> str:
    """Return the host that a page is about."""
    return target.host or _address(target.url)


def _address(url: str) -> str:
    return urlsplit(url).hostname or ""
