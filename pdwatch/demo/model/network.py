"""KV on the wire: transfers share the links of their two hosts evenly."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pdwatch.demo.model.spec import NetworkSpec
from pdwatch.demo.model.timeline import Timeline

_NOTHING_BYTES = 64.0
"""What rounding of times may leave of a transfer that is done."""


class Transfer:
    """Bytes on their way from one host to another."""

    __slots__ = ("arrived", "rate", "receiver", "remaining", "sender")

    def __init__(self, sender: str, receiver: str, size: float, arrived: Callable[[], None]) -> None:
        self.sender = sender
        self.receiver = receiver
        self.remaining = size
        self.rate = 0.0
        self.arrived = arrived


class Network:
    """Processor sharing: a transfer gets the smaller of its equal shares of the sender's and the receiver's link."""

    def __init__(self, spec: NetworkSpec, timeline: Timeline) -> None:
        self.spec = spec
        self._timeline = timeline
        self._transfers: dict[Transfer, None] = {}
        self._load: dict[str, int] = {}
        self._factors: dict[str, float] = {}
        self._settled = 0.0
        self._plan = 0

    def set_bandwidth_factor(self, factor: float, hosts: Iterable[str]) -> None:
        """Multiply the links of *hosts* by *factor*; 1 is healthy."""
        self._settle()
        self._factors.update(dict.fromkeys(hosts, factor))
        self._replan()

    def send(self, transfer: Transfer) -> None:
        """Put *transfer* on the wire; its `arrived` is called when the last byte is there."""
        self._settle()
        self._transfers[transfer] = None
        self._occupy(transfer, 1)
        self._replan()

    def cancel(self, transfer: Transfer) -> None:
        """Take *transfer* off the wire; nothing happens if it is not there."""
        if transfer in self._transfers:
            self._settle()
            del self._transfers[transfer]
            self._occupy(transfer, -1)
            self._replan()

    def _occupy(self, transfer: Transfer, change: int) -> None:
        for host in (transfer.sender, transfer.receiver):
            self._load[host] = self._load.get(host, 0) + change

    def _settle(self) -> None:
        elapsed = self._timeline.now - self._settled
        self._settled = self._timeline.now
        if elapsed > 0.0:
            for transfer in self._transfers:
                transfer.remaining -= elapsed * transfer.rate

    def _replan(self) -> None:
        self._plan += 1
        if not self._transfers:
            return
        full = self.spec.bytes_per_second
        share = {host: full * self._factors.get(host, 1.0) / count for host, count in self._load.items() if count}
        wait = float("inf")
        for transfer in self._transfers:
            transfer.rate = min(share[transfer.sender], share[transfer.receiver])
            wait = min(wait, transfer.remaining / transfer.rate)
        self._timeline.at(self._timeline.now + wait, self._deliver, self._plan)

    def _deliver(self, plan: int) -> None:
        if plan != self._plan:
            return
        self._settle()
        done = [transfer for transfer in self._transfers if transfer.remaining <= _NOTHING_BYTES]
        for transfer in done:
            del self._transfers[transfer]
            self._occupy(transfer, -1)
        self._replan()
        for transfer in done:
            transfer.arrived()
