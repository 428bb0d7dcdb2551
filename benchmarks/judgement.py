"""What judging costs: CPU a tick for the findings and the advice of many services, without scraping and parsing.

Run `python -m benchmarks.judgement [--services 50] [--workers 20] [--ticks 48] [--hosts] [--profile]`. One simulated
service is watched; what was measured of it at each tick is then judged as that many services. Goals for 1,000
workers in 50 services: 25 ms for findings, 50 ms with advice.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.demo.agent_page import AgentHost, Sickness, agent_page
from pdwatch.demo.model import Do, Fault, Fleet, FleetSpec, Load, PoolSpec, Worker, plan_fault
from pdwatch.engines import read, wants
from pdwatch.judge.advice import ServiceLimits
from pdwatch.judge.definition import View
from pdwatch.judge.findings import FINDINGS
from pdwatch.judge.judge import Judge
from pdwatch.judge.standing import StandingFindings
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import ServiceSignals
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.hosts import HostRoad
from pdwatch.scrape.exposition import PageParser
from pdwatch.scrape.series import DEFAULT_LIMITS
from pdwatch.signals.host import HostSignalsWatch
from pdwatch.signals.joined import with_hosts
from pdwatch.signals.service import Objectives, ServiceWatch
from pdwatch.signals.worker import WorkerWatch

INTERVAL_SECONDS, WINDOW_SECONDS = 5.0, 60.0
ONSET = 90.0
STORIES: dict[str, Fault | None] = {
    "nothing wrong": None,
    "a dead decode worker": Fault(Do.KILL, "decode-1", at=ONSET),
    "slow links, told of every decode worker": Fault(Do.BANDWIDTH, factor=0.02, at=ONSET),
}


@dataclass(frozen=True, slots=True)
class Tick:
    """What was measured of a service at one tick."""

    now: float
    signals: ServiceSignals


class Measured:
    """One simulated service, measured as the road does, with the pages of its hosts where they are asked for."""

    def __init__(self, fleet: Fleet, hosts: bool) -> None:
        self._fleet = fleet
        self._thresholds = Thresholds()
        self._watch = ServiceWatch("s", Objectives(ttft=2.0, itl=0.06), None, self._thresholds)
        self._parsers: dict[str, PageParser] = {}
        self._hosts = HostRoad(DEFAULT_LIMITS) if hosts else None
        self._host_signals = HostSignalsWatch(self._thresholds, WINDOW_SECONDS)

    def tick(self, now: float) -> Tick:
        """Let the fleet run to *now* and measure it."""
        self._fleet.run_until(now)
        at = self._fleet.epoch + now
        for worker in self._fleet.workers.values():
            self._look(worker, at)
        signals = self._watch.signals(at, 2 * INTERVAL_SECONDS)
        if self._hosts is not None:
            states = self._hosts.states(at, 2 * INTERVAL_SECONDS)
            for state in states.values():
                self._host_signals.observe(state)
            signals = with_hosts(signals, states, self._host_signals.signals(at))
        return Tick(at, signals)

    def _look(self, worker: Worker, at: float) -> None:
        url = f"http://{worker.name}:8000/metrics"
        target = Target(url, worker.name, "s", Role(worker.role.value), RoleSource.DECLARED, host=worker.host)
        watch = self._watch.workers.setdefault(url, WorkerWatch(target, WINDOW_SECONDS))
        if not worker.alive:
            watch.failed(Scrape(target, at, 0.001, error="connection refused"))
            return
        scrape = Scrape(target, at, 0.01, 200, self._fleet.page(worker))
        parser = self._parsers.setdefault(url, PageParser(wants, DEFAULT_LIMITS))
        watch.read(scrape, read(parser.parse(scrape.body or "", scrape.content_type), at), self._thresholds)
        if self._hosts is not None:
            role = "kv_producer" if worker.role.value == "prefill" else "kv_consumer"
            sickness = Sickness(worker.name, throttled_gpu=1) if worker.name == "decode-2" else None
            page = agent_page(AgentHost(worker.host, url, role, at, self._fleet.now, 0.7, sickness))
            agent = Target(f"http://{worker.host}:9400/metrics", worker.host, "s", Role.UNKNOWN, host=worker.host)
            self._hosts.scraped(Scrape(agent, at, 0.01, 200, page))


def measured(fault: Fault | None, workers: int, ticks: int, hosts: bool) -> list[Tick]:
    """Return what is measured tick by tick of a service with so many workers."""
    pool = PoolSpec(workers=workers // 2)
    load = Load.steady(rate=2.4 * workers, input_tokens=2000, output_tokens=250)
    fleet = Fleet(FleetSpec(load=load, prefill=pool, decode=pool), seed=1)
    if fault is not None:
        plan_fault(fleet, fault)
    service = Measured(fleet, hosts)
    return [service.tick(INTERVAL_SECONDS * (n + 1)) for n in range(ticks)]


def milliseconds(judge: Callable[[Tick, int], object], ticks: Sequence[Tick], services: int) -> float:
    """Return the median CPU milliseconds of judging all services at one tick, over the last half of *ticks*.

    *judge* gets the tick and the number of the service.
    """
    spent = []
    for tick in ticks:
        began = time.process_time()
        for number in range(services):
            judge(tick, number)
        spent.append(1000 * (time.process_time() - began))
    return median(spent[len(spent) // 2 :])


def main() -> None:
    """Print the cost of each story."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=50)
    parser.add_argument("--workers", type=int, default=20, help="of each service, half of each role")
    parser.add_argument("--ticks", type=int, default=48)
    parser.add_argument("--hosts", action="store_true", help="each worker on a host of its own that is watched")
    parser.add_argument("--profile", action="store_true", help="print where the time of the last story went")
    args = parser.parse_args()
    gc.collect()
    print(f"{args.services} services of {args.workers} workers{', each on a watched host' if args.hosts else ''}")
    print(f"  {'CPU ms a tick':42} findings  with advice  standing")
    for name, fault in STORIES.items():
        ticks = measured(fault, args.workers, args.ticks, args.hosts)
        gc.freeze()
        report(name, ticks, args.services)
    if args.profile:
        profile(ticks, args.services)


def report(name: str, ticks: Sequence[Tick], services: int) -> None:
    """Print one line. Each of the services judged has a state of its own, so that findings stand as they would."""
    thresholds = Thresholds()
    standing = [StandingFindings(FINDINGS) for _ in range(services)]
    judges = [Judge(thresholds, WINDOW_SECONDS, ServiceLimits()) for _ in range(services)]
    found = milliseconds(lambda tick, n: standing[n].update(View(tick.signals, thresholds), tick.now), ticks, services)
    advised = milliseconds(lambda tick, n: judges[n].judge(tick.signals, tick.now), ticks, services)
    stands = len(standing[0].update(View(ticks[-1].signals, thresholds), ticks[-1].now + INTERVAL_SECONDS))
    print(f"  {name:42} {found:9.1f} {advised:12.1f} {stands:9}")


def profile(ticks: Sequence[Tick], services: int) -> None:
    """Print where the time of the findings goes."""
    thresholds, standing = Thresholds(), [StandingFindings(FINDINGS) for _ in range(services)]
    profiler = cProfile.Profile()
    profiler.enable()
    milliseconds(lambda tick, n: standing[n].update(View(tick.signals, thresholds), tick.now), ticks, services)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
