"""The fleet: arrivals, router, workers and network on one timeline, and the faults that can be set at any time."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from pdwatch.demo.model.decode import DecodeEngine
from pdwatch.demo.model.load import Arrival, Arrivals
from pdwatch.demo.model.network import Network
from pdwatch.demo.model.prefill import PrefillEngine
from pdwatch.demo.model.request import Finished, Outcome, Request
from pdwatch.demo.model.router import Router
from pdwatch.demo.model.spec import FleetSpec, Role
from pdwatch.demo.model.timeline import Timeline
from pdwatch.demo.model.worker import State, Worker

DEFAULT_EPOCH = 1_795_000_000.0
_DRAIN_LOOK_SECONDS = 0.5
_DRAIN_LIMIT_SECONDS = 120.0


class Fleet:
    """A simulated P/D fleet. Deterministic: the same spec, seed and calls give the same run.

    `epoch` is the Unix second of simulated second 0 and `speed` how many simulated seconds pass in one of them:
    pages tell process start times and durations in Unix seconds.
    """

    def __init__(self, spec: FleetSpec, seed: int = 0, *, epoch: float = DEFAULT_EPOCH, speed: float = 1.0) -> None:
        self.spec = spec
        self.epoch = epoch
        self.speed = speed
        self.timeline = Timeline()
        self.network = Network(spec.network, self.timeline)
        self.router = Router(spec.policy)
        self.workers: dict[str, Worker] = {}
        """By name; a worker that is gone stays listed, so that its cost can be counted."""
        self.finished: list[Finished] = []
        """The truth for scoring, in order of ending."""
        self.in_flight: dict[int, Request] = {}
        self.arrived = 0
        self.transfer_failure = 0.0
        self.recompute_share = 0.0
        self._arrivals = Arrivals(spec.load, seed)
        self._names = dict.fromkeys(Role, 0)
        for role in Role:
            for _ in range(spec.pool(role).workers):
                self._new_worker(role).come_up(cold=False)
        self._expect_next()

    @property
    def now(self) -> float:
        """Simulated seconds since the start."""
        return self.timeline.now

    def run_until(self, time: float) -> None:
        """Advance to *time* in simulated seconds."""
        self.timeline.run_until(time)

    def fork(self) -> Fleet:
        """An independent copy with the same future arrivals, for runs that ask what would have happened."""
        shared = {id(self.spec): self.spec, id(self.finished): list(self.finished)}
        return copy.deepcopy(self, shared)

    def of_role(self, role: Role) -> list[Worker]:
        """The workers of *role* that hold GPUs."""
        return [worker for worker in self.workers.values() if worker.role == role and worker.state is not State.GONE]

    def page(self, worker: Worker | str) -> str:
        """The text of a worker's `/metrics`. Raises `ValueError` when its port is closed."""
        found = self._worker(worker)
        if not found.alive:
            raise ValueError(f"{found.name} is {found.state}: its port is closed")
        return found.page(self._unix(found.started_at))

    def gpu_seconds(self, role: Role) -> float:
        """GPU time that workers of *role* have held so far, start-up and drain included."""
        gpus = self.spec.pool(role).gpus
        held = (
            (self.now if worker.gone_at is None else worker.gone_at) - worker.asked_at
            for worker in self.workers.values()
            if worker.role == role
        )
        return gpus * sum(held)

    # Scaling.

    def add_worker(self, role: Role, startup_seconds: float) -> str:
        """Ask for a worker that answers after *startup_seconds*; its first passes are cold. Returns its name."""
        worker = self._new_worker(role)
        self.timeline.at(self.now + startup_seconds, self._start_up, worker)
        return worker.name

    def remove_worker(self, name: str) -> None:
        """Send *name* no more requests and take it away once it is empty, after two minutes in any case."""
        worker = self._worker(name)
        if worker.state is State.UP:
            worker.state = State.DRAINING
            self._look_at_drain(worker, self.now + _DRAIN_LIMIT_SECONDS)
        elif worker.state in (State.STARTING, State.DEAD):
            self._retire(worker)

    def move_worker(self, name: str, role: Role, startup_seconds: float) -> None:
        """Drain *name* and give its GPUs to a new worker of *role*."""
        self._worker(name).successor = (role, startup_seconds)
        self.remove_worker(name)

    # Faults.

    def kill(self, name: str) -> None:
        """End the process of *name*: connections are refused and its requests are lost."""
        worker = self._worker(name)
        if worker.alive:
            self._take_down(worker, State.DEAD)

    def restart(self, name: str) -> None:
        """Replace the process of *name* at once: lost requests, counters from zero, a new start time."""
        worker = self._worker(name)
        if worker.alive:
            self._take_down(worker, State.DEAD)
        worker.come_up(cold=True)

    def start(self, name: str) -> None:
        """Undo `stop`, `slow` or `kill`, whichever holds."""
        worker = self._worker(name)
        if not worker.alive:
            worker.come_up(cold=True)
        elif worker.frozen:
            worker.thaw()
        worker.slow(1.0)

    def stop(self, name: str) -> None:
        """Freeze the engines of *name*: `/health` and `/metrics` answer, nothing moves."""
        worker = self._worker(name)
        if worker.alive and not worker.frozen:
            worker.freeze(self._unix(worker.started_at))

    def slow(self, name: str, factor: float) -> None:
        """Make every pass of *name* take *factor* times as long."""
        self._worker(name).slow(factor)

    def set_bandwidth(self, factor: float, names: Iterable[str] = ()) -> None:
        """Multiply the KV links of *names*, by default of all workers, by *factor*; 1 is healthy."""
        workers = [self._worker(name) for name in names] or list(self.workers.values())
        self.network.set_bandwidth_factor(factor, [worker.host for worker in workers])

    def set_transfer_failure(self, probability: float) -> None:
        """Let this share of KV transfers fail at the handshake."""
        self.transfer_failure = probability

    def set_recompute_share(self, share: float) -> None:
        """Let decode compute this share of prompts itself, silently: no connector is asked. 1 is a connector that
        is switched off."""
        self.recompute_share = share

    def set_weight(self, name: str, weight: float) -> None:
        """Give worker `decode-0` or engine `decode-0/1` *weight* times the traffic of an ordinary one."""
        self.router.weights[name] = weight

    # The road of a request.

    def _expect_next(self) -> None:
        arrival = self._arrivals.next()
        if arrival is not None:
            self.timeline.at(arrival.at, self._arrive, arrival)

    def _arrive(self, arrival: Arrival) -> None:
        self._expect_next()
        block = self.spec.block_size
        request = Request(
            self.arrived,
            self.now,
            arrival.input_tokens,
            arrival.output_tokens,
            arrival.luck,
            cached_tokens=int(arrival.input_tokens * self.spec.load.cached_share / block) * block,
            pulls_kv=arrival.luck >= self.recompute_share,
        )
        self.arrived += 1
        self.in_flight[request.id] = request
        workers, engines = self._routable_prefill()
        engine = self.router.choose(Role.PREFILL, workers, engines)
        if engine is None:
            self.ended(request, Outcome.FAILED)
        else:
            engine.submit(request)

    def prefilled(self, request: Request) -> None:
        """Prefill has answered: choose a decode engine and hand the request over."""
        if request.prefill:
            self.router.count_answer(Role.PREFILL, _worker_of(request.prefill.name))
        workers, engines = self._routable_decode()
        engine = self.router.choose(Role.DECODE, workers, engines)
        if engine is None:
            self.ended(request, Outcome.FAILED)
        else:
            engine.submit(request)

    def ended(self, request: Request, outcome: Outcome) -> None:
        """The client has its answer or its error."""
        request.outcome = outcome
        del self.in_flight[request.id]
        self.finished.append(request.finished(self.now))
        stage = request.decode or request.prefill
        if stage is None:
            return
        role = Role.DECODE if request.decode else Role.PREFILL
        if outcome is Outcome.OK:
            self.router.count_answer(role, _worker_of(stage.name))
            self.router.count_end(self.now - request.arrival, (request.first_token or 0.0) - request.decode_arrival)
        else:
            self.router.count_error(role, _worker_of(stage.name))

    def _routable_prefill(self) -> tuple[list[Worker], list[PrefillEngine]]:
        pairs = [(w, e) for w in self._routable(Role.PREFILL) for e in w.engines if isinstance(e, PrefillEngine)]
        return [worker for worker, _ in pairs], [engine for _, engine in pairs]

    def _routable_decode(self) -> tuple[list[Worker], list[DecodeEngine]]:
        pairs = [(w, e) for w in self._routable(Role.DECODE) for e in w.engines if isinstance(e, DecodeEngine)]
        return [worker for worker, _ in pairs], [engine for _, engine in pairs]

    def _routable(self, role: Role) -> Sequence[Worker]:
        """Workers that are up, and those that died so lately that the router has not noticed."""
        patience = self.now - self.spec.detection_seconds
        return [
            worker
            for worker in self.workers.values()
            if worker.role == role
            and (
                worker.state is State.UP
                or (worker.state is State.DEAD and worker.dead_since is not None and worker.dead_since > patience)
            )
        ]

    # The life of a worker.

    def _worker(self, worker: Worker | str) -> Worker:
        if isinstance(worker, Worker):
            return worker
        if worker not in self.workers:
            raise ValueError(f"no worker {worker!r}; there are {', '.join(self.workers)}")
        return self.workers[worker]

    def _unix(self, time: float) -> float:
        return self.epoch + time / self.speed

    def _new_worker(self, role: Role) -> Worker:
        name = f"{role}-{self._names[role]}"
        self._names[role] += 1
        self.workers[name] = Worker(name, Role(role), self)
        return self.workers[name]

    def _start_up(self, worker: Worker) -> None:
        if worker.state is State.STARTING:
            worker.come_up(cold=True)

    def _look_at_drain(self, worker: Worker, deadline: float) -> None:
        if worker.state is not State.DRAINING:
            return
        if worker.empty or self.now >= deadline:
            self._retire(worker)
        else:
            self.timeline.at(self.now + _DRAIN_LOOK_SECONDS, self._look_at_drain, worker, deadline)

    def _retire(self, worker: Worker) -> None:
        worker.go_down(State.GONE)
        worker.gone_at = self.now
        if worker.successor:
            self.add_worker(*worker.successor)

    def _take_down(self, worker: Worker, state: State) -> None:
        worker.go_down(state)
        for engine in worker.engines:
            if isinstance(engine, PrefillEngine):
                self._lose_pinned(engine)

    def _lose_pinned(self, engine: PrefillEngine) -> None:
        for request in list(engine.pinned.values()):
            if request.decode and request in request.decode.fetching:
                request.decode.fetch_failed(request)


def _worker_of(engine: str) -> str:
    return engine.partition("/")[0]
