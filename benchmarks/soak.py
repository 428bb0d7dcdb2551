"""Random faults on a demo fleet for some minutes: is each named and cleared, and does nothing grow?

`python -m benchmarks.soak --minutes 20 --seed 7`. The serve runs in this process, so that its tasks can be counted;
the fleet is a process of its own. Exit status 1 where a check fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.soaking.figures import Figures, held
from benchmarks.soaking.fleet import WORKERS
from benchmarks.soaking.witness import Witness
from pdwatch.catalog.thresholds import Thresholds
from pdwatch.cli.commands.serve import Program, serving
from pdwatch.config.load import load
from pdwatch.judge.findings import BY_ID

Json = dict[str, Any]

WARM_UP_SECONDS = 20.0
PATIENCE_SECONDS = 45.0
"""Within which a fault must be named, and cleared."""
QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class Fault:
    """What is done to a worker, and the finding that must name it."""

    what: str
    finding: str
    workers: range = range(WORKERS)
    """Numbers of the workers to which it is done."""
    factor: float = 1.0
    leaves: tuple[str, ...] = ()
    """Findings that may stand for a while after it."""

    @property
    def clear_seconds(self) -> float:
        """Within which nothing may be said of the worker once it is undone."""
        return PATIENCE_SECONDS + max(BY_ID[finding].clear_seconds for finding in (self.finding, *self.leaves))


RESTLESS, SETTLED = range(WORKERS // 2), range(WORKERS // 2, WORKERS)
"""A worker is told as slow in comparison with peers whose process is minutes old: only some may lose theirs."""
SETTLING_SECONDS = Thresholds().cold_seconds + 10.0
"""From the start of the fleet until its workers count as settled."""
FAULTS = (
    Fault("kill", "worker_down", RESTLESS),
    Fault("hang", "worker_stale", RESTLESS, leaves=("worker_slow",)),  # its prompts took long over half a minute
    Fault("restart", "worker_restarted", RESTLESS),
    Fault("refuse", "worker_stale"),
    Fault("garble", "worker_stale"),
    Fault("slow", "worker_slow", SETTLED, factor=3.0),
)


@dataclass
class Soak:
    """A running serve under faults, and what was seen."""

    url: str
    fleet: Json
    targets: Path
    chance: random.Random
    figures: Figures = field(default_factory=Figures)
    witness: Witness = field(default_factory=Witness)
    hurt: set[str] = field(default_factory=set)
    """Workers to which something is being done."""
    newest: Json = field(default_factory=dict)
    arrived: float = field(default_factory=time.monotonic)
    settled: float = field(default_factory=lambda: time.monotonic() + SETTLING_SECONDS)
    """When workers that keep their process can be compared."""
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(trust_env=False, timeout=20))

    async def follow(self) -> None:
        """Keep the newest snapshot, and how old it ever got."""
        async with self.client.stream("GET", f"{self.url}api/v1/stream", timeout=None) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    age = time.monotonic() - self.arrived
                    self.figures.oldest_seconds = max(self.figures.oldest_seconds, age)
                    self.newest, self.arrived = json.loads(line.removeprefix("data: ")), time.monotonic()
                    wrong = {f["summary"] for f in self._findings() if self._is_wrong(f)}
                    (self.figures.excused if self.witness.excuses else self.figures.wronged).update(wrong)

    async def scrape(self) -> None:
        """Be Prometheus and a person at once."""
        while True:
            for path in ("metrics", "", "api/v1/snapshot", "sd/workers"):
                (await self.client.get(self.url + path)).raise_for_status()
            await asyncio.sleep(1)

    async def hurt_workers(self, role: str) -> None:
        """Do one thing after the other to workers of a role."""
        while True:
            settled = time.monotonic() >= self.settled
            fault = self.chance.choice([fault for fault in FAULTS if settled or fault.workers is not SETTLED])
            await self.hurt_worker(f"{role}-{self.chance.choice(fault.workers)}", fault)
            await asyncio.sleep(self.chance.uniform(0, QUIET_SECONDS))

    async def hurt_worker(self, worker: str, fault: Fault) -> None:
        """Do one thing to a worker, undo it once it is named, and wait until no finding speaks of it."""
        what, named, cleared = f"{fault.what} of {worker}", self.figures.named, self.figures.cleared
        await self.expect(f"end of an earlier {what}", lambda: not self.is_named(fault.finding, worker), [])
        self.hurt.add(worker)
        await self.do(fault.what, worker, fault.factor)
        try:
            await self.expect(what, lambda: self.is_named(fault.finding, worker), named[fault.what])
        finally:
            await self.do("start", worker)
            await self.do("slow", worker)
        await self.expect(f"end of {what}", lambda: self.is_well(worker), cleared[fault.what], fault.clear_seconds)
        self.hurt.discard(worker)

    async def hurt_sources(self) -> None:
        """Tear, empty and remove the file of targets; open streams that nobody reads; send what is no HTTP."""
        good = self.targets.read_text(encoding="utf-8")
        while True:
            what = self.chance.choice(("torn", "empty", "gone"))
            if what == "gone":
                self.targets.unlink()
            else:
                self.targets.write_text(good[:40] if what == "torn" else "", encoding="utf-8")
            named, cleared = self.figures.named[f"{what} file"], self.figures.cleared[f"{what} file"]
            await self.expect(f"{what} file", lambda: bool(self.newest["self"]["discovery_errors"]), named)
            self.targets.write_text(good, encoding="utf-8")
            await self.expect(f"end of {what} file", lambda: not self.newest["self"]["discovery_errors"], cleared)
            await self.annoy()

    async def annoy(self) -> None:
        """Be a client that does not behave, and one that has the configuration loaded again."""
        host, port = httpx.URL(self.url).host, httpx.URL(self.url).port
        for request in (b"GET /api/v1/stream HTTP/1.1\r\nHost: a\r\n\r\n", b"nonsense\r\n\r\n", b"GET /metr"):
            _, writer = await asyncio.open_connection(host, port)
            writer.write(request)
            await asyncio.sleep(0.2)
            writer.transport.abort()
        (await self.client.post(f"{self.url}-/reload")).raise_for_status()

    async def expect(
        self, what: str, holds: Callable[[], bool], times: list[float], patience: float = PATIENCE_SECONDS
    ) -> None:
        """Wait until something holds, and keep how long that took."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > patience:
                self.figures.failures.append(f"{what}: not seen within {patience:g} s")
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

    def _is_wrong(self, finding: Json) -> bool:
        """Tell whether a finding says of a worker what was done to another, or to none."""
        ours = finding["severity"] != "info" and finding["finding"] in {fault.finding for fault in FAULTS}
        return ours and finding["scope"].get("worker") not in self.hurt

    def _findings(self) -> list[Json]:
        found: list[Json] = self.newest["services"].get("demo", {"findings": []})["findings"]
        return found

    async def do(self, what: str, worker: str, factor: float = 1.0) -> None:
        """Ask the fleet for something, again where another program has just taken the port of a worker that is down."""
        body = {"do": what, "worker": worker, "factor": factor}
        end = time.monotonic() + PATIENCE_SECONDS
        while not (answer := await self.client.post(f"{self.fleet['router']}/demo/fault", json=body)).is_success:
            if time.monotonic() > end:
                raise RuntimeError(f"the fleet does not {what} {worker}: {answer.text}")
            await asyncio.sleep(1)


@asynccontextmanager
async def demo_fleet() -> AsyncIterator[Json]:
    """Run the fleet in a process of its own; the addresses of its workers and its router."""
    command = (sys.executable, "-m", "benchmarks.soaking.fleet")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield json.loads(await process.stdout.readline())
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
            settings = {
                "scrape": {"interval": "1s"},
                "window": "10s",
                "listen": "127.0.0.1:0",
                "state_file": str(Path(folder, "pdwatch.state")),
                "discovery": [source],
            }
            file.write_text(json.dumps(settings), encoding="utf-8")
            program = Program("soak", lambda: load(file, {}, ()))
            async with serving(program, program.configure()) as server:
                yield Soak(server.url, fleet, targets, random.Random(seed))


async def soak(minutes: float, seed: int) -> bool:
    """Hurt the fleet for some minutes, print what came of it, and tell whether all is well."""
    async with soaking(seed) as one:
        witnessing = (one.witness.watch_itself(), one.witness.watch_fleet(one.client, f"{one.fleet['router']}/health"))
        watching = [asyncio.create_task(work) for work in (one.follow(), one.scrape(), *witnessing)]
        await asyncio.sleep(WARM_UP_SECONDS)
        before, began = held(), time.monotonic()
        await hurting(one, watching, 60 * minutes)
        words, after = one.witness.words(), held()
        one.figures.judge(before, after)
        print(f"soak of {(time.monotonic() - began) / 60:.1f} min, seed {seed}", words, sep="\n")
        print(*one.figures.lines(before, after), sep="\n", flush=True)
        await ended(watching)
        await one.client.aclose()
        return not one.figures.failures


async def hurting(one: Soak, watching: list[asyncio.Task[None]], seconds: float) -> None:
    """Hurt workers of both roles and sources at once, until time is up or something ended that should not."""
    works = (one.hurt_workers("prefill"), one.hurt_workers("decode"), one.hurt_sources())
    tasks = [asyncio.create_task(work) for work in works]
    done, _ = await asyncio.wait((*tasks, *watching), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    one.figures.failures += [f"ended early: {task.exception()!r}" for task in done]
    await ended(tasks)
    await asyncio.sleep(QUIET_SECONDS)


async def ended(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Random faults on a demo fleet.")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    return 0 if asyncio.run(soak(args.minutes, args.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
