"""A worker: one endpoint with its engines, and its life from start-up to drain or death."""

from __future__ import annotations

from enum import StrEnum

from pdwatch.demo.model.decode import DecodeEngine
from pdwatch.demo.model.engine import Surroundings
from pdwatch.demo.model.exposition import Process, Shape, render
from pdwatch.demo.model.prefill import PrefillEngine
from pdwatch.demo.model.spec import Role


class State(StrEnum):
    """Where a worker is in its life."""

    STARTING = "starting"
    UP = "up"
    DRAINING = "draining"
    DEAD = "dead"
    GONE = "gone"


class Worker:
    """`engines` are in rank order and all of one role. A restart replaces them."""

    def __init__(self, name: str, role: Role, fleet: Surroundings) -> None:
        self.name = name
        self.role = role
        self.host = f"host-{name}"
        self.state = State.STARTING
        self.engines: list[PrefillEngine] | list[DecodeEngine] = []
        self.asked_at = fleet.timeline.now
        """Simulated second from which its GPUs are held."""
        self.started_at = 0.0
        """Simulated second at which its process started."""
        self.dead_since: float | None = None
        self.gone_at: float | None = None
        self.successor: tuple[Role, float] | None = None
        """What its GPUs become once it is drained: a role and the start-up seconds."""
        self._fleet = fleet
        self._frozen_page: str | None = None

    @property
    def alive(self) -> bool:
        """Whether its port answers."""
        return self.state in (State.UP, State.DRAINING)

    @property
    def frozen(self) -> bool:
        """Whether its engines have stopped stepping while the port answers."""
        return self._frozen_page is not None

    @property
    def outstanding(self) -> int:
        """Requests in its engines; a dead worker has lost them."""
        if not self.alive:
            return 0
        return sum(engine.outstanding for engine in self.engines)

    @property
    def empty(self) -> bool:
        """Whether nothing is left to do or to keep: what a drain waits for."""
        pinned = any(engine.pinned for engine in self.engines if isinstance(engine, PrefillEngine))
        return self.outstanding == 0 and not pinned

    def come_up(self, cold: bool) -> None:
        """Start a fresh process: empty engines, counters at zero."""
        spec = self._fleet.spec
        pool = spec.pool(self.role)
        names = [f"{self.name}/{rank}" for rank in range(pool.engines)]
        if self.role is Role.PREFILL:
            self.engines = [PrefillEngine(name, self.host, pool, self._fleet, cold) for name in names]
        else:
            self.engines = [DecodeEngine(name, self.host, pool, self._fleet, cold) for name in names]
        self.started_at = self._fleet.timeline.now
        self.dead_since = None
        self._frozen_page = None
        self.state = State.UP

    def go_down(self, state: State) -> None:
        """End the process; what it had in hand is lost."""
        self.state = state
        self.dead_since = self._fleet.timeline.now
        for engine in self.engines:
            engine.die()

    def freeze(self, started: float) -> None:
        """Stop the engines; the page stays as it is. *started* is the process's start in Unix seconds."""
        self._frozen_page = self.page(started)
        for engine in self.engines:
            engine.freeze()

    def thaw(self) -> None:
        """Let the engines go on."""
        self._frozen_page = None
        for engine in self.engines:
            engine.thaw()

    def slow(self, factor: float) -> None:
        """Make every pass take *factor* times as long."""
        for engine in self.engines:
            engine.slow = factor

    def page(self, started: float) -> str:
        """The text of `/metrics`; *started* is the start of the process in Unix seconds."""
        if self._frozen_page is not None:
            return self._frozen_page
        spec = self._fleet.spec
        pool = spec.pool(self.role)
        for engine in self.engines:
            engine.read_gauges()
        consumer = self.role is Role.DECODE
        shape = Shape(spec.model_name, pool.engines, consumer, pool.kv_blocks, spec.block_size)
        cpu_seconds = 20.0 + 0.05 * (self._fleet.timeline.now - self.started_at)
        return render(shape, Process(started, round(cpu_seconds, 2)), [engine.meters for engine in self.engines])
