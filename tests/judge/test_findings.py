"""Each finding fires on its fault, stays silent without it, and minds its edge."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.judge.findings import BY_ID, FINDINGS
from pdwatch.model.judgement import Severity
from pdwatch.model.page import Repeated
from pdwatch.model.snapshot import ServiceSignals, Trouble, WorkerState
from pdwatch.model.target import Role

Hits = Callable[[str, ServiceSignals], list[Hit]]
MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceSignals]
REFUSED = {"up": False, "trouble": Trouble.UNREACHABLE, "error": "connection refused", "health": None}


@pytest.mark.parametrize("finding", [definition.id for definition in FINDINGS])
def test_a_healthy_service_has_no_finding(finding: str, healthy: ServiceSignals, hits: Hits) -> None:
    """Nothing is wrong, nothing is said."""
    assert [] == hits(finding, healthy)


@pytest.mark.parametrize("definition", FINDINGS, ids=lambda definition: definition.id)
def test_every_entry_tells_what_it_means_and_what_to_do(definition: object) -> None:
    """A finding without a meaning, a way to confirm it and a fix helps nobody at night."""
    texts = [getattr(definition, name) for name in ("title", "meaning", "confirm", "fix", "confused_with")]

    assert all(len(text) > 10 for text in texts)


def test_ids_are_unique() -> None:
    """One entry for each finding."""
    assert len(FINDINGS) == len(BY_ID)


def test_worker_down_after_two_refused_connections(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """It names the worker, the error and the age of its last page."""
    dead = worker(Role.DECODE, "decode-1", failures=2, age_seconds=12.0, **REFUSED)
    found = hits("worker_down", service([worker(Role.PREFILL), worker(Role.DECODE), dead]))

    assert [{"role": "decode", "worker": "decode-1"}] == [hit.scope for hit in found]
    assert "decode-1 is down: connection refused, twice in a row, last page 12 s ago." == found[0].summary


def test_one_refused_connection_is_not_down_yet(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A single lost scrape is noise."""
    assert [] == hits("worker_down", service([worker(Role.DECODE, failures=1, **REFUSED)]))


def test_one_refused_connection_with_failing_health_is_down(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """`/health` answering 503 confirms it."""
    dead = worker(Role.DECODE, failures=1, **(REFUSED | {"health": 503}))

    assert 1 == len(hits("worker_down", service([dead])))


def test_slow_is_not_down_but_stale(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A worker that does not answer in time is named for what it is."""
    slow = worker(
        Role.DECODE,
        failures=3,
        up=False,
        stale=True,
        trouble=Trouble.SLOW,
        error="timed out after 3s",
        age_seconds=15.0,
    )
    signals = service([worker(Role.PREFILL), slow])

    assert [] == hits("worker_down", signals)
    assert (
        "decode-0 gives no fresh numbers: timed out after 3s; last page 15 s ago."
        == hits("worker_stale", signals)[0].summary
    )


def test_elastic_scaling_is_told_as_information(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """503 with vLLM's scaling body is no fault."""
    scaling = worker(Role.DECODE, failures=3, up=False, stale=True, trouble=Trouble.SCALING, error="503 scaling")

    assert Severity.INFO is hits("worker_stale", service([scaling]))[0].severity


FROZEN = {"requests_running": 5.0, "still_seconds": 12.0, "stuck_seconds": 12.0}


def test_engine_stuck_names_engine_and_time(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Work inside, counters frozen for 12 seconds, the port answers, and the other side goes on."""
    (found,) = hits("engine_stuck", service([worker(Role.PREFILL), worker(Role.DECODE, engine=FROZEN)]))

    assert ({"role": "decode", "worker": "decode-0", "engine": "0"}, None) == (found.scope, found.severity)
    assert found.summary.startswith("Engine 0 of decode-0 holds 5 requests and none of its counters has moved for 12 s")


@pytest.mark.parametrize(("stuck", "fires"), [(9.4, False), (9.98, True)])
def test_engine_stuck_waits_for_the_threshold(
    stuck: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """A pause of 9.4 seconds is a long prefill; two scrape intervals are never exactly ten."""
    frozen = worker(Role.DECODE, engine=FROZEN | {"stuck_seconds": stuck})

    assert fires is bool(hits("engine_stuck", service([worker(Role.PREFILL), frozen])))


@pytest.mark.parametrize(("held", "severity"), [(3.0, None), (2.0, Severity.INFO)])
def test_a_gauge_that_an_aborted_request_left_behind_wakes_nobody(
    held: float, severity: Severity | None, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """vLLM sets it after a step, and an idle engine makes none: one or two requests prove nothing."""
    frozen = worker(Role.DECODE, engine=FROZEN | {"requests_running": held})

    assert [severity] == [hit.severity for hit in hits("engine_stuck", service([worker(Role.PREFILL), frozen]))]


def test_a_service_that_stands_still_as_a_whole_is_idle(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A load test was stopped: everything was aborted at once."""
    prefill = worker(Role.PREFILL, engine={"still_seconds": 60.0})
    found = hits("engine_stuck", service([prefill, worker(Role.DECODE, engine=FROZEN)]))

    assert [Severity.INFO] == [hit.severity for hit in found]


def test_one_stuck_request_with_a_witness_is_enough(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A router that counts errors of the worker."""
    frozen = worker(Role.DECODE, engine=FROZEN | {"requests_running": 1.0}, routed_errors_per_second=0.2)
    (found,) = hits("engine_stuck", service([worker(Role.PREFILL), frozen]))

    assert found.severity is None
    assert found.summary.endswith("although it answers, and routers count errors of it.")


@pytest.mark.parametrize(
    ("role", "numbers"),
    [
        (Role.PREFILL, {"requests_waiting": 9.0, "kv_cache_usage_ratio": 0.97}),
        (Role.DECODE, {"requests_waiting": 9.0, "kv_fetch_waiting": 9.0}),
    ],
)
def test_an_engine_that_waits_for_the_other_side_is_given_a_minute(
    role: Role, numbers: dict[str, float], worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Prefill has no block free, or decode's KV does not come: nothing runs, and it is not the engine's fault."""
    blocked = {
        seconds: worker(role, engine=numbers | {"requests_running": 0.0, "stuck_seconds": seconds})
        for seconds in (59.0, 60.0)
    }

    assert [0, 1] == [len(hits("engine_stuck", service([blocked[seconds]]))) for seconds in (59.0, 60.0)]


def test_worker_restarted_is_information(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Somebody may have wanted it; nothing is wrong by that alone."""
    found = hits("worker_restarted", service([worker(Role.DECODE, restarts=1)]))

    assert ["decode-0 restarted once within the window; its counters began at zero."] == [hit.summary for hit in found]
    assert Severity.INFO is BY_ID["worker_restarted"].severity


def test_prefill_saturated_tells_demand_and_queue(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """14,000 tokens a second arrive where 10,000 are computed."""
    short = worker(
        Role.PREFILL,
        engine={"prefill_demand_tokens_per_second": 14_000.0, "backlog_tokens": 0.0, "requests_waiting": 9.0},
    )

    assert ["Prompts arrive and wait at 140 % of what prefill computes; 9 requests wait on prefill."] == [
        hit.summary for hit in hits("prefill_saturated", service([short, worker(Role.DECODE)]))
    ]


@pytest.mark.parametrize(("waiting", "fires"), [(31.0, False), (32.0, True)])
def test_a_queue_on_prefill_whose_speed_is_not_known_yet_is_told(
    waiting: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Thirty-two for each engine; fewer may be the first passes of a fleet that starts."""
    unknown = {"prefill_tokens_per_second": None, "requests_waiting": waiting}

    assert fires is bool(
        hits("prefill_saturated", service([worker(Role.PREFILL, engine=unknown), worker(Role.DECODE)]))
    )


def test_prefill_behind_a_full_decode_pool_is_not_saturated(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Its queue is decode's fault."""
    short = worker(Role.PREFILL, engine={"prefill_demand_tokens_per_second": 14_000.0})
    full = worker(Role.DECODE, engine={"kv_cache_usage_ratio": 0.99})

    assert [] == hits("prefill_saturated", service([short, full]))


def test_role_empty_when_nobody_of_a_role_answers(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """All decode workers refuse connections."""
    dead = [worker(Role.DECODE, f"decode-{n}", failures=2, **REFUSED) for n in range(2)]
    found = hits("role_empty", service([worker(Role.PREFILL), *dead]))

    assert [{"role": "decode"}] == [hit.scope for hit in found]


def test_role_empty_when_there_is_only_one_role(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Prefill alone serves nobody."""
    assert [{"role": "decode"}] == [hit.scope for hit in hits("role_empty", service([worker(Role.PREFILL)]))]


def test_an_aggregated_service_lacks_no_role(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Workers that do both need no other side."""
    assert [] == hits("role_empty", service([worker(Role.BOTH)]))


def test_queue_imbalanced_names_the_busiest_engine(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """One of three holds 30 requests, the others 3."""
    busy = worker(Role.DECODE, "decode-2", engine={"load": 30.0})
    calm = [worker(Role.DECODE, f"decode-{n}", engine={"load": 3.0}) for n in range(2)]
    found = hits("queue_imbalanced", service([*calm, busy]))

    assert [{"role": "decode", "worker": "decode-2", "engine": "0"}] == [hit.scope for hit in found]


def test_a_few_requests_are_never_an_imbalance(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Three against none is a ratio of 2 and means nothing."""
    busy, idle = worker(Role.DECODE, "a", engine={"load": 3.0}), worker(Role.DECODE, "b", engine={"load": 0.0})

    assert [] == hits("queue_imbalanced", service([busy, idle]))


def test_a_worker_that_just_joined_makes_no_imbalance(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """The other two still have all the requests; among themselves they are even."""
    old = [worker(Role.DECODE, f"old-{n}", engine={"load": 30.0}, process_seconds=3600.0) for n in range(2)]
    new = [worker(Role.DECODE, f"new-{n}", engine={"load": 0.0}, process_seconds=30.0) for n in range(2)]

    assert [] == hits("queue_imbalanced", service([*old, *new]))


def test_series_with_two_values_are_named(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """With the worker, how many, and one of them; only while its page is read."""
    page = Repeated(series=5, differing=1, example="vllm:prompt_tokens_total")
    odd = worker(Role.DECODE, "decode-1", repeated=page)
    gone = worker(Role.DECODE, "decode-2", repeated=page, failures=2, **REFUSED)
    found = hits("series_repeated", service([worker(Role.PREFILL), worker(Role.DECODE), odd, gone]))

    assert [{"role": "decode", "worker": "decode-1"}] == [hit.scope for hit in found]
    assert None is found[0].severity
    assert (
        "The page of decode-1 has 5 series more than once, 1 with another value, such as vllm:prompt_tokens_total; the "
        "first of each counts."
    ) == found[0].summary


def test_series_that_are_merely_repeated_are_information(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """No number is in doubt."""
    odd = worker(Role.DECODE, repeated=Repeated(series=5, differing=0, example="vllm:prompt_tokens_total"))
    found = hits("series_repeated", service([odd]))

    assert [Severity.INFO] == [hit.severity for hit in found]
    assert "each with the same value" in found[0].summary
