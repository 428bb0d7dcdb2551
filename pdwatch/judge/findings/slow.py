"""Workers that take longer for a token than their peers, by more than their work explains."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.symptoms import MISSED
from pdwatch.judge.findings.whose import comparable
from pdwatch.judge.words import seconds
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.snapshot import EngineState, WorkerState
from pdwatch.model.target import Role

_ALIKE = 1.25
"""Ratio of work, or of prompt lengths, up to which two workers do the same."""
_IDLE = 0.6
"""Share of its peers' tokens below which a prefill worker with room has passes too small to compare."""
_BUSY = 0.9
_FEWER_AT_ONCE = 1.2
"""A fuller batch is slower, at most in proportion; beyond that by this factor, the worker is slow."""


@dataclass(frozen=True, slots=True)
class _Runner:
    """The slowest engine of a worker: its ranks wait for each other."""

    worker: str
    pace: float
    load: float
    work: float
    prompt: float


def _slow(view: View) -> Iterator[Hit]:
    slow_pace = view.thresholds.slow_pace
    for role in (Role.PREFILL, Role.DECODE, Role.BOTH):
        runners = [runner for worker in comparable(view, role) if (runner := _runner(worker)) is not None]
        paces = [runner.pace for runner in runners]
        if len(runners) < 2 or max(paces) < view.thresholds.slow_pace * min(paces):
            continue
        peers = _Peers(runners)
        for runner in runners:
            if runner.pace < slow_pace * peers.pace(runner):
                continue  # what it was given can only allow it more
            usual = peers.of(runner)
            allowed = _allowed(role, runner, usual)
            if allowed is not None and runner.pace >= slow_pace * allowed * usual.pace:
                yield _hit(role, runner, usual, slow_pace * allowed)


def _runner(worker: WorkerState) -> _Runner | None:
    """Return the numbers of a worker that did enough to tell its pace."""
    found: EngineState | None = None
    for engine in worker.engines:
        if engine.pace_seconds is not None and (found is None or engine.pace_seconds > (found.pace_seconds or 0.0)):
            found = engine
    if found is None:
        return None
    work, prompt = found.pace_tokens_per_second or 0.0, found.pace_prompt_tokens or 0.0
    return _Runner(worker.worker, found.pace_seconds or 0.0, found.pace_load or 0.0, work, prompt)


class _Peers:
    """What is usual among the others, by each number's median."""

    def __init__(self, runners: Sequence[_Runner]) -> None:
        self._columns = [sorted(getattr(runner, name) for runner in runners) for name in _NUMBERS]

    def pace(self, runner: _Runner) -> float:
        """Return the median pace of all but one runner."""
        return _median_without(self._columns[0], runner.pace)

    def of(self, runner: _Runner) -> _Runner:
        """Return the medians of all but one runner."""
        own = (getattr(runner, name) for name in _NUMBERS)
        return _Runner("", *(_median_without(column, value) for column, value in zip(self._columns, own, strict=True)))


_NUMBERS = ("pace", "load", "work", "prompt")


def _median_without(ordered: Sequence[float], value: float) -> float:
    """Return the median of all but one occurrence of *value*, without copying."""
    count, at = len(ordered) - 1, bisect_left(ordered, value)
    middle = ((count - 1) // 2, count // 2)
    low, high = (ordered[index if index < at else index + 1] for index in middle)
    return (low + high) / 2


def _allowed(role: Role, own: _Runner, usual: _Runner) -> float | None:
    """Return how many times as long as usual a token may take for what the worker was given; `None`: not comparable.

    A healthy worker with as many tokens a second as its peers settles at their pace. One with more of them has a fuller
    batch, one with longer prompts more to attend to; both make a token slower at most in proportion.
    """
    if role is Role.PREFILL and own.work < _IDLE * usual.work and own.load < _BUSY:
        return None
    allowed = 1.0
    if role is not Role.PREFILL and own.work > _ALIKE * usual.work and usual.load > 0:
        allowed = _FEWER_AT_ONCE * max(1.0, own.load / usual.load)
    longer = own.prompt / usual.prompt if usual.prompt > 0 else 1.0
    return allowed * longer if longer > _ALIKE else allowed


def _hit(role: Role, runner: _Runner, usual: _Runner, limit: float) -> Hit:
    scope: Mapping[str, str] = {"role": role.value, "worker": runner.worker}
    others = {"role": role.value}
    evidence = (
        Evidence("pace_seconds", runner.pace, "seconds", limit * usual.pace, scope),
        Evidence("pace_seconds_of_others", usual.pace, "seconds", None, others),
        Evidence("pace_tokens_per_second", runner.work, "tokens per second", None, scope),
        Evidence("pace_tokens_per_second_of_others", usual.work, "tokens per second", None, others),
    )
    what = "a prompt token" if role is Role.PREFILL else "between two tokens"
    summary = (
        f"{runner.worker} is slow: {seconds(runner.pace)} {what}, the other {role} workers {seconds(usual.pace)} "
        f"({runner.pace / usual.pace:.1f} times), for no more work."
    )
    return Hit(scope, summary, evidence)


FINDINGS = (
    FindingDef(
        id="worker_slow",
        severity=Severity.WARNING,
        title="Worker slower than its peers",
        meaning="A token takes one worker much longer than the other workers of its pool over half a minute, though it has no more "
        "tokens to make, no longer prompts, and is not within its first two minutes among older ones. A healthy worker with the same work settles at the same "
        "pace. With more work than its peers it is named only where that does not explain it.",
        confirm="Compare the inter-token latency (decode) or prefill seconds per token of the workers of the pool.",
        fix="Look at the worker's GPUs (throttled, sick, shared with another process: `nvidia-smi -q -d PERFORMANCE`), its host "
        "(CPU contention, swapping) and its links. Take it out of the router until it is mended; more replicas beside it do not help.",
        confused_with="A hot rank, which is slower because it has more to do: that is queue_imbalanced. A pool of unlike GPUs, where "
        "some are always slower: give each kind a service of its own, or raise slow_pace.",
        detect=_slow,
        clear_seconds=30.0,
        not_capacity=True,
        explains=("queue_imbalanced", *MISSED),
    ),
)
