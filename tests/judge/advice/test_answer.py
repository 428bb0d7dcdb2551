"""Which question decides, and what the answer says."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from pdwatch.judge.advice import Limits, ServiceLimits
from pdwatch.judge.advice.answer import answer
from pdwatch.judge.advice.case import Answer, Case
from pdwatch.judge.advice.need import Need, Sign
from pdwatch.judge.advice.tell import bounds
from pdwatch.model.judgement import Action, Cause, Finding, Severity
from pdwatch.model.snapshot import ServiceSignals, WorkerState
from pdwatch.model.target import Role

MakeNeed = Callable[..., Need]
MakeCase = Callable[..., Case]

P, D = Role.PREFILL, Role.DECODE
DOWN = Finding("worker_down", Severity.CRITICAL, {"worker": "decode-1"}, 0.0, "decode-1 is down.", "Start it.")
UNEVEN = Finding("queue_imbalanced", Severity.WARNING, {"role": "decode"}, 0.0, "decode-0 holds 60 requests.", "Look.")


def told(answer: Answer) -> list[float]:
    """Return the numbers that the reason names."""
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", answer.reason)]


def test_what_is_broken_is_asked_first(make_case: MakeCase, make_need: MakeNeed) -> None:
    """A role that is short, uneven load and replicas to spare do not matter while a worker is down."""
    found = answer(make_case(make_need(P, wanted=4), make_need(D, spare=1), findings=(UNEVEN, DOWN)))

    assert (Action.FIX, "decode-1 is down.") == (found.action, found.reason)
    assert ("worker_down clears",) == found.reconsider
    assert {} == found.desired


def test_a_symptom_and_information_are_not_broken(make_case: MakeCase, make_need: MakeNeed) -> None:
    """What comes from something else goes with it; what is only worth knowing is no reason to act."""
    symptom = Finding(
        "requests_failing", Severity.CRITICAL, {}, 0.0, "1 % fail.", "", because_of=Cause("kv_cache_saturated", {})
    )
    known = Finding("requests_failing", Severity.INFO, {}, 0.0, "0.01 % fail.", "")
    needs = make_need(P), make_need(D)

    assert Action.HOLD is answer(make_case(*needs, findings=(symptom, known))).action
    assert Action.FIX is answer(make_case(*needs, findings=(DOWN,))).action


def test_several_that_are_broken_are_counted(make_case: MakeCase, make_need: MakeNeed) -> None:
    """The first is told, the number of the others as well."""
    found = answer(make_case(make_need(P), make_need(D), findings=(DOWN, DOWN, DOWN)))

    assert "decode-1 is down. (2 more)" == found.reason


@pytest.mark.parametrize(("workers", "action"), [(20, Action.SCALE_PREFILL), (5, Action.FIX)])
def test_one_worker_of_many_does_not_keep_from_advice_on_capacity(
    make_case: MakeCase, make_need: MakeNeed, workers: int, action: Action
) -> None:
    """Of twenty decode workers one is down, and prefill is too small all the same; of five it would be a fifth."""
    needs = make_need(P, wanted=4), make_need(D, replicas=workers)

    assert action is answer(make_case(*needs, findings=(DOWN,))).action


def test_one_worker_of_many_is_told_where_capacity_suffices(make_case: MakeCase, make_need: MakeNeed) -> None:
    """It comes before giving replicas back, too."""
    found = answer(make_case(make_need(P, spare=1, replicas=3), make_need(D, replicas=20), findings=(DOWN,)))

    assert (Action.FIX, "decode-1 is down.") == (found.action, found.reason)


@pytest.mark.parametrize("scope", [{}, {"role": "decode"}, {"host": "node-7"}, {"worker": "decode-77"}])
def test_what_is_about_more_than_workers_comes_first_however_many_there_are(
    make_case: MakeCase, make_need: MakeNeed, scope: dict[str, str]
) -> None:
    """A role, the service, or something of which nobody knows whom it touches."""
    wide = Finding("worker_down", Severity.CRITICAL, scope, 0.0, "Down.", "Start it.")
    needs = make_need(P, wanted=4), make_need(D, replicas=40)

    assert Action.FIX is answer(make_case(*needs, findings=(DOWN, wide))).action


def test_a_side_that_gave_no_page_cannot_be_told(
    worker: Callable[..., WorkerState], service: Callable[..., ServiceSignals], make_case: MakeCase
) -> None:
    """Prefill alone is half of a service."""
    found = answer(make_case(signals=service([worker(P)])))

    assert (Action.CANNOT_TELL, "No decode worker has given a page yet.") == (found.action, found.reason)


def test_a_role_that_is_short_comes_before_uneven_load(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Capacity does not suffice, so evening it out would not either."""
    found = answer(make_case(make_need(P, wanted=4, utilization=1.6), make_need(D), findings=(UNEVEN,)))

    assert (Action.SCALE_PREFILL, {P: 4}) == (found.action, found.desired)


def test_uneven_load_comes_before_a_burst_and_before_giving_back(make_case: MakeCase, make_need: MakeNeed) -> None:
    """While it lasts nobody knows what is spare."""
    passing, spare = make_need(P, sign=Sign.DEMAND, utilization=1.2), make_need(D, 4, spare=2)

    assert Action.REBALANCE is answer(make_case(passing, make_need(D), findings=(UNEVEN,))).action
    assert Action.REBALANCE is answer(make_case(make_need(P), spare, findings=(UNEVEN,))).action


def test_a_queue_of_unknown_speed_comes_before_giving_back(make_case: MakeCase, make_need: MakeNeed) -> None:
    """What the queue is worth may be what is spare."""
    case = make_case(make_need(D, 4, spare=2), waiting=20.0)
    pools = {**case.signals.pools}
    pools[P] = type(pools[P])(P, 2, 2, 2, 2, False, requests_waiting=40.0)
    found = answer(make_case(make_need(D, 4, spare=2), signals=_with_pools(case.signals, pools)))

    assert Action.CANNOT_TELL is found.action
    assert "40 requests wait on prefill" in found.reason


def _with_pools(signals: ServiceSignals, pools: dict[Role, Any]) -> ServiceSignals:
    fields = {name: getattr(signals, name) for name in ("service", "transfer", "experts", "latency", "slo", "workers")}
    return ServiceSignals(**fields, pools=pools)


def test_a_role_that_is_short_is_told_in_numbers(make_case: MakeCase, make_need: MakeNeed) -> None:
    """What arrives, what share that is of what there is, by which bound, and at which demand it ends."""
    found = answer(make_case(make_need(D, wanted=4, utilization=1.6), make_need(P)))

    assert found.reason.startswith("Decode is too small: 3,200 tokens/s arrive, 160 % of what 2 replicas bear")
    assert found.reason.endswith("(decode KV).")
    assert ("decode demand below 2,000 tokens/s",) == found.reconsider
    signals = {(e.signal, e.scope["role"]): e.value for e in found.evidence}
    assert 1.6 == signals["utilization_ratio", "decode"]
    assert (3200.0, 2000.0) == (
        signals["demand_tokens_per_second", "decode"],
        signals["capacity_tokens_per_second", "decode"],
    )
    assert 0.5 == signals["utilization_ratio", "prefill"]


def test_one_replica_is_one_replica(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Grammar is part of the answer."""
    found = answer(make_case(make_need(D, 1, wanted=2, utilization=1.6), make_need(P)))

    assert "160 % of what 1 replica bears" in found.reason


def test_a_rise_is_told_as_what_it_will_be(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Demand is below the limit and going there."""
    found = answer(make_case(make_need(P, wanted=3, utilization=0.9, sign=Sign.TREND), make_need(D)))

    assert Action.SCALE_PREFILL is found.action
    assert "Prefill will be too small: 18,000 tokens/s arrive, 90 % of what 2 replicas bear, and rising" in found.reason


@pytest.mark.parametrize(("drain", "words"), [(400.0, "takes 7 min to work off"), (inf, "only grows")])
def test_a_queue_is_told_by_how_long_it_lasts(
    make_case: MakeCase, make_need: MakeNeed, drain: float, words: str
) -> None:
    """A number of requests says nothing of that."""
    found = answer(make_case(make_need(P, wanted=3, utilization=0.95, sign=Sign.QUEUE, drain=drain), make_need(D)))

    assert f"Prefill is too small: what waits {words}; 19,000 tokens/s arrive, 95 % of" in found.reason


def test_a_shift_names_who_lends(make_case: MakeCase, make_need: MakeNeed) -> None:
    """And both numbers of replicas change."""
    found = answer(make_case(make_need(D, wanted=3, utilization=1.4), make_need(P, 3, idle=1, lendable=1)))

    assert (Action.SHIFT_TO_DECODE, {P: 2, D: 3}) == (found.action, found.desired)
    assert "Prefill can lend" in found.reason


def test_a_queue_on_prefill_behind_a_full_decode_is_told_as_a_symptom(make_case: MakeCase, make_need: MakeNeed) -> None:
    """With how many wait, and why they do."""
    queue = make_need(P, wanted=4, utilization=1.1, sign=Sign.QUEUE, drain=300.0)
    found = answer(make_case(queue, make_need(D, wanted=3, utilization=1.4), waiting=15.0))

    assert (Action.SCALE_DECODE, {D: 3}) == (found.action, found.desired)
    assert "The 30 waiting on prefill are a symptom: decode must take their KV first." in found.reason


def test_what_cannot_be_had_is_told_with_its_reason(make_case: MakeCase, make_need: MakeNeed) -> None:
    """All GPUs are in use and nobody can lend: hold, and say what lacks. That is no room."""
    limits = ServiceLimits({P: Limits(gpus=4), D: Limits(gpus=8)}, gpu_budget=24)
    found = answer(make_case(make_need(P, wanted=4, utilization=1.6), make_need(D), limits=limits))

    assert (Action.HOLD, {}) == (found.action, found.desired)
    assert found.reason.startswith("Prefill is too small: 32,000 tokens/s arrive, 160 %")
    assert found.reason.endswith("2 prefill replicas short: 24 of 24 GPUs are in use and decode has none to lend.")


def test_a_maximum_that_is_reached_is_told(make_case: MakeCase, make_need: MakeNeed) -> None:
    """The mend is in the configuration, not in the fleet."""
    limits = ServiceLimits({P: Limits(maximum=2)})
    found = answer(make_case(make_need(P, wanted=3, utilization=1.3), make_need(D), limits=limits))

    assert Action.HOLD is found.action
    assert found.reason.endswith("1 prefill replica short: the pool is at its maximum of 2.")


def test_both_roles_that_are_short_are_told(make_case: MakeCase, make_need: MakeNeed) -> None:
    """No GPU is left for either."""
    needs = make_need(P, wanted=3, utilization=1.3), make_need(D, wanted=4, utilization=1.8)
    found = answer(make_case(*needs, limits=ServiceLimits(gpu_budget=4)))

    assert Action.HOLD is found.action
    assert found.reason.startswith("Decode is too small: 3,600 tokens/s arrive, 180 %")
    assert "Prefill is too small: 26,000 tokens/s arrive, 130 %" in found.reason
    assert "2 decode replicas short: 4 of 4 GPUs are in use" in found.reason
    assert "1 prefill replica short: 4 of 4 GPUs are in use" in found.reason


def test_both_roles_that_grow_are_told(make_case: MakeCase, make_need: MakeNeed) -> None:
    """The action names the one that needs it more; the numbers of both are set, so both have their reason."""
    found = answer(make_case(make_need(P, wanted=3, utilization=1.3), make_need(D, wanted=4, utilization=1.8)))

    assert (Action.SCALE_DECODE, {P: 3, D: 4}) == (found.action, found.desired)
    assert found.reason.startswith("Decode is too small: 3,600 tokens/s arrive, 180 %")
    assert "Prefill is too small: 26,000 tokens/s arrive, 130 %" in found.reason


def test_the_role_that_is_short_is_not_mixed_up_with_the_one_that_grows(
    make_case: MakeCase, make_need: MakeNeed
) -> None:
    """Prefill is worse and at its maximum; decode can grow."""
    needs = make_need(P, wanted=3, utilization=1.8), make_need(D, wanted=3, utilization=1.2)
    found = answer(make_case(*needs, limits=ServiceLimits({P: Limits(maximum=2)})))

    assert (Action.SCALE_DECODE, {D: 3}) == (found.action, found.desired)
    assert "Decode is too small: 2,400 tokens/s arrive" in found.reason
    assert "1 prefill replica short: the pool is at its maximum of 2." in found.reason


def test_replicas_that_are_starting_are_told_and_waited_for(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Discovery names four, two have answered; four were wanted."""
    need = make_need(P, wanted=4, utilization=1.6)
    four = make_case(make_need(P, 4), make_need(D)).signals
    found = answer(make_case(need, make_need(D), signals=four))

    assert (Action.HOLD, {}) == (found.action, found.desired)
    assert found.reason.startswith("Prefill is too small: 32,000 tokens/s arrive, 160 % of what 2 replicas bear")
    assert found.reason.endswith("2 more prefill replicas are starting.")


def test_a_burst_says_why_nothing_is_advised(make_case: MakeCase, make_need: MakeNeed) -> None:
    """How far above the limit, for how long, what a replica would take, and what would change the answer."""
    need = make_need(P, sign=Sign.DEMAND, utilization=1.4, over_seconds=15.0, patience=42.0, drain=inf)
    found = answer(make_case(need, make_need(D), limits=ServiceLimits({P: Limits(startup=120.0)})))

    assert (Action.HOLD, {}) == (found.action, found.desired)
    assert found.reason.startswith("Prefill is at 140 % of its limit (prefill compute) for 15 s.")
    assert {140.0, 15.0, 2.0, 27.0} <= set(told(found))
    assert ("prefill stays above its limit for 27 s more",) == found.reconsider


def test_a_burst_that_just_began_says_so(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Not for no seconds."""
    need = make_need(P, sign=Sign.DEMAND, utilization=1.4, over_seconds=0.0, drain=inf)

    assert "just now" in answer(make_case(need, make_need(D))).reason


def test_what_is_worked_off_sooner_than_a_replica_serves_says_so(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Twenty seconds of work wait and are gone in forty."""
    need = make_need(P, sign=Sign.DEMAND, utilization=1.05, drain=40.0, load={"waiting_seconds": 20.0})
    found = answer(make_case(need, make_need(D), limits=ServiceLimits({P: Limits(startup=90.0)})))

    assert Action.HOLD is found.action
    assert "what waits is gone in 40 s, a new replica takes 90 s" in found.reason


def test_a_burst_keeps_what_is_spare_elsewhere(make_case: MakeCase, make_need: MakeNeed) -> None:
    """It may be lent in a moment."""
    found = answer(make_case(make_need(P, sign=Sign.DEMAND, utilization=1.4), make_need(D, 4, spare=2)))

    assert Action.HOLD is found.action


def test_replicas_to_give_back_are_told_by_the_peak_of_the_past(make_case: MakeCase, make_need: MakeNeed) -> None:
    """How full it is, how full it would have been with fewer, over which past, and when that ends."""
    need = make_need(D, 4, spare=2, utilization=0.25, peak=1200.0, past=300.0)
    found = answer(make_case(need, make_need(P)))

    assert (Action.SCALE_IN_DECODE, {D: 2}) == (found.action, found.desired)
    assert (
        "Decode has more than it needs: it is at 25 % of its limit (decode KV); "
        "the highest demand of the last 5 min would be 60 % of 2."
    ) == found.reason
    assert ("decode demand above 1,600 tokens/s",) == found.reconsider


def test_holding_names_the_nearest_limit_and_where_it_ends(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Both sides, the fuller one first, with the demand at which each would be too small."""
    found = answer(make_case(make_need(P, utilization=0.4), make_need(D, utilization=0.7)))

    assert (Action.HOLD, {}) == (found.action, found.desired)
    assert "Both pools have room. Nearest limit: decode KV at 70 %." == found.reason
    assert {
        "prefill demand above 20,000 tokens/s (now 8,000)",
        "decode demand above 2,000 tokens/s (now 1,400)",
    } == set(found.reconsider)


def test_every_bound_is_told_the_fullest_first(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Decode has two, of which the cache is nearer; prefill is behind both."""
    found = bounds(make_case(make_need(P, utilization=0.2), make_need(D, utilization=0.7)))

    assert ["decode KV", "decode ITL", "prefill compute"] == [load.bound.value for load in found]
    assert [0.7, 0.35, 0.2] == [pytest.approx(load.utilization_ratio) for load in found]


def test_one_role_of_which_nothing_was_learned_is_held_by_its_gauges(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Prefill's pressure is known by its gauges only."""
    found = answer(make_case(make_need(D, utilization=0.2)))

    assert Action.HOLD is found.action
    assert "Nearest limit: prefill compute at 40 %" in found.reason


@pytest.mark.parametrize("sign", [Sign.DEMAND, Sign.TREND, Sign.QUEUE])
def test_an_answer_is_surer_the_further_demand_is_above(make_case: MakeCase, make_need: MakeNeed, sign: Sign) -> None:
    """By its standard errors; never surer than sure, and never less than a guess."""
    near, far = (
        answer(make_case(make_need(P, wanted=3, utilization=use, error=0.1, sign=sign), make_need(D))).confidence
        for use in (1.02, 1.6)
    )

    assert 0.5 <= near <= far <= 1.0
    assert near < far or sign is not Sign.DEMAND


def test_a_queue_on_prefill_alone_is_its_own(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Decode has room, so nothing else explains it."""
    queue = make_need(P, wanted=3, utilization=0.95, sign=Sign.QUEUE, drain=300.0)
    found = answer(make_case(queue, make_need(D)))

    assert Action.SCALE_PREFILL is found.action
    assert "symptom" not in found.reason


def test_a_full_decode_that_waits_out_a_burst_speaks_for_both(make_case: MakeCase, make_need: MakeNeed) -> None:
    """Nothing is advised yet, and what is told is decode, not the queue before it."""
    queue = make_need(P, wanted=4, utilization=1.3, sign=Sign.QUEUE)
    found = answer(make_case(queue, make_need(D, sign=Sign.QUEUE, utilization=1.1, drain=inf)))

    assert Action.HOLD is found.action
    assert found.reason.startswith("Decode is at 110 %")
