"""Each finding fires on its fault, stays silent without it, and minds its edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.judge.findings import BY_ID, FINDINGS
from pdwatch.model.judgement import Severity
from pdwatch.model.snapshot import ServiceSignals, TransferState, Trouble, WorkerState
from pdwatch.model.target import Role, RoleSource

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


def test_engine_stuck_names_engine_and_time(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Work inside, counters frozen for 12 seconds, the port answers."""
    frozen = worker(Role.DECODE, engine={"stuck_seconds": 12.0, "requests_running": 5.0})
    found = hits("engine_stuck", service([worker(Role.PREFILL), frozen]))

    assert [{"role": "decode", "worker": "decode-0", "engine": "0"}] == [hit.scope for hit in found]


def test_engine_stuck_waits_for_the_threshold(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A pause of 9.4 seconds is a long prefill; two scrape intervals are never exactly ten."""
    assert [] == hits("engine_stuck", service([worker(Role.DECODE, engine={"stuck_seconds": 9.4})]))
    assert 1 == len(hits("engine_stuck", service([worker(Role.DECODE, engine={"stuck_seconds": 9.98})])))


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

    assert ["Prompts arrive and wait at 140 % of what prefill computes; 9 requests wait."] == [
        hit.summary for hit in hits("prefill_saturated", service([short, worker(Role.DECODE)]))
    ]


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


def test_role_mismatch_names_declared_and_shown(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Declared decode, one token a request."""
    swapped = worker(Role.DECODE, behaviour=Role.PREFILL)
    found = hits("role_mismatch", service([worker(Role.PREFILL), swapped]))

    assert ["decode-0 is declared decode but behaves as prefill."] == [hit.summary for hit in found]


def test_a_guessed_role_cannot_mismatch(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """What was told from behaviour agrees with it."""
    guessed = worker(Role.DECODE, behaviour=Role.PREFILL, role_source=RoleSource.BEHAVIOUR)

    assert [] == hits("role_mismatch", service([guessed]))


@pytest.mark.parametrize(("usage", "fires"), [(0.9, True), (0.899, False)])
def test_kv_cache_saturated_at_the_threshold(
    usage: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """90 % is full, a little less is not."""
    full = worker(Role.DECODE, engine={"kv_cache_usage_ratio": usage})

    assert fires == bool(hits("kv_cache_saturated", service([worker(Role.PREFILL), full])))


def test_preempting_tells_the_rate(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """1.5 preemptions a second on decode."""
    found = hits("preempting", service([worker(Role.DECODE, engine={"preemptions_per_second": 1.5})]))

    assert ["Decode preempts requests, 1.5/s: each is computed again."] == [hit.summary for hit in found]


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


def test_kv_transfer_failing(healthy: ServiceSignals, hits: Hits) -> None:
    """Any failed transfer within the window counts."""
    failing = replace(healthy, transfer=TransferState(failures_per_second=0.2))

    assert ["KV transfers fail: 12.0/min (transfers, handshakes and notifications)."] == [
        hit.summary for hit in hits("kv_transfer_failing", failing)
    ]


def test_kv_recomputed_on_decode(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Decode computes nearly all of its prompts."""
    found = hits("kv_recomputed_on_decode", service([worker(Role.DECODE, engine={"kv_recomputed_share": 0.97})]))

    assert ["decode-0"] == [hit.scope["worker"] for hit in found]


def test_recomputation_is_not_judged_on_a_handful_of_requests(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Four requests are too few to tell."""
    few = worker(Role.DECODE, engine={"kv_recomputed_share": 1.0, "requests_in_window": 4.0})

    assert [] == hits("kv_recomputed_on_decode", service([few]))


def test_prefill_computing_its_prompts_is_its_work(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Only decode should not."""
    assert [] == hits("kv_recomputed_on_decode", service([worker(Role.PREFILL, engine={"kv_recomputed_share": 1.0})]))


def test_kv_blocks_expired(healthy: ServiceSignals, hits: Hits) -> None:
    """A lease that ran out is a request that failed or was computed twice."""
    assert 1 == len(hits("kv_blocks_expired", replace(healthy, transfer=TransferState(expired_per_second=0.1))))


def test_kv_leak_names_usage_and_time(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """40 % held for half a minute with nothing to do."""
    leaking = worker(Role.PREFILL, engine={"held_seconds": 30.0, "kv_cache_usage_ratio": 0.4})
    found = hits("kv_leak", service([leaking, worker(Role.DECODE)]))

    assert ["prefill-0 holds 40 % of its KV cache for 30 s although nothing runs or waits there."] == [
        hit.summary for hit in found
    ]


def test_blocks_that_decode_is_about_to_fetch_are_no_leak(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A full decode pool keeps KV pinned on prefill; that is its own finding."""
    pinned = worker(Role.PREFILL, engine={"held_seconds": 60.0})

    assert [] == hits("kv_leak", service([pinned, worker(Role.DECODE)], TransferState(waiting=12.0)))


def test_transfer_dominates_prefill(healthy: ServiceSignals, hits: Hits) -> None:
    """450 ms of transfer for 100 ms of prefill."""
    slow = replace(healthy, transfer=TransferState(seconds_mean=0.45, prefill_ratio=4.5))

    assert ["Moving KV takes 450 ms, 450 % of the time it takes to compute it."] == [
        hit.summary for hit in hits("transfer_dominates_prefill", slow)
    ]


def test_a_transfer_of_half_the_prefill_time_is_still_fine(healthy: ServiceSignals, hits: Hits) -> None:
    """The edge is the rule of thumb itself."""
    even = replace(healthy, transfer=TransferState(seconds_mean=0.05, prefill_ratio=0.5))

    assert [] == hits("transfer_dominates_prefill", even)


def test_requests_failing_tells_share_and_rate(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """One in four requests ends in an error."""
    failing = worker(Role.DECODE, engine={"errors_per_second": 0.5, "requests_per_second": 2.0})

    assert ["25 % of requests end in an error on decode (30.0/min)."] == [
        hit.summary for hit in hits("requests_failing", service([failing]))
    ]
