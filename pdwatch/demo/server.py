"""A simulated fleet behind real ports on loopback, in real time or faster."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from aiohttp import web

from pdwatch.demo.agent_page import AgentHost, agent_page
from pdwatch.demo.endpoints import Manner, agent_app, router_app, worker_app
from pdwatch.demo.model import Fault, Fleet, Role, apply_fault
from pdwatch.demo.scenarios import Scenario

_HOST = "127.0.0.1"
_TICK_SECONDS = 0.05
_CLOSE_SECONDS = 0.05
"""How long a closing port waits for answers under way."""


@dataclass(slots=True)
class _Port:
    """The listening side of one worker; it keeps its number while closed, as a restarted worker comes back on it."""

    number: int
    manner: Manner = field(default_factory=Manner)
    runner: web.AppRunner | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker is to be found, and the page about its host."""

    worker_url: str
    role: Role
    host: str
    agent_url: str


class RunningFleet:
    """A fleet that advances by itself. Made by `start_fleet`; close it with `aclose`."""

    def __init__(
        self, scenario: Scenario, fleet: Fleet, first_port: int, speed: float, clock: Callable[[], float]
    ) -> None:
        self._fleet = fleet
        self._agents = {worker: _Port(0) for worker in fleet.workers} if scenario.agents else {}
        self._sick = {sickness.worker: sickness for sickness in scenario.sick}
        self._speed = speed
        self._clock = clock
        self._began = clock()
        self._numbers = count(first_port) if first_port else None
        self._ports: dict[str, _Port] = {}
        self._router = _Port(0)
        self._ticker: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()

    @property
    def urls(self) -> dict[str, str | list[str]]:
        """Base URLs: `router`, lists for `prefill` and `decode`, and in their order `agents` where hosts have pages."""
        by_role = {
            str(role): [self.worker_urls[w.name] for w in self._fleet.of_role(role) if w.name in self._ports]
            for role in Role
        }
        agents = {"agents": [_url(port.number) for port in self._agents.values()]} if self._agents else {}
        return {"router": _url(self._router.number), **by_role, **agents}

    @property
    def worker_urls(self) -> Mapping[str, str]:
        """Base URLs by worker name, of every worker that has ever had a port."""
        return {name: _url(port.number) for name, port in self._ports.items()}

    @property
    def places(self) -> list[Place]:
        """The workers whose hosts have a page; none in most scenarios."""
        workers = self._fleet.workers
        return [
            Place(self.worker_urls[name], workers[name].role, workers[name].host, _url(port.number))
            for name, port in self._agents.items()
        ]

    def agent_page(self, name: str) -> str:
        """The page about the host of a worker."""
        worker = self.catch_up().workers[name]
        role = "kv_producer" if worker.role is Role.PREFILL else "kv_consumer"
        uptime = (self._clock() - self._began) * self._speed
        busy = min(1.0, 0.2 + 0.05 * worker.outstanding)
        url = self.worker_urls[name]
        return agent_page(AgentHost(worker.host, url, role, time.time(), uptime, busy, self._sick.get(name)))

    def catch_up(self) -> Fleet:
        """The fleet, advanced to the present."""
        self._fleet.run_until((self._clock() - self._began) * self._speed)
        return self._fleet

    async def apply(self, fault: Fault) -> None:
        """Do *fault* at once. Raises `ValueError` for an unknown worker."""
        apply_fault(self.catch_up(), fault)
        if fault.worker in self._ports:
            self._ports[fault.worker].manner.mend()
        await self._match_ports()

    async def hang(self, name: str) -> None:
        """Freeze the engines of *name* and leave its connections without an answer; `start` ends it."""
        self.catch_up().stop(name)
        self._ports[name].manner.answering.clear()

    def spoil(self, name: str, page: str) -> None:
        """Let *name* answer `refuse` or `garble` for its page until `start`. Raises `ValueError` for no such name."""
        if name not in self._ports:
            raise ValueError(f"no worker {name!r}")
        self._ports[name].manner.page = page

    async def open(self) -> None:
        """Open the ports and let time run. Raises `OSError` when a port is taken."""
        await self._listen(self._router, router_app(self))
        await self._match_ports()
        for name, port in self._agents.items():
            await self._listen(port, agent_app(partial(self.agent_page, name)))
        self._began = self._clock()
        self._ticker = asyncio.create_task(self._tick())

    async def aclose(self) -> None:
        """Stop time and close every port."""
        if self._ticker:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        for port in (self._router, *self._ports.values(), *self._agents.values()):
            await _close(port)

    async def _tick(self) -> None:
        while True:
            self.catch_up()
            await self._match_ports()
            await asyncio.sleep(_TICK_SECONDS)

    async def _match_ports(self) -> None:
        """Open the ports of workers that answer and close those of workers that do not."""
        async with self._changing:
            for worker in list(self._fleet.workers.values()):
                port = self._ports.get(worker.name)
                if worker.alive and port is None:
                    port = self._ports[worker.name] = _Port(0)
                if worker.alive and port and port.runner is None:
                    port.manner.mend()
                    await self._listen(port, worker_app(worker.name, self, port.manner))
                elif not worker.alive and port:
                    await _close(port)

    async def _listen(self, port: _Port, app: web.Application) -> None:
        wanted = port.number or (next(self._numbers) if self._numbers else 0)
        listener = socket.create_server((_HOST, wanted))
        port.number = listener.getsockname()[1]
        port.runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_SECONDS)
        await port.runner.setup()
        await web.SockSite(port.runner, listener).start()


async def start_fleet(
    scenario: Scenario,
    port: int = 0,
    speed: float = 1.0,
    seed: int = 1,
    *,
    clock: Callable[[], float] = time.monotonic,
    epoch: float | None = None,
) -> RunningFleet:
    """Start *scenario* on loopback: the router on *port*, the workers on the ports after it; 0 picks free ones.

    *speed* is simulated seconds per second of *clock*; *epoch* the Unix time of the start, by default the present.
    Raises `OSError` when a port is taken.
    """
    fleet = scenario.fleet(seed, epoch=time.time() if epoch is None else epoch, speed=speed)
    running = RunningFleet(scenario, fleet, port, speed, clock)
    try:
        await running.open()
    except OSError:
        await running.aclose()
        raise
    return running


async def _close(port: _Port) -> None:
    if port.runner:
        runner, port.runner = port.runner, None
        await runner.cleanup()


def _url(number: int) -> str:
    return f"http://{_HOST}:{number}"
