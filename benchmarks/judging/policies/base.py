"""What a policy is: it sees the fleet as it may and says how many replicas of each role there should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pdwatch.demo.model import Fleet, Role, State, Worker
from pdwatch.demo.model.decode import DecodeEngine
from pdwatch.demo.model.prefill import PrefillEngine
from pdwatch.model.snapshot import ServiceState


class Desired(NamedTuple):
    """Replicas wanted of each role, those that are starting included."""

    prefill: int
    decode: int

    def of(self, role: Role) -> int:
        """Return the replicas of *role*."""
        return self.prefill if role is Role.PREFILL else self.decode


@dataclass(frozen=True, slots=True)
class View:
    """The fleet at a tick.

    Rules other than pdwatch's read gauges as they are at the instant, without scrape, delay or damage: their best case.
    """

    fleet: Fleet
    service: ServiceState | None = None
    """What pdwatch makes of the pages, for policies that ask for it."""

    @property
    def now(self) -> float:
        """Simulated seconds."""
        return self.fleet.now

    def ready(self, role: Role) -> list[Worker]:
        """Return the workers that serve."""
        return [worker for worker in self.fleet.of_role(role) if worker.state is State.UP]

    def pending(self, role: Role) -> int:
        """Return how many are starting."""
        return sum(worker.state is State.STARTING for worker in self.fleet.of_role(role))

    def replicas(self, role: Role) -> int:
        """Return those that serve or start."""
        return len(self.ready(role)) + self.pending(role)

    @property
    def current(self) -> Desired:
        """Return what is there: the answer of a policy that wants no change."""
        return Desired(self.replicas(Role.PREFILL), self.replicas(Role.DECODE))


def waiting(worker: Worker) -> int:
    """Return `num_requests_waiting`."""
    return sum(
        len(engine.waiting)
        if isinstance(engine, PrefillEngine)
        else len(engine.waiting) + len(engine.fetching) + len(engine.loaded)
        for engine in worker.engines
    )


def running(worker: Worker) -> int:
    """Return `num_requests_running`."""
    return sum(
        len(engine.running) + (len(engine.computing) if isinstance(engine, DecodeEngine) else 0)
        for engine in worker.engines
    )


def kv_usage(worker: Worker) -> float:
    """Return `kv_cache_usage_perc`, the mean over the engines of a worker."""
    return sum(engine.blocks.usage for engine in worker.engines) / len(worker.engines)


def kv_capacity(fleet: Fleet, role: Role) -> float:
    """Return the KV tokens that one worker of *role* holds."""
    pool = fleet.spec.pool(role)
    return float(pool.kv_blocks * fleet.spec.block_size * pool.engines)


def queued_prompt_tokens(worker: Worker) -> int:
    """Return the prompt tokens of the requests that wait, on prefill those yet to compute of running ones too."""
    total = 0
    for engine in worker.engines:
        total += sum(request.input_tokens - request.cached_tokens for request in engine.waiting)
        if isinstance(engine, PrefillEngine):
            total += sum(r.input_tokens - r.cached_tokens - r.computed_tokens for r in engine.running)
    return total


def generated_tokens(worker: Worker) -> float:
    """Return the counter `generation_tokens_total`."""
    return sum(engine.meters.values["generation_tokens"] for engine in worker.engines)


class Policy(Protocol):
    """One rule. It keeps its own state between ticks and is used for one run."""

    name: str
    watches: Mapping[str, float] | None
    """Overridden thresholds of the watcher whose snapshots it wants; None where it wants none."""

    def on_tick(self, view: View) -> Desired:
        """Return the replicas wanted at this tick; called every five simulated seconds."""


class Rule:
    """What most policies share: a name, and no wish for snapshots."""

    watches: Mapping[str, float] | None = None

    def __init__(self, name: str) -> None:
        self.name = name


class Every:
    """Says when a period has passed, at the first call as well."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._next = float("-inf")

    def due(self, now: float) -> bool:
        """Tell whether the next turn has come, and begin the period anew if so."""
        if now < self._next:
            return False
        self._next = now + self.seconds
        return True


class Stabilised:
    """The down-stabilisation of the Kubernetes HPA: the highest recommendation of the last *seconds* is followed.

    Source: Kubernetes documentation, Horizontal Pod Autoscaling, "Stabilization window".
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._past: list[tuple[float, int]] = []

    def down(self, now: float, wanted: int, current: int) -> int:
        """Return *wanted*, or if that is less than *current*, no less than was wanted within the window."""
        self._past = [(at, value) for at, value in self._past if now - at < self.seconds]
        self._past.append((now, wanted))
        if wanted >= current:
            return wanted
        return min(current, max(value for _, value in self._past))


def each_role(decide: Mapping[Role, int]) -> Desired:
    """Return the answer of a rule that decides role by role."""
    return Desired(decide[Role.PREFILL], decide[Role.DECODE])
