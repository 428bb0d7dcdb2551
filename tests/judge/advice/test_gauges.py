"""What to do, from the pressure of both pools, asked in the right order."""

from __future__ import annotations

from collections.abc import Callable

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.advice import Advisor, Limits, ServiceLimits
from pdwatch.judge.judge import Judge
from pdwatch.model.judgement import Action, Advice
from pdwatch.model.snapshot import ServiceSignals, Trouble, WorkerState
from pdwatch.model.target import Role

MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceSignals]
FULL = {"kv_cache_usage_ratio": 0.98, "requests_waiting": 4.0, "requests_running": 16.0}
SHORT = {"prefill_demand_tokens_per_second": 14_000.0, "backlog_tokens": 40_000.0, "requests_waiting": 20.0}


def _advice(signals: ServiceSignals, limits: dict[Role, Limits] | None = None) -> Advice:
    return Judge(Thresholds(), 60.0, ServiceLimits(limits or {})).judge(signals, now=100.0).advice


def test_hold_names_the_nearest_limit(healthy: ServiceSignals) -> None:
    """Prefill is at 40 % of its compute, decode at a third of its KV."""
    advice = _advice(healthy)

    assert Action.HOLD is advice.action
    assert "Both pools have room. Nearest limit: prefill compute at 40 %." == advice.reason
    assert (1, 1) == (advice.prefill.desired, advice.decode.desired)


def test_a_full_decode_pool_is_scaled(worker: MakeWorker, service: MakeService) -> None:
    """KV demand beyond what fits, in replicas that bring it back to the target."""
    advice = _advice(service([worker(Role.PREFILL), worker(Role.DECODE, engine=FULL)]))

    assert Action.SCALE_DECODE is advice.action
    assert (1, 2) == (advice.decode.current, advice.decode.desired)
    assert advice.prefill.current == advice.prefill.desired
    assert "pressure_ratio" == advice.evidence[0].signal


def test_a_prefill_queue_behind_a_full_decode_pool_is_a_symptom(worker: MakeWorker, service: MakeService) -> None:
    """Both look too small; decode is the cause."""
    advice = _advice(service([worker(Role.PREFILL, engine=SHORT), worker(Role.DECODE, engine=FULL)]))

    assert Action.SCALE_DECODE is advice.action
    assert "symptom" in advice.reason


def test_prefill_that_cannot_keep_up_is_scaled(worker: MakeWorker, service: MakeService) -> None:
    """14,000 tokens arrive a second, 10,000 can be computed, 40,000 wait."""
    advice = _advice(service([worker(Role.PREFILL, engine=SHORT), worker(Role.DECODE)]))

    assert Action.SCALE_PREFILL is advice.action
    assert (1, 2) == (advice.prefill.current, advice.prefill.desired)


def test_one_step_at_most_doubles_a_pool(worker: MakeWorker, service: MakeService) -> None:
    """What waits is demand now and gone once worked off, so that nine replicas for two are never asked for."""
    flooded = [worker(Role.DECODE, f"d{n}", engine=FULL | {"requests_waiting": 90.0}) for n in range(2)]

    assert 4 == _advice(service([worker(Role.PREFILL), *flooded])).decode.desired


def test_the_configured_maximum_is_kept(worker: MakeWorker, service: MakeService) -> None:
    """At the maximum there is nothing to scale; the reason says so."""
    signals = service([worker(Role.PREFILL), worker(Role.DECODE, engine=FULL)])
    advice = _advice(signals, {Role.DECODE: Limits(1, 1)})

    assert (Action.HOLD, 1) == (advice.action, advice.decode.desired)
    assert "at its maximum of 1" in advice.reason


def test_what_is_broken_comes_before_capacity(worker: MakeWorker, service: MakeService) -> None:
    """A dead decode worker is mended, not scaled around."""
    dead = worker(
        Role.DECODE,
        "decode-1",
        failures=2,
        up=False,
        stale=True,
        trouble=Trouble.UNREACHABLE,
        error="connection refused",
    )
    advice = _advice(service([worker(Role.PREFILL), worker(Role.DECODE, engine=FULL), dead]))

    assert Action.FIX is advice.action
    assert "decode-1 is down" in advice.reason


def test_uneven_load_with_room_is_rebalanced(worker: MakeWorker, service: MakeService) -> None:
    """More replicas do not cure a router that prefers one."""
    busy = worker(Role.DECODE, "decode-1", engine={"load": 40.0})
    calm = [worker(Role.DECODE, f"decode-{n}", engine={"load": 2.0}) for n in (2, 3)]
    judge = Judge(Thresholds(), 60.0, ServiceLimits())
    signals = service([worker(Role.PREFILL), busy, *calm])
    given = [judge.judge(signals, now).advice.action for now in (0.0, 10.0, 20.0)]

    assert [Action.HOLD, Action.REBALANCE, Action.REBALANCE] == given


def test_what_was_mended_is_not_advised_any_longer(worker: MakeWorker, service: MakeService) -> None:
    """Advice that rests on a finding ends with it: nobody is sent to a worker that is back."""
    dead = worker(
        Role.DECODE, "decode-1", failures=2, up=False, stale=True, trouble=Trouble.UNREACHABLE, error="refused"
    )
    judge = Judge(Thresholds(), 60.0, ServiceLimits())
    workers = [worker(Role.PREFILL), worker(Role.DECODE)]
    signals = (service([*workers, dead]), service([*workers, worker(Role.DECODE, "decode-1")]))
    given = [judge.judge(each, now).advice.action for now, each in zip((0.0, 5.0), signals, strict=True)]

    assert [Action.FIX, Action.HOLD] == given


def test_hold_says_what_is_coming(worker: MakeWorker, service: MakeService) -> None:
    """While a change has not stood, the reason is no longer that there is room."""
    calm = service([worker(Role.PREFILL), worker(Role.DECODE)])
    full = service([worker(Role.PREFILL), worker(Role.DECODE, engine=FULL)])
    advisor = Advisor(Thresholds(), 60.0, ServiceLimits())
    advisor.advise(calm, (), 0.0)
    pending = advisor.advise(full, (), 5.0)

    assert Action.HOLD is pending.action
    assert pending.reason.startswith("Unless it passes within 10 s: Decode is too small")


def test_a_queue_of_unknown_speed_cannot_be_told(worker: MakeWorker, service: MakeService) -> None:
    """The first page shows requests waiting and no rate; nobody can say that there is room."""
    fresh = {"requests_waiting": 30.0, "prefill_demand_tokens_per_second": None, "prefill_tokens_per_second": None}
    advice = _advice(service([worker(Role.PREFILL, engine=fresh), worker(Role.DECODE)]))

    assert Action.CANNOT_TELL is advice.action
    assert "30 requests wait on prefill; how fast they are worked off is not known yet." == advice.reason


def test_unknown_roles_cannot_be_told(worker: MakeWorker, service: MakeService) -> None:
    """Without roles there is no side to name, and no number of replicas to want."""
    advice = _advice(service([worker(Role.UNKNOWN, "a"), worker(Role.UNKNOWN, "b")]))

    assert (Action.CANNOT_TELL, None, 0.0) == (advice.action, advice.decode.desired, advice.confidence)
    assert "not declared" in advice.reason


def test_aggregated_workers_get_no_advice_on_roles(worker: MakeWorker, service: MakeService) -> None:
    """They are shown honestly."""
    advice = _advice(service([worker(Role.BOTH)]))

    assert Action.HOLD is advice.action
    assert "aggregated" in advice.reason


def test_a_change_of_advice_must_stand(worker: MakeWorker, service: MakeService) -> None:
    """One full tick does not flip the advice; ten seconds of it do, dated from when it was given."""
    calm = service([worker(Role.PREFILL), worker(Role.DECODE)])
    full = service([worker(Role.PREFILL), worker(Role.DECODE, engine=FULL)])
    advisor = Advisor(Thresholds(), 60.0, ServiceLimits())
    steps = ((0.0, calm), (5.0, full), (10.0, calm), (15.0, full), (20.0, full), (25.0, full))
    given = [advisor.advise(signals, (), now) for now, signals in steps]

    assert [Action.HOLD] * 5 + [Action.SCALE_DECODE] == [advice.action for advice in given]
    assert 25.0 == given[-1].since


def test_confidence_grows_with_what_was_seen(healthy: ServiceSignals) -> None:
    """Half a window is half as sure as a full one."""
    advisor = Advisor(Thresholds(), 60.0, ServiceLimits())
    given = [advisor.advise(healthy, (), now).confidence for now in (0.0, 30.0, 60.0, 600.0)]

    assert [0.1, 0.5, 1.0, 1.0] == given
