"""The load of both roles of a service, from what their engines did."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.capacity import DecodeLoad, PrefillLoad
from pdwatch.model.reading import EngineFacts, Histogram, Reading
from pdwatch.model.target import Role
from pdwatch.model.window import together
from pdwatch.signals.capacity.watch import CapacityWatch
from pdwatch.signals.engine import EngineWatch

MakeReading = Callable[..., Reading]
Engine = Callable[..., EngineWatch]
Loads = tuple[PrefillLoad | None, DecodeLoad | None]

FACTS = EngineFacts(kv_cache_tokens=100_000)


def observe(watch: CapacityWatch, now: float, prefill: Sequence[EngineWatch], decode: Sequence[EngineWatch]) -> Loads:
    """Return the loads of these engines at *now*."""
    engines = {Role.PREFILL: list(prefill), Role.DECODE: list(decode)}
    windows = {role: [engine.window.flow for engine in group if engine.window] for role, group in engines.items()}
    return watch.observe(engines, {role: together(flows) for role, flows in windows.items()}, now)


@pytest.fixture
def prefill(make_reading: MakeReading) -> Engine:
    """Let an engine compute *prompts* of 2,000 tokens in 0.2 s each within every five seconds."""

    def prefill(
        prompts: float = 10.0, looks: int = 4, waiting: Sequence[float] = (), running: float = 0.0
    ) -> EngineWatch:
        engine = EngineWatch("0", horizon=60.0)
        for look in range(looks):
            done = prompts * look
            reading = make_reading(
                5.0 * look,
                prefill_time=Histogram((), (), 0.2 * done, done),
                iteration_tokens=Histogram((), (), 2000.0 * done, done),
                prompt_tokens_computed=2000.0 * done,
                requests_waiting=waiting[look] if look < len(waiting) else 0.0,
                requests_running=running,
            )
            engine.push(reading, FACTS, Thresholds())
        return engine

    return prefill


@pytest.fixture
def decode(make_reading: MakeReading) -> Engine:
    """Let an engine generate for ten requests at a time, 20 ms a token, 250 to an answer, 40 % of its cache used."""

    def decode(looks: int = 6, waiting: Sequence[float] = (), started: float | None = None) -> EngineWatch:
        engine = EngineWatch("0", horizon=60.0)
        for look in range(looks):
            tokens = 2500.0 * look
            reading = make_reading(
                5.0 * look,
                generation_tokens=tokens,
                itl=Histogram((), (), 0.02 * tokens, tokens),
                finished_stop=tokens / 250.0,
                request_generation_tokens=Histogram((), (), tokens, tokens / 250.0),
                requests_waiting=waiting[look] if look < len(waiting) else 0.0,
                requests_running=10.0,
                kv_cache_usage=0.4,
            )
            engine.push(reading, FACTS, Thresholds(), started=started)
        return engine

    return decode


def test_before_the_second_page_nothing_is_known(prefill: Engine, decode: Engine) -> None:
    """One page of counters tells no rate; no engine at all tells nothing either."""
    assert (None, None) == observe(CapacityWatch(), 0.0, [prefill(looks=1)], [decode(looks=1)])
    assert (None, None) == CapacityWatch().observe({}, {}, 0.0)


def test_prefill_is_asked_for_what_arrives(prefill: Engine) -> None:
    """Two engines, each ten prompts of 2,000 tokens in five seconds, at 10,000 tokens a second when it works."""
    load, _ = observe(CapacityWatch(), 15.0, [prefill(), prefill()], [])

    assert load is not None
    assert (8000.0, 4.0, 2000.0) == (load.demand, load.arrivals, load.tokens)
    assert 10_000.0 == pytest.approx(load.speed, rel=0.1)
    assert (2, 0.0) == (load.engines, load.backlog)


def test_what_the_queue_grew_by_arrived_as_well(prefill: Engine) -> None:
    """Five requests more wait than a page before: they are demand now, all twelve are backlog."""
    load, _ = observe(CapacityWatch(), 15.0, [prefill(waiting=(0.0, 2.0, 7.0, 12.0))], [])

    assert load is not None
    assert (20_000.0 + 5 * 2000.0) / 5.0 == load.demand
    assert 3.0 == load.arrivals
    assert (24_000.0, 1.0) == (load.backlog, load.longest)


def test_a_queue_that_is_worked_off_is_not_demand(prefill: Engine) -> None:
    """Ten prompts were computed and eight fewer wait: two arrived. More cannot leave than came and waited."""
    load, _ = observe(CapacityWatch(), 15.0, [prefill(waiting=(30.0, 30.0, 20.0, 12.0))], [])
    emptied, _ = observe(CapacityWatch(), 15.0, [prefill(waiting=(90.0, 90.0, 90.0, 0.0))], [])

    assert load is not None
    assert emptied is not None
    assert pytest.approx(2 * 2000.0 / 5.0) == load.demand
    assert (0.0, 0.0) == (emptied.demand, emptied.arrivals)


def test_an_engine_of_unknown_speed_counts_with_the_others(prefill: Engine) -> None:
    """One has prefilled nothing yet; the other tells for both."""
    load, _ = observe(CapacityWatch(), 15.0, [prefill(), prefill(prompts=0.0)], [])

    assert load is not None
    assert 2 == load.engines
    assert 10_000.0 == pytest.approx(load.speed, rel=0.1)


def test_prefill_whose_engines_never_prefilled_is_not_known(prefill: Engine) -> None:
    """Idle from the first page: no speed, no length."""
    assert (None, None) == observe(CapacityWatch(), 15.0, [prefill(prompts=0.0)], [])


def test_where_a_queue_stands_is_told(prefill: Engine) -> None:
    """Thirty of forty wait on one of three engines."""
    groups = [prefill(waiting=[waiting] * 4) for waiting in (30.0, 5.0, 5.0)]
    load, _ = observe(CapacityWatch(), 15.0, groups, [])

    assert load is not None
    assert 0.75 == load.longest


def test_decode_is_asked_for_what_arrives_at_the_service(prefill: Engine, decode: Engine) -> None:
    """Two requests arrive a second at prefill, whatever decode makes of them, and answers have 250 tokens."""
    watch = CapacityWatch()
    for now in (5.0, 10.0):
        observe(watch, now, [prefill()], [decode()])
    _, load = observe(watch, 15.0, [prefill()], [decode()])

    assert load is not None
    assert (2.0, 250.0, 500.0) == (load.arrivals, load.tokens, load.demand)


def test_decode_without_prefill_is_asked_for_what_it_answers(decode: Engine) -> None:
    """No page of prefill: two answers end a second and one request more waits."""
    _, load = observe(CapacityWatch(), 25.0, [], [decode(waiting=(0.0, 0.0, 0.0, 0.0, 0.0, 5.0))])

    assert load is not None
    assert 3.0 == load.arrivals
    assert 750.0 == load.demand
    assert 5.0 == load.waiting


def test_a_running_request_holds_its_share_of_the_cache(decode: Engine) -> None:
    """40 % of 100,000 tokens for ten requests."""
    _, load = observe(CapacityWatch(), 25.0, [], [decode(), decode()])

    assert load is not None
    assert 4000.0 == pytest.approx(load.context)
    assert (100_000.0, 0.4) == (load.kv_tokens, pytest.approx(load.usage))
    assert 0.02 == pytest.approx(load.itl)


def test_steps_are_learned_once(decode: Engine) -> None:
    """A page that is looked at again, since no newer came, adds nothing to what was learned."""
    once, often, engine = CapacityWatch(), CapacityWatch(), decode()
    observe(once, 25.0, [], [engine])
    for now in (25.0, 26.0, 27.0, 28.0):
        observe(often, now, [], [engine])

    assert once.step_time.memory() == often.step_time.memory()
    assert 0.0 != once.step_time.memory()["weight"]


def test_steps_of_a_process_that_just_started_are_not_learned(decode: Engine) -> None:
    """Its first passes are slow and would be taken for the pool's."""
    watch = CapacityWatch()
    _, load = observe(watch, 25.0, [], [decode(started=0.0)])

    assert load is not None
    assert load.step is None
    assert 0.0 == watch.step_time.memory()["weight"]


def test_decode_that_generates_nothing_has_no_context_and_no_itl(make_reading: MakeReading) -> None:
    """Idle engines: nothing is divided by nothing, and nothing is told that is not known."""
    engine = EngineWatch("0", horizon=60.0)
    for at in (0.0, 5.0):
        named = {"generation_tokens": 10.0, "requests_waiting": 0.0, "requests_running": 0.0, "kv_cache_usage": 0.0}
        engine.push(make_reading(at, **named), EngineFacts(), Thresholds())
    _, load = observe(CapacityWatch(), 5.0, [], [engine])

    assert load is not None
    assert (0.0, 0.0, None, None, None) == (load.demand, load.context, load.itl, load.step, load.kv_tokens)
