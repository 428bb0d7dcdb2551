"""Random faults on a demo fleet for some minutes: is each named and cleared, and does nothing grow?

`python -m benchmarks.soak --minutes 20 --seed 7`. The serve runs in this process, so that its tasks can be counted;
the fleet is a process of its own. Exit status 1 where a check fails.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from pdwatch.cli.commands.serve import Program, serving
from pdwatch.config.load import load

Json = dict[str, Any]

WARM_UP_SECONDS = 20.0
PATIENCE_SECONDS = 45.0
"""Within which a fault must be named, and cleared."""
QUIET_SECONDS = 2.0
MAX_GROWTH = {"MiB": 80.0, "files": 12, "tasks": 8}
"""From the end of the warm-up to the end. The hour of history that a serve keeps may take 64 MiB of it."""
MAX_AGE_SECONDS = 5.0
"""Of the newest snapshot, at any time; the interval is 1 s."""


@dataclass(frozen=True)
class Fault:
    """What is done to a worker, and the finding that must name it."""

    what: str
    finding: str


FAULTS = (
    Fault("kill", "worker_down"),
    Fault("hang", "worker_stale"),
    Fault("restart", "worker_restarted"),
)
"""A slow worker is told in comparison with settled peers, which a fleet under faults does not have."""


@dataclass
class Soak:
    """A running serve under faults, and what was seen."""

    url: str
    fleet: Json
    targets: Path
    chance: random.Random
    named: list[float] = field(default_factory=list)
    cleared: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    newest: Json = field(default_factory=dict)
    arrived: float = field(default_factory=time.monotonic)
    oldest_seconds: float = 0.0
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(trust_env=False, timeout=20))

    async def follow(self) -> None:
        """Keep the newest snapshot, and how old it ever got."""
        async with self.client.stream("GET", f"{self.url}api/v1/stream", timeout=None) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    self.oldest_seconds = max(self.oldest_seconds, time.monotonic() - self.arrived)
                    self.newest, self.arrived = json.loads(line.removeprefix("data: ")), time.monotonic()

    async def scrape(self) -> None:
        """Be Prometheus and a person at once."""
        while True:
            for path in ("metrics", "", "api/v1/snapshot", "sd/workers"):
                (await self.client.get(self.url + path)).raise_for_status()
            await asyncio.sleep(1)

    async def hurt_workers(self, role: str) -> None:
        """Do one thing after the other to workers of a role."""
        while True:
            worker = f"{role}-{self.chance.randrange(len(self.fleet[role]))}"
            await self.hurt(worker, self.chance.choice(FAULTS))
            await asyncio.sleep(self.chance.uniform(0, QUIET_SECONDS))

    async def hurt(self, worker: str, fault: Fault) -> None:
        """Do one thing to a worker, undo it once it is named, and wait until no finding speaks of it."""
        await self.do(fault.what, worker)
        try:
            await self.expect(f"{fault.what} of {worker}", lambda: self.is_named(fault.finding, worker), self.named)
        finally:
            await self.do("start", worker)
        await self.expect(f"end of {fault.what} of {worker}", lambda: self.is_well(worker), self.cleared)
        self.counts[fault.what] += 1

    async def hurt_sources(self) -> None:
        """Tear, empty and remove the file of targets; open streams that nobody reads; send what is no HTTP."""
        good = self.targets.read_text(encoding="utf-8")
        while True:
            what = self.chance.choice(("torn", "empty", "gone"))
            if what == "gone":
                self.targets.unlink()
            else:
                self.targets.write_text(good[:40] if what == "torn" else "", encoding="utf-8")
            await self.expect(f"{what} file", lambda: bool(self.newest["self"]["discovery_errors"]), self.named)
            self.targets.write_text(good, encoding="utf-8")
            await self.expect(f"end of {what} file", lambda: not self.newest["self"]["discovery_errors"], self.cleared)
            self.counts[f"{what} file"] += 1
            await self.annoy()

    async def annoy(self) -> None:
        """Be a client that does not behave."""
        host, port = httpx.URL(self.url).host, httpx.URL(self.url).port
        for request in (b"GET /api/v1/stream HTTP/1.1\r\nHost: a\r\n\r\n", b"nonsense\r\n\r\n", b"GET /metr"):
            _, writer = await asyncio.open_connection(host, port)
            writer.write(request)
            await asyncio.sleep(0.2)
            writer.transport.abort()
        self.counts["bad clients"] += 3

    async def expect(self, what: str, holds: Callable[[], bool], times: list[float]) -> None:
        """Wait until something holds, and keep how long that took."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > PATIENCE_SECONDS:
                self.failures.append(f"{what}: not seen within {PATIENCE_SECONDS:g} s")
                return
            await asyncio.sleep(0.05)
        times.append(time.monotonic() - began)

    def is_named(self, finding: str, worker: str) -> bool:
        """Tell whether a finding names a worker."""
        return any(f["finding"] == finding and f["scope"].get("worker") == worker for f in self._findings())

    def is_well(self, worker: str) -> bool:
        """Tell whether a worker answers and no finding above information names it."""
        known = {w["worker"]: w for w in self.newest["services"]["demo"]["workers"]}
        faults = [f for f in self._findings() if f["severity"] != "info" and f["scope"].get("worker") == worker]
        return known[worker]["up"] and not faults

    def _findings(self) -> list[Json]:
        found: list[Json] = self.newest["services"]["demo"]["findings"]
        return found

    async def do(self, what: str, worker: str) -> None:
        """Ask the fleet for something, again where another program has just taken the port of a worker that is down."""
        body = {"do": what, "worker": worker}
        end = time.monotonic() + PATIENCE_SECONDS
        while not (answer := await self.client.post(f"{self.fleet['router']}/demo/fault", json=body)).is_success:
            if time.monotonic() > end:
                raise RuntimeError(f"the fleet does not {what} {worker}: {answer.text}")
            await asyncio.sleep(1)


def held() -> dict[str, float]:
    """Return what this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    files = len(list(Path("/proc/self/fd").iterdir()))
    return {"MiB": pages * os.sysconf("SC_PAGE_SIZE") / 2**20, "files": files, "tasks": len(asyncio.all_tasks())}


@asynccontextmanager
async def demo_fleet() -> AsyncIterator[Json]:
    """Run a healthy fleet in a process of its own; the addresses of its workers and its router."""
    command = (sys.executable, "-m", "pdwatch.demo", "--scenario", "healthy", "--port", "0", "--speed", "2")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = b""
        while not line.startswith(b"{"):
            line = await process.stdout.readline()
        yield json.loads(line)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@asynccontextmanager
async def soaking(seed: int) -> AsyncIterator[Soak]:
    """Run a serve on a fleet whose workers it finds in a file."""
    with tempfile.TemporaryDirectory() as folder:
        async with demo_fleet() as fleet:
            targets, file = Path(folder, "targets.json"), Path(folder, "pdwatch.yaml")
            groups = [
                {"targets": [url], "labels": {"service": "demo", "role": role, "worker": f"{role}-{number}"}}
                for role in ("prefill", "decode")
                for number, url in enumerate(fleet[role])
            ]
            targets.write_text(json.dumps(groups), encoding="utf-8")
            source = {"file": {"paths": [str(targets)], "refresh": "1s"}}
            settings = {"scrape": {"interval": "1s"}, "window": "10s", "listen": "127.0.0.1:0", "discovery": [source]}
            file.write_text(json.dumps(settings), encoding="utf-8")
            program = Program("soak", lambda: load(file, {}, ()))
            async with serving(program, program.configure()) as server:
                yield Soak(server.url, fleet, targets, random.Random(seed))


async def soak(minutes: float, seed: int) -> bool:
    """Hurt the fleet for some minutes, print what came of it, and tell whether all is well."""
    async with soaking(seed) as one:
        watching = [asyncio.create_task(work) for work in (one.follow(), one.scrape())]
        await asyncio.sleep(WARM_UP_SECONDS)
        before = held()
        end = time.monotonic() + 60 * minutes
        hurting = [one.hurt_workers("prefill"), one.hurt_workers("decode"), one.hurt_sources()]
        tasks = [asyncio.create_task(work) for work in hurting]
        done, _ = await asyncio.wait((*tasks, *watching), timeout=60 * minutes, return_when=asyncio.FIRST_COMPLETED)
        one.failures += [f"ended early: {task.exception()!r}" for task in done]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(max(0.0, QUIET_SECONDS))
        told(one, before, held(), minutes - (end - time.monotonic()) / 60)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await one.client.aclose()
        return not one.failures


def told(one: Soak, before: dict[str, float], after: dict[str, float], minutes: float) -> None:
    """Print the figures; what is beyond its limit is added to the failures."""
    for name, limit in MAX_GROWTH.items():
        if after[name] - before[name] > limit:
            one.failures.append(f"{name} grew from {before[name]:g} to {after[name]:g}, limit {limit:g} more")
    if one.oldest_seconds > MAX_AGE_SECONDS:
        one.failures.append(f"a snapshot got {one.oldest_seconds:.1f} s old, limit {MAX_AGE_SECONDS:g} s")
    faults = ", ".join(f"{count} {what}" for what, count in sorted(one.counts.items()))
    print(f"soak of {minutes:.1f} min: {faults}")
    for what, times in (("named", one.named), ("cleared", one.cleared)):
        if times:
            print(f"{what} after {statistics.median(times):.1f} s in the median, {max(times):.1f} s at most")
    print("; ".join(f"{name} {before[name]:.0f} -> {after[name]:.0f}" for name in MAX_GROWTH))
    print(f"oldest snapshot {one.oldest_seconds:.1f} s")
    for failure in one.failures:
        print(f"FAILED {failure}")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Random faults on a demo fleet.")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    return 0 if asyncio.run(soak(args.minutes, args.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
