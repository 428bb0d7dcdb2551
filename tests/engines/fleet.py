"""Fleets of pages for a road: what is scraped round after round, and a few fleets of several engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from synthetic import SGLang

from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import ServiceState, Snapshot
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings, ServicePolicy

INTERVAL = 5.0
Pages = Mapping[str, str]


class Fleet:
    """Pages by name, told to a road round after round. A name is `service/worker`, or `service/worker=role`."""

    def __init__(self, **services: ServicePolicy) -> None:
        self.road = Road(RoadSettings(interval=INTERVAL, services=services))
        self.at = 1000.0

    def round(self, pages: Mapping[str, str | None]) -> Snapshot:
        """Scrape all pages once and close the round; a page that is `None` cannot be reached."""
        self.at += INTERVAL
        for name, text in pages.items():
            error = None if text is not None else "connection refused"
            status = 200 if text is not None else None
            self.road.observe(Scrape(target_of(name), self.at, 0.01, status, text, error))
        self.road.keep([target_of(name) for name in pages])
        return self.road.tick(self.at)

    def run(self, rounds: Iterator[Pages]) -> Snapshot:
        """Return the last snapshot."""
        for pages in rounds:
            last = self.round(pages)
        return last


def target_of(name: str) -> Target:
    """Return the target of a name."""
    place, _, role = name.partition("=")
    service, _, worker = place.partition("/")
    declared = Role(role) if role else Role.UNKNOWN
    source = RoleSource.DECLARED if role else RoleSource.NONE
    return Target(f"http://{worker}.{service}:8000/metrics", worker, service, declared, source)


def sglang_rounds(count: int = 13, **changed: object) -> Iterator[Pages]:
    """One prefill and one decode worker of two tensor ranks, 10 requests a round between them."""
    prefill = SGLang("prefill", running=2, queue=1, bootstrap=2, inflight=3, usage=0.3, tp=2)
    decode = SGLang("decode", running=12, queue=1, prealloc=2, transfer=3, usage=0.6, tp=2)
    for number in range(count):
        prefill, decode = (replace(page, requests=10 * number, **changed) for page in (prefill, decode))  # type: ignore[arg-type]
        yield {"sgl/p0": str(prefill), "sgl/d0": str(decode)}


def service_of(snapshot: Snapshot, name: str) -> ServiceState:
    """Return one service of a snapshot."""
    return snapshot.services[name]


def doubled(text: str) -> str:
    """Return a page on which everything that is counted is twice what it was; gauges stay."""
    return "".join(f"{_line_doubled(line)}\n" for line in text.splitlines())


def _line_doubled(line: str) -> str:
    name = line.partition("{")[0].partition(" ")[0]
    if line.startswith("#") or not name.endswith(("_total", "_sum", "_count", "_bucket")):
        return line
    series, _, value = line.rpartition(" ")
    return f"{series} {float(value) * 2}"
