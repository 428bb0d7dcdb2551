"""The hand-off of the KV cache from prefill to decode."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.hostsignals import TransferPathSignals
from pdwatch.model.latency import TtftChain
from pdwatch.model.reading import Histogram
from pdwatch.model.snapshot import ServiceState, TransferState
from pdwatch.model.target import Role
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, left, right, wrap
from pdwatch.top.scene import Scene
from pdwatch.top.spark import bar
from pdwatch.top.status import Status, against, of_severity
from pdwatch.top.workers import mean, total

_LABEL = 30
_WORKER, _CELL = 22, 11
_NO_PAIRS = (
    "Pairs: no engine here counts KV by pair of prefill and decode worker, so no matrix is shown. "
    "A path is that of one worker with all its peers."
)
_BAR = 30
_BUCKETS = 12


def transfer(scene: Scene, width: int) -> list[Line]:
    """Return what is known of the transfers of one service."""
    service = scene.service
    if service is None:
        return [(Span("   There is no service yet.", Tone.MUTED),)]
    if service.transfer.reported_by is None:
        return [*_silent(service), (), *_chain(service.latency.chain)]
    return [
        *(_fact(*entry) for entry in _facts(scene, service.transfer)),
        (),
        *_chain(service.latency.chain),
        (),
        *_paths(scene, service),
        *_pairs(width),
        (),
        *_workers(service),
        *_buckets(service.transfer.histogram, width),
    ]


def _silent(service: ServiceState) -> Iterator[Line]:
    sides = [role.value for role in (Role.PREFILL, Role.DECODE) if role in service.pools]
    if len(sides) < 2:
        yield (Span("   No transfers: this service has no separate prefill and decode workers.", Tone.MUTED),)
        return
    yield (Span(" "), Status.UNKNOWN.span, Span(" No worker reports KV transfers."))
    yield (Span("   Some connectors export nothing, and some count only after the first transfer.", Tone.MUTED),)


def _fact(status: Status | None, name: str, text: str) -> Line:
    glyph = status.span if status is not None else Span(" ")
    return (Span(" "), glyph, Span(f" {left(name, _LABEL)}", Tone.MUTED), Span(text))


def _facts(scene: Scene, state: TransferState) -> Iterator[tuple[Status | None, str, str]]:
    yield from _moved(state)
    yield from _lost(state, scene.thresholds)
    yield from _compared(state, scene.thresholds)
    yield None, "wait on decode for KV", numbers.with_unit(state.waiting, "req")


def _moved(state: TransferState) -> Iterator[tuple[Status | None, str, str]]:
    moving = {True: (Status.OK, "yes"), False: (Status.BAD, "no: decode computes prompts again")}
    status, text = moving.get(state.kv_moving, (Status.UNKNOWN, "not known"))  # type: ignore[arg-type]
    side = state.reported_by.value if state.reported_by is not None else numbers.DASH
    yield status, "KV moves", f"{text}   as {side} tells"
    yield (
        None,
        "one transfer, mean / p95",
        f"{numbers.seconds(state.seconds_mean)} / {numbers.seconds(state.seconds_p95)}",
    )
    yield None, "transfers", numbers.rate(state.transfers_per_second)
    yield None, "moved", f"{numbers.speed(state.bytes_per_second)}{_since_start(numbers.size(state.bytes_total))}"
    yield None, "one transfer gets", numbers.speed(state.bandwidth_bytes_per_second)


def _lost(state: TransferState, limits: Thresholds) -> Iterator[tuple[Status | None, str, str]]:
    failing = (state.failures_per_second or 0.0) > limits.transfer_failures_per_second
    known = state.failures_per_second is not None
    yield (
        Status.BAD if failing else Status.OK if known else Status.UNKNOWN,
        "failures",
        f"{numbers.rate(state.failures_per_second)}{_since_start(numbers.count(state.failures_total))}",
    )
    expired = state.expired_per_second
    yield (Status.WARN if expired else None), "KV expired on prefill", numbers.rate(expired)


def _compared(state: TransferState, limits: Thresholds) -> Iterator[tuple[Status | None, str, str]]:
    yield (
        against(state.prefill_ratio, limits.transfer_prefill_ratio),
        "transfer over prefill time",
        f"{numbers.percent(state.prefill_ratio)}   limit {numbers.percent(limits.transfer_prefill_ratio)}",
    )
    yield (
        against(state.kv_recomputed_share, limits.kv_recomputed_share, hard=True),
        "prompt computed on decode",
        f"{numbers.percent(state.kv_recomputed_share)}   limit {numbers.percent(limits.kv_recomputed_share)}",
    )


def _since_start(text: str) -> str:
    return "" if text == numbers.DASH else f"   {text} since pdwatch watches"


def _chain(chain: TtftChain) -> list[Line]:
    hops = (
        ("prefill queue", chain.prefill_queue),
        ("prefill", chain.prefill),
        ("transfer", chain.transfer),
        ("decode admission", chain.decode_admission),
    )
    longest = max((seconds for _, seconds in hops if seconds is not None), default=0.0)
    head = (Span("   to the first token, mean of each hop", Tone.STRONG),)
    return [
        head,
        *(
            (Span(f"   {left(name, 18)}{right(numbers.seconds(value), 9)}  "), Span(bar(value, longest, _BAR), Tone.OK))
            for name, value in hops
        ),
    ]


def _paths(scene: Scene, service: ServiceState) -> Iterator[Line]:
    """Yield each worker that reports transfers, against what they were when pdwatch began to watch, slowest first."""
    if not service.transfer_paths:
        return
    head = ("one gets", "its usual", "of it", "moved", "one moves", "transfers")
    yield (Span(f"   {left('path of', _WORKER)}{''.join(right(name, _CELL) for name in head)}", Tone.MUTED),)
    for worker, path in sorted(service.transfer_paths.items(), key=lambda entry: (_kept(entry[1]) or 1.0, entry[0])):
        cells = (
            numbers.speed(path.bandwidth_bytes_per_second),
            "learning" if path.baseline_bandwidth is None else numbers.speed(path.baseline_bandwidth),
            numbers.percent(_kept(path)),
            numbers.speed(path.bytes_per_second),
            numbers.size(path.bytes_mean),
            numbers.count(path.transfers),
        )
        text = left(worker, _WORKER) + "".join(right(cell, _CELL) for cell in cells)
        yield (Span(" "), _path_status(scene, worker, path).span, Span(f" {text}"))


def _kept(path: TransferPathSignals) -> float | None:
    usual = path.baseline_bandwidth
    return path.bandwidth_bytes_per_second / usual if usual else None


def _path_status(scene: Scene, worker: str, path: TransferPathSignals) -> Status:
    """Return the worst that a finding says of the transfers of a worker."""
    said = [
        of_severity(finding.severity)
        for finding in scene.findings
        if finding.finding.startswith("kv_transfer") and finding.scope.get("worker") == worker
    ]
    return max(said, default=Status.UNKNOWN if path.baseline_bandwidth is None else Status.OK)


def _pairs(width: int) -> Iterator[Line]:
    for text in wrap(_NO_PAIRS, max(10, width - 6)):
        yield (Span(f"   {text}", Tone.MUTED),)


def _workers(service: ServiceState) -> Iterator[Line]:
    """Yield each decode worker that tells how it comes by its KV."""
    rows = [
        (
            worker,
            total(worker.engines, lambda engine: engine.kv_fetch_waiting),
            mean(worker.engines, lambda engine: engine.kv_recomputed_share),
        )
        for worker in service.workers
        if worker.role is Role.DECODE
    ]
    known = [row for row in rows if row[1:] != (None, None)]
    if not known:
        return
    head = left("decode worker", _WORKER) + right("waits for KV", 13) + right("computes itself", 17)
    yield (Span(f"   {head}", Tone.MUTED),)
    for worker, waits, computed in known:
        cells = right(numbers.count(waits), 13) + right(numbers.percent(computed), 17)
        yield (Span(f"   {left(worker.worker, _WORKER)}{cells}", Tone.MUTED if worker.stale else Tone.PLAIN),)
    yield ()


def _buckets(histogram: Histogram | None, width: int) -> Iterator[Line]:
    """Yield the buckets that hold transfers, each with its share."""
    if histogram is None or histogram.count <= 0:
        return
    yield (Span(f"   all {numbers.count(histogram.count)} transfers since the start", Tone.STRONG),)
    below = 0.0
    rows = []
    for bound, cumulative in zip(histogram.bounds, histogram.buckets, strict=False):
        share, below = (cumulative - below) / histogram.count, cumulative
        if share > 0:
            rows.append(("longer" if isinf(bound) else f"up to {numbers.seconds(bound)}", share))
    highest = max((share for _, share in rows), default=1.0)
    for name, share in rows[:_BUCKETS]:
        graph = bar(share, highest, min(_BAR, max(0, width - 40)))
        yield (Span(f"   {left(name, 18)}{right(numbers.percent(share), 9)}  "), Span(graph, Tone.OK))
