"""A simulated fleet in a closed loop with pdwatch: pages in, advice out, replicas set, tick by tick.

Run it with `python docs/examples/closed_loop.py`. `Advisor` is all that talks to pdwatch; the rest is the fleet of
`pdwatch demo` and stands for any simulator. What goes over the pipe is told in docs/replay-loop.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from pdwatch.demo.model import Fleet, FleetSpec, Load, Phase, Role, State, Worker

SERVICE = "simulated"
TICK_SECONDS = 5.0
STARTUP_SECONDS = 60.0
TTFT_SECONDS = 2.0
DAY = (Phase(0, 8, 2000, 200), Phase(240, 24, 2000, 250), Phase(840, 8, 2000, 200))
"""From second 0, 240 and 840 on: requests a second, mean tokens of a prompt and of an answer."""
END = 1200.0


class Advisor:
    """A running `pdwatch replay -`: one snapshot comes back for each tick, before the next one is asked for."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pdwatch", "replay", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        pool = {"startup": f"{STARTUP_SECONDS:g}s", "gpus_per_replica": 4, "max_replicas": 12}
        service = {"slo": {"ttft": f"{TTFT_SECONDS:g}s", "itl": "50ms"}, "pools": {role.value: pool for role in Role}}
        config = {"scrape": {"interval": f"{TICK_SECONDS:g}s"}, "services": {SERVICE: service}}
        self._send({"kind": "header", "version": 1, "config": config})

    def tick(self, t: float, pages: Iterator[dict[str, Any]]) -> dict[str, Any]:
        """Send the pages of a round and return what pdwatch says of the service."""
        for page in pages:
            self._send({"kind": "scrape", "t": t, "seconds": 0.01} | page)
        self._send({"kind": "tick", "t": t})
        snapshot: dict[str, Any] = json.loads(self._process.stdout.readline())
        service: dict[str, Any] = snapshot["services"][SERVICE]
        return service

    def close(self) -> None:
        """End the program: the end of its input is the end of the recording."""
        self._process.stdin.close()
        self._process.wait()

    def _send(self, line: dict[str, Any]) -> None:
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()


def there(fleet: Fleet, role: Role) -> list[Worker]:
    """Return the workers that are up or on their way, oldest first."""
    return [worker for worker in fleet.of_role(role) if worker.state in (State.UP, State.STARTING)]


def pages(fleet: Fleet) -> Iterator[dict[str, Any]]:
    """Yield what a scrape of each worker gives: its page, or why there is none while it starts."""
    for role in Role:
        for worker in there(fleet, role):
            labels = {"service": SERVICE, "role": role.value, "replica": worker.name}
            told = {"body": fleet.page(worker)} if worker.alive else {"error": "connection refused"}
            yield {"target": worker.name, "labels": labels} | told


def set_replicas(fleet: Fleet, role: Role, wanted: int) -> None:
    """Add workers, or send the newest away."""
    workers = there(fleet, role)
    for _ in range(wanted - len(workers)):
        fleet.add_worker(role, STARTUP_SECONDS)
    for worker in workers[wanted:]:
        fleet.remove_worker(worker.name)


def run(follow: bool) -> None:
    """Play the day, print each change, and how requests were served once there was time to react."""
    fleet, advisor = Fleet(FleetSpec(Load(phases=DAY)), seed=1), Advisor()
    while fleet.now < END:
        fleet.run_until(fleet.now + TICK_SECONDS)
        advice = advisor.tick(fleet.epoch + fleet.now, pages(fleet))["advice"]
        for role in Role:
            current, wanted = len(there(fleet, role)), advice[role.value]["desired"]
            seen = advice[role.value]["current"] == current
            if follow and seen and wanted is not None and wanted != current:
                print(f"{fleet.now:5.0f} s  {role.value} {current} -> {wanted}  {advice['reason']}", flush=True)
                set_replicas(fleet, role, wanted)
    advisor.close()
    told(fleet, "busy", 480.0, 840.0)
    told(fleet, "calm", 960.0, END)


def told(fleet: Fleet, name: str, begin: float, end: float) -> None:
    """Print how many requests of a time had their first token soon enough; what is still under way had not."""
    ended = [request.ttft for request in fleet.finished if begin <= request.arrival < end]
    waiting = sum(begin <= request.arrival < end for request in fleet.in_flight.values())
    met = sum(ttft is not None and ttft <= TTFT_SECONDS for ttft in ended)
    print(f"{name}: {met / (len(ended) + waiting):.0%} of the first tokens within {TTFT_SECONDS:g} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ignore", action="store_true", help="look, and do not follow the advice")
    run(follow=not parser.parse_args().ignore)
