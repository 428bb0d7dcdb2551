"""The load of both roles of one service from tick to tick."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pdwatch.model.capacity import DecodeLoad, PrefillLoad
from pdwatch.model.reading import Quantity as Q
from pdwatch.model.target import Role
from pdwatch.model.window import Flow
from pdwatch.signals.capacity.lengths import AnswerLengths
from pdwatch.signals.capacity.spread import Spread
from pdwatch.signals.capacity.step import Step
from pdwatch.signals.capacity.step_time import StepTimeModel
from pdwatch.signals.engine import WARM_UP_SECONDS, EngineWatch


class CapacityWatch:
    """What is remembered of the capacity of a service."""

    def __init__(self) -> None:
        self.step_time = StepTimeModel()
        self._answers = AnswerLengths()
        self._spreads = {Role.PREFILL: Spread(), Role.DECODE: Spread()}
        self._at = 0.0

    def observe(
        self, engines: Mapping[Role, Sequence[EngineWatch]], flows: Mapping[Role, Flow], now: float
    ) -> tuple[PrefillLoad | None, DecodeLoad | None]:
        """Return the load of prefill and decode at *now*; `None` where it is not known.

        *engines* are those whose page is fresh, *flows* what flowed through each role within the window.
        """
        self._learn_spreads(engines)
        spread = self._spreads[Role.PREFILL].squared_variation
        prefilling = prefill_load(engines.get(Role.PREFILL, ()), flows.get(Role.PREFILL, Flow()), spread)
        decoding = self._decode_load(engines.get(Role.DECODE, ()), prefilling, now)
        self._at = now
        return prefilling, decoding

    def _learn_spreads(self, engines: Mapping[Role, Sequence[EngineWatch]]) -> None:
        for role, spread in self._spreads.items():
            for engine in engines.get(role, ()):
                step = engine.step
                if step is not None and step.at > self._at:
                    prefill = role is Role.PREFILL
                    spread.add(*(step.computed, step.prefilled) if prefill else (step.answer_tokens, step.answers))

    def _decode_load(
        self, engines: Sequence[EngineWatch], prefilling: PrefillLoad | None, now: float
    ) -> DecodeLoad | None:
        steps = [engine.step for engine in engines if engine.step is not None]
        if not steps:
            return None
        fresh = [(engine, engine.step) for engine in engines if engine.step is not None and engine.step.at > self._at]
        generated, ended = _sums((step.generated, step.ended) for _, step in fresh)
        self._answers.add(now, generated, ended)
        for engine, step in fresh:
            self._learn_step(engine, step)
        tokens = self._answers.mean() or 0.0
        arrivals = prefilling.arrivals if prefilling is not None else sum(map(_answered, steps))
        return DecodeLoad(
            demand=arrivals * tokens,
            arrivals=arrivals,
            tokens=tokens,
            scv=self._spreads[Role.DECODE].squared_variation,
            generated=generated,
            ended=ended,
            context=_context(engines),
            step=self.step_time.fit(),
            kv_tokens=_mean(engine.facts.kv_cache_tokens for engine in engines),
            usage=_mean(step.usage for step in steps),
            itl=_itl(steps),
            waiting=sum(step.waiting for step in steps),
            longest=_longest(steps),
            engines=len(engines),
        )

    def _learn_step(self, engine: EngineWatch, step: Step) -> None:
        if step.itl is None or step.gaps < 20 or engine.age < WARM_UP_SECONDS:
            return
        self.step_time.learn(step.batch, (step.usage or 0.0) * (engine.facts.kv_cache_tokens or 0), step.itl)


def prefill_load(engines: Sequence[EngineWatch], flow: Flow, scv: float) -> PrefillLoad | None:
    """Return the load of prefill whose prompts vary by *scv*; `None` before its engines have prefilled anything twice.

    An engine whose own speed is not known counts with the mean of the others.
    """
    steps = [engine.step for engine in engines if engine.step is not None]
    speeds = [speed for engine in engines if (speed := engine.speed.tokens_per_second)]
    prefilled = flow.histogram(Q.PREFILL_TIME)
    if not steps or not speeds or prefilled is None:
        return None
    each = (_computed(engines) or 0.0) / prefilled.count if prefilled.count else 0.0
    return PrefillLoad(
        demand=sum(max(0.0, step.computed + step.grew_waiting * each) / step.seconds for step in steps),
        arrivals=sum(max(0.0, step.prefilled + step.grew_waiting + step.grew_running) / step.seconds for step in steps),
        tokens=each,
        scv=scv,
        speed=sum(speeds) / len(speeds),
        engines=len(engines),
        backlog=sum(step.waiting for step in steps) * each,
        longest=_longest(steps),
    )


def _computed(engines: Sequence[EngineWatch]) -> float | None:
    computed = [engine.computed for engine in engines if engine.computed is not None]
    return sum(computed) if computed else None


def _answered(step: Step) -> float:
    return max(0.0, step.ended + step.grew_waiting + step.grew_running) / step.seconds


def _context(engines: Sequence[EngineWatch]) -> float:
    """Return the mean tokens of KV of a running request."""
    held = running = 0.0
    for engine in engines:
        step = engine.step
        if step is not None and step.usage is not None and engine.facts.kv_cache_tokens and step.batch >= 1:
            held += step.usage * engine.facts.kv_cache_tokens
            running += step.batch
    return held / running if running else 0.0


def _longest(steps: Sequence[Step]) -> float:
    waiting = [step.waiting for step in steps]
    return max(waiting) / total if (total := sum(waiting)) > 0 else 0.0


def _itl(steps: Sequence[Step]) -> float | None:
    gaps, seconds = _sums((step.gaps, step.gap_seconds) for step in steps)
    return seconds / gaps if gaps > 0 and seconds > 0 else None


def _sums(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    first = second = 0.0
    for one, other in pairs:
        first += one
        second += other
    return first, second


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
