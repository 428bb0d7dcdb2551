"""One worker on the whole page: who it is, what is wrong with it, and each of its engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pdwatch.model.encode import public_url
from pdwatch.model.judgement import Finding
from pdwatch.model.placement import Placement
from pdwatch.model.snapshot import EngineState, WorkerState
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, left, right, wrap
from pdwatch.top.draw.alerts import about
from pdwatch.top.events import scope_of
from pdwatch.top.gauges import worker_key
from pdwatch.top.hardware import gpu_rows
from pdwatch.top.scene import Scene
from pdwatch.top.spark import sparkline
from pdwatch.top.status import of_severity
from pdwatch.top.workers import WorkerRow

_LABEL = 12

_ENGINE: tuple[tuple[str, int, Callable[[EngineState], str]], ...] = (
    ("KV", 6, lambda e: numbers.percent(e.kv_cache_usage_ratio)),
    ("run", 6, lambda e: numbers.count(e.requests_running)),
    ("wait", 6, lambda e: numbers.count(e.requests_waiting)),
    ("for KV", 7, lambda e: numbers.count(e.kv_fetch_waiting)),
    ("load", 7, lambda e: numbers.count(e.load)),
    ("ITL", 9, lambda e: numbers.seconds(e.itl_seconds)),
    ("computed", 10, lambda e: numbers.rate(e.computed_tokens_per_second)),
    ("generated", 10, lambda e: numbers.rate(e.generation_tokens_per_second)),
    ("preempt", 9, lambda e: numbers.rate(e.preemptions_per_second)),
    ("errors", 8, lambda e: numbers.rate(e.errors_per_second)),
    ("prefix", 7, lambda e: numbers.percent(e.prefix_cache_hit_ratio)),
    ("stuck", 7, lambda e: numbers.duration(e.stuck_seconds)),
)


def detail(scene: Scene, row: WorkerRow, width: int) -> list[Line]:
    """Return everything known of one worker."""
    worker = row.state
    graph = sparkline(_columns(scene, worker, 60), scene.thresholds.kv_usage_high, 60) if width >= 80 else ""
    limit = numbers.percent(scene.thresholds.kv_usage_high)
    return [
        (Span(" "), row.status.span, Span(f" {row.worker}", Tone.STRONG), Span(f"   {row.word}", row.status.tone)),
        (),
        *(_fact(name, text) for name, text in _facts(row)),
        *_path(scene, row),
        *([_fact(f"KV to {limit}", graph)] if graph else []),
        (),
        *_findings(scene, row, width),
        *_engines(worker, width),
        *_missing(worker, width),
        (),
        *_hardware(scene, row),
    ]


def _columns(scene: Scene, worker: WorkerState, width: int) -> list[float | None]:
    service = scene.service.service if scene.service is not None else ""
    return scene.trails.columns(worker_key(service, worker.url), scene.t, width)


def _fact(name: str, text: str) -> Line:
    return (Span(f"   {left(name, _LABEL)}", Tone.MUTED), Span(text))


def _facts(row: WorkerRow) -> Iterator[tuple[str, str]]:
    worker = row.state
    known = (
        "its numbers do not show it" if worker.behaviour.value == "unknown" else f"behaves as {worker.behaviour.value}"
    )
    yield "role", f"{worker.role.value}, {worker.role_source.value}; {known}"
    yield "page", f"{public_url(worker.url)}   {_reached(worker)}"
    yield (
        "engine",
        f"{worker.family or numbers.DASH} {worker.version or 'of unknown version'}, {worker.model or numbers.DASH}",
    )
    yield "replica", f"{worker.replica}   host {worker.host or numbers.DASH}   restarts in the window {worker.restarts}"
    yield "health", _health(worker)


def _path(scene: Scene, row: WorkerRow) -> Iterator[Line]:
    """Yield how fast KV moves to or from it, against its usual."""
    path = scene.service.transfer_paths.get(row.worker) if scene.service is not None else None
    if path is not None:
        usual = "usual is being learned"
        if path.baseline_bandwidth:
            share = numbers.percent(path.bandwidth_bytes_per_second / path.baseline_bandwidth)
            usual = f"{share} of its usual {numbers.speed(path.baseline_bandwidth)}"
        text = f"{numbers.speed(path.bandwidth_bytes_per_second)} each, {usual}"
        yield _fact("KV transfer", f"{text}; {numbers.speed(path.bytes_per_second)} together")


def _reached(worker: WorkerState) -> str:
    if worker.error:
        times = f", {worker.failures} times in a row" if worker.failures > 1 else ""
        last = "never a page" if worker.age_seconds is None else f"last page {numbers.duration(worker.age_seconds)} ago"
        return f"{worker.error}{times}, {last}"
    return f"{numbers.duration(worker.age_seconds)} old, answered in {numbers.seconds(worker.scrape_seconds)}"


def _health(worker: WorkerState) -> str:
    if worker.health is None:
        return f"no answer: {worker.health_error}" if worker.health_error else "not asked yet"
    return f"GET /health answers {worker.health}"


def _findings(scene: Scene, row: WorkerRow, width: int) -> Iterator[Line]:
    found = about(scene, row.worker, [place.host for place in _places(scene, row)])
    for finding, symptom in found:
        yield from _finding(finding, symptom, width)
    if found:
        yield ()


def _finding(finding: Finding, symptom: bool, width: int) -> Iterator[Line]:
    status = of_severity(finding.severity)
    where = "" if finding.scope.get("worker") else f" {scope_of(finding)}"
    words = f"{'so also ' if symptom else ''}{finding.finding}{where}: {finding.summary}"
    indent, tone = ("   ", Tone.MUTED) if symptom else (" ", Tone.PLAIN)
    for index, text in enumerate(wrap(words, max(10, width - 8))):
        glyph = Span(status.glyph, Tone.MUTED if symptom else status.tone) if index == 0 else Span(" ")
        yield (Span(indent), glyph, Span(f" {text}", tone))
    for text in wrap(f"do: {finding.fix}", max(10, width - 8)) if not symptom else ():
        yield (Span(f"     {text}", Tone.STRONG),)


def _engines(worker: WorkerState, width: int) -> Iterator[Line]:
    shown, room = [], width - 14
    for title, size, show in _ENGINE:
        room -= size
        if room < 0:
            break
        shown.append((title, size, show))
    yield (Span(f"   {left('engine', 9)}{''.join(right(title, size) for title, size, _ in shown)}", Tone.MUTED),)
    for engine in worker.engines:
        cells = "".join(right(show(engine), size) for _, size, show in shown)
        yield (Span(f"   {left(engine.engine, 9)}{cells}", Tone.MUTED if worker.stale else Tone.PLAIN),)
    if not worker.engines:
        yield (Span("   no engine has been seen on its page", Tone.MUTED),)


def _places(scene: Scene, row: WorkerRow) -> list[Placement]:
    places = scene.service.placements if scene.service is not None else ()
    return [place for place in places if place.worker == row.worker]


def _hardware(scene: Scene, row: WorkerRow) -> Iterator[Line]:
    """Yield the GPUs of the worker and the ports nearest to them."""
    found = _places(scene, row)
    if not found or scene.snapshot is None:
        yield _fact("GPUs, ports", "not known: run pdwatch agent on its host and name it under hosts")
        return
    for place in found:
        ports = [f"{device}/{number}" for device, number in place.ports]
        yield _fact("ports", f"{place.host} {', '.join(ports) or 'not known'}")
        for gpu in gpu_rows(scene.snapshot, scene.service):
            if gpu.host == place.host and gpu.gpu.index in place.gpus:
                use, name = numbers.percent(gpu.gpu.utilization_ratio), gpu.gpu.name or ""
                text = f"{gpu.gpu.index} {name}  use {use}  {gpu.trouble}"
                yield (Span(f"   {left('GPU', _LABEL)}", Tone.MUTED), gpu.status.span, Span(f" {text}"))


def _missing(worker: WorkerState, width: int) -> Iterator[Line]:
    lacking = [f"{entry.upstream} ({entry.versions})" for entry in worker.missing if entry.versions]
    if lacking:
        yield ()
        for text in wrap(f"its page lacks: {', '.join(dict.fromkeys(lacking))}", max(10, width - 6)):
            yield (Span(f"   {text}", Tone.MUTED),)
