"""How evenly a mixture of experts is loaded, as logs tell; and where they do not, how evenly the ranks work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pdwatch.model.snapshot import EngineState, ServiceState, Snapshot, WorkerState
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, left, right, wrap
from pdwatch.top.gauges import expert_key
from pdwatch.top.scene import Scene
from pdwatch.top.spark import bar, sparkline
from pdwatch.top.status import Status

_NAME, _EVEN, _GRAPH = 24, 8, 12
_BAR = (10, 40)
_EMPTY = (
    "No replica tells how its experts are loaded.",
    "vLLM writes it to its log with --enable-eplb and log_balancedness; pdwatch agent on the host reads it there.",
    "A dense model has no experts.",
)
_BALANCE = "Balance of experts, from engine logs: mean over maximum of tokens per rank; 100 % is even."
_ESTIMATE = (
    "Estimate, from token rates of the ranks: mean over maximum. It tells how evenly requests are spread, "
    "and nothing of how evenly experts are used."
)


def experts(scene: Scene, width: int) -> list[Line]:
    """Return each replica's balance, the least even first, then what its ranks let one guess, marked as such."""
    service = scene.service
    if service is None or not (service.experts or service.expert_balance_estimate):
        return [(Span(f"   {text}", Tone.MUTED),) for text in _EMPTY]
    lines: list[Line] = []
    if service.experts:
        lines += [*_told(_BALANCE, width), *_balances(scene, service.experts, width, told=True), ()]
        lines += _rearranged(scene.snapshot)
    guessed = {name: ratio for name, ratio in service.expert_balance_estimate.items() if name not in service.experts}
    if guessed:
        lines += [*_told(_ESTIMATE, width), *_balances(scene, guessed, width, told=False), ()]
        lines += [line for name in sorted(guessed, key=guessed.__getitem__) for line in _ranks(service, name, width)]
    return lines


def _told(text: str, width: int) -> Iterator[Line]:
    for part in wrap(text, max(10, width - 6)):
        yield (Span(f"   {part}", Tone.MUTED),)


def _balances(scene: Scene, ratios: Mapping[str, float], width: int, *, told: bool) -> Iterator[Line]:
    limit = scene.thresholds.expert_balancedness_low
    room = min(_BAR[1], max(_BAR[0], width - _NAME - _EVEN - _GRAPH - 12))
    bound = f"limit {numbers.percent(limit)}" if told else ""
    head = f"   {left('replica', _NAME)}{right('even', _EVEN)}   {left(bound, room)}  last 10 min"
    yield (Span(head, Tone.MUTED),)
    for replica, ratio in sorted(ratios.items(), key=lambda entry: entry[1]):
        status = Status.UNKNOWN if not told else Status.WARN if ratio < limit else Status.OK
        graph = ""
        if scene.service is not None:
            key = expert_key(scene.service.service, replica)
            graph = sparkline(scene.trails.columns(key, scene.t, _GRAPH), 1.0, _GRAPH)
        mark = "" if told else "~"
        yield (
            Span(" "),
            status.span,
            Span(f" {left(replica, _NAME)}{right(f'{mark}{numbers.percent(ratio)}', _EVEN)}   "),
            Span(bar(ratio, 1.0, room), status.tone),
            Span(f"  {graph}"),
        )


def _ranks(service: ServiceState, replica: str, width: int) -> Iterator[Line]:
    """Yield each rank of a replica with its share of the replica's tokens, the busiest first."""
    ranks = [
        (worker, engine, _tokens(engine))
        for worker in service.workers
        if worker.replica == replica and not worker.stale
        for engine in worker.engines
    ]
    everything = sum(rate for _, _, rate in ranks)
    most = max((rate for _, _, rate in ranks), default=0.0)
    if everything <= 0:
        return
    yield (Span(f"   {left(f'ranks of {replica}', _NAME)}{right('share', _EVEN)}{right('tokens', 12)}", Tone.MUTED),)
    several = len({worker.url for worker, _, _ in ranks}) > 1
    for worker, engine, rate in sorted(ranks, key=lambda entry: -entry[2]):
        text = left(_rank(worker, engine, several=several), _NAME) + right(numbers.percent(rate / everything), _EVEN)
        yield (
            Span(f"   {text}{right(numbers.rate(rate), 12)}   "),
            Span(bar(rate, most, min(_BAR[1], max(_BAR[0], width - 60)))),
        )
    yield ()


def _rank(worker: WorkerState, engine: EngineState, *, several: bool) -> str:
    return f"{worker.worker}/{engine.engine}" if several else f"rank {engine.engine}"


def _tokens(engine: EngineState) -> float:
    return (engine.computed_tokens_per_second or 0.0) + (engine.generation_tokens_per_second or 0.0)


def _rearranged(snapshot: Snapshot | None) -> Sequence[Line]:
    """Return how often each log tells that experts were moved."""
    hosts = snapshot.hosts.values() if snapshot is not None else ()
    logs = [(state.host, state.reading.logs) for state in hosts if state.reading is not None]
    lines: list[Line] = [
        (Span(f"   {host}: {source.rearrangements} rearrangements of experts, the last one took {took}"),)
        for host, log in logs
        for source in (log.sources if log is not None else ())
        if source.rearrangements
        for took in (numbers.seconds(source.rearrangement_seconds),)
    ]
    return [*lines, ()] if lines else []
