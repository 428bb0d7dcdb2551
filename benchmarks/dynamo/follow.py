"""pdwatch as a scaling policy of Dynamo's simulator: pages to `pdwatch replay -`, the advice followed to the letter."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from benchmarks.dynamo.hardware import BLOCK_TOKENS, KV_BLOCKS, MOST_BATCHED_TOKENS, STARTUP_SECONDS
from benchmarks.dynamo.pages import DecodePage, FrontPage, PrefillPage, attribute
from benchmarks.dynamo.score import MOST_GPUS, MOST_REPLICAS, Objective

EPOCH = 1_795_000_000.0
TICK_SECONDS = 5.0
SLICE_MS = 1.0
"""How often the simulator is asked for passes; a pass takes more than eight."""
SERVICE = "simulated"
ROLES = ("prefill", "decode")


class Advisor:
    """A running `pdwatch replay -`: one snapshot comes back for each tick, before the next one is asked for."""

    def __init__(self, program: str, objective: Objective, thresholds: Mapping[str, float]) -> None:
        command = [program, "replay", "-"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        pool = {"startup": f"{STARTUP_SECONDS:g}s", "gpus_per_replica": 1, "max_replicas": MOST_REPLICAS}
        service = {
            "slo": {"ttft": f"{objective.ttft:g}s", "itl": f"{objective.itl * 1000:g}ms"},
            "gpu_budget": MOST_GPUS,
            "pools": dict.fromkeys(ROLES, pool),
        }
        config = {"scrape": {"interval": f"{TICK_SECONDS:g}s"}, "thresholds": dict(thresholds)}
        self._send({"kind": "header", "version": 1, "config": config | {"services": {SERVICE: service}}})

    def page(self, at: float, worker: str, role: str, told: Mapping[str, str]) -> None:
        """Send what a scrape of *worker* gives: a body or an error."""
        labels = {"service": SERVICE, "role": role, "replica": worker}
        self._send({"kind": "scrape", "t": at, "target": worker, "labels": labels, "seconds": 0.01, **told})

    def tick(self, at: float) -> dict[str, Any]:
        """End the round and return the advice. Raises `RuntimeError` where the program has ended."""
        self._send({"kind": "tick", "t": at})
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("`pdwatch replay -` ended; what it says is above")
        advice: dict[str, Any] = json.loads(line)["services"][SERVICE]["advice"]
        return advice

    def close(self) -> None:
        """End the program: the end of its input is the end of the recording."""
        self._process.stdin.close()
        self._process.wait()

    def _send(self, line: Mapping[str, Any]) -> None:
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()


class FollowPdwatch:
    """Collects passes by the millisecond, and every five seconds sends pages and sets the replicas of the advice."""

    def __init__(self, advisor: Advisor) -> None:
        self._advisor = advisor
        self._asked = 0
        self._prefill: dict[int, PrefillPage] = {}
        self._decode: dict[int, DecodePage] = {}
        self._front = FrontPage()

    def initial_tick_ms(self) -> float:
        """Return when the simulator asks first."""
        return SLICE_MS

    def on_tick(self, seen: Mapping[str, Any]) -> dict[str, float | None]:
        """Take the passes of a slice; at a tick, return the replicas of the advice."""
        self._asked += 1
        now = EPOCH + self._asked * SLICE_MS / 1000.0
        self._take(seen, now)
        answer: dict[str, float | None] = {"target_prefill": None, "target_decode": None}
        if self._asked % round(TICK_SECONDS * 1000.0 / SLICE_MS) == 0:
            self._send(seen, now)
            advice = self._advisor.tick(now)
            answer = {f"target_{role}": _wanted(advice[role], seen[f"non_draining_{role}_count"]) for role in ROLES}
        return answer | {"next_tick_ms": SLICE_MS * (self._asked + 1)}

    def _take(self, seen: Mapping[str, Any], now: float) -> None:
        for one in seen["prefill_fpm_snapshots"]:
            self._page("prefill", one["worker_id"], now).take(one)
        stepped = []
        for one in seen["decode_fpm_snapshots"]:
            self._page("decode", one["worker_id"], now).take(one)
            stepped.append(self._decode[one["worker_id"]])
        traffic = seen["traffic"]
        if traffic["shape_count"]:
            self._front.take(traffic)
            attribute(traffic["shape_count"], traffic["avg_osl"], stepped)

    def _page(self, role: str, worker: int, now: float) -> PrefillPage | DecodePage:
        """Return the page of a worker; of one not seen before, a new one that begins now."""
        if role == "prefill":
            if worker not in self._prefill:
                self._prefill[worker] = PrefillPage(now, KV_BLOCKS, BLOCK_TOKENS, MOST_BATCHED_TOKENS)
            return self._prefill[worker]
        if worker not in self._decode:
            self._decode[worker] = DecodePage(now, KV_BLOCKS, BLOCK_TOKENS)
        return self._decode[worker]

    def _send(self, seen: Mapping[str, Any], now: float) -> None:
        """Send a page of each worker that serves, an error of each that starts, and the page of the front end."""
        for role in ROLES:
            for worker in seen[f"active_{role}_ids"]:
                self._advisor.page(now, f"{role}-{worker}", role, {"body": self._page(role, worker, now).text()})
            for worker in seen[f"starting_{role}_ids"]:
                self._page(role, worker, now)
                self._advisor.page(now, f"{role}-{worker}", role, {"error": "connection refused"})
        self._advisor.page(now, "front", "router", {"body": self._front.text()})


def _wanted(advice: Mapping[str, Any], current: int) -> int | None:
    """Return the replicas to set: those desired, where pdwatch can tell, has seen the last change and wants another."""
    desired: int | None = advice["desired"]
    return desired if advice["current"] == current and desired != current else None
