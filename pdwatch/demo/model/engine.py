"""What prefill and decode engines share: a step loop that can be slow, frozen or dead."""

from __future__ import annotations

from typing import Protocol

from pdwatch.demo.model.blocks import KvBlocks
from pdwatch.demo.model.meters import Meters
from pdwatch.demo.model.network import Network
from pdwatch.demo.model.request import Outcome, Request
from pdwatch.demo.model.spec import FleetSpec, PoolSpec
from pdwatch.demo.model.timeline import Timeline


class Surroundings(Protocol):
    """What an engine needs of the fleet around it."""

    spec: FleetSpec
    timeline: Timeline
    network: Network
    transfer_failure: float
    speed: float

    def prefilled(self, request: Request) -> None:
        """Prefill has answered; send the request on to decode."""

    def ended(self, request: Request, outcome: Outcome) -> None:
        """The client has its answer or its error."""


class Engine:
    """One data-parallel rank: its scheduler state, KV blocks and meters. Subclasses say what one pass is."""

    def __init__(self, name: str, host: str, pool: PoolSpec, fleet: Surroundings, cold: bool) -> None:
        self.name = name
        self.host = host
        self.pool = pool
        self.fleet = fleet
        self.timeline = fleet.timeline
        self.blocks = KvBlocks(pool.kv_blocks, fleet.spec.block_size)
        self.meters = Meters(fleet.speed)
        self.slow = 1.0
        """Factor on the time of every pass."""
        self.frozen = False
        self.dead = False
        self.busy = False
        """A pass is under way."""
        self.stalled = False
        """A pass ended while the engine was frozen."""
        self.cold_passes = fleet.spec.performance.cold_passes if cold else 0

    @property
    def working(self) -> bool:
        """Whether it answers other engines: neither dead nor frozen."""
        return not (self.dead or self.frozen)

    @property
    def outstanding(self) -> int:
        """Requests it has and has not answered."""
        raise NotImplementedError

    def begin(self) -> None:
        """Schedule: take requests in and start a pass if there is anything to do."""
        raise NotImplementedError

    def complete(self) -> None:
        """Take the results of the pass that has just ended."""
        raise NotImplementedError

    def read_gauges(self) -> None:
        """Bring the gauges in the meters up to date."""
        raise NotImplementedError

    def inside(self) -> list[Request]:
        """Every request that would be lost with this engine."""
        raise NotImplementedError

    def wake(self) -> None:
        """Start a pass unless one is under way or the engine cannot."""
        if not self.busy and self.working:
            self.begin()

    def fits_ever(self, tokens: int) -> bool:
        """Whether a request that grows to *tokens* can run here alone."""
        return self.blocks.needed(tokens) + self.watermark <= self.blocks.total

    @property
    def watermark(self) -> int:
        """Blocks that admission leaves free."""
        return self.blocks.total // 100

    def run_pass(self, seconds: float) -> None:
        """Be busy for *seconds* of healthy time, then complete."""
        factor = self.slow
        if self.cold_passes:
            self.cold_passes -= 1
            factor *= self.fleet.spec.performance.cold_factor
        self.busy = True
        self.timeline.at(self.timeline.now + seconds * factor, self._end_pass)

    def _end_pass(self) -> None:
        if self.dead:
            return
        if self.frozen:
            self.stalled = True
            return
        self.busy = False
        self.complete()
        self.begin()

    def freeze(self) -> None:
        """Stop stepping; the process lives on."""
        self.frozen = True

    def thaw(self) -> None:
        """Go on where it stopped."""
        self.frozen = False
        if self.stalled:
            self.stalled = False
            self._end_pass()
        else:
            self.wake()

    def die(self) -> None:
        """Lose everything; every request inside fails."""
        lost = self.inside()
        self.dead = True
        for request in lost:
            self.fleet.ended(request, Outcome.FAILED)
