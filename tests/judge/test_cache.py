"""KV caches: full, pinned, thrashing, leaking, and prefix caches that do not help."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.judgement import Severity
from pdwatch.model.snapshot import ServiceSignals, TransferState, WorkerState
from pdwatch.model.target import Role

Hits = Callable[[str, ServiceSignals], list[Hit]]
MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceSignals]


@pytest.mark.parametrize(("usage", "fires"), [(0.9, True), (0.899, False)])
def test_kv_cache_saturated_at_the_threshold(
    usage: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """90 % is full, a little less is not."""
    full = worker(Role.DECODE, engine={"kv_cache_usage_ratio": usage})

    assert fires == bool(hits("kv_cache_saturated", service([worker(Role.PREFILL), full])))


def test_a_pool_is_full_when_most_of_its_engines_are(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Two of three."""
    usages = (0.99, 0.95, 0.4)
    pool = [worker(Role.DECODE, f"d{n}", engine={"kv_cache_usage_ratio": usage}) for n, usage in enumerate(usages)]

    assert ["The KV cache of decode is 95 % full, 0 requests wait."] == [
        hit.summary for hit in hits("kv_cache_saturated", service(pool))
    ]


def test_one_full_engine_is_not_a_full_pool(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A hot rank fills its cache while the others have room: information, the uneven load is the matter."""
    pool = [worker(Role.DECODE, f"d{n}", engine={"kv_cache_usage_ratio": 0.99 if n == 0 else 0.1}) for n in range(8)]
    found = hits("kv_cache_saturated", service(pool))

    assert ["The KV cache of 1 of 8 decode engines is full, of the median 10 %; 0 requests wait."] == [
        hit.summary for hit in found
    ]
    assert [Severity.INFO] == [hit.severity for hit in found]


PINNED = {
    "kv_cache_usage_ratio": 0.97,
    "kv_cache_tokens": 100_000.0,
    "prompt_tokens_per_second": 4000.0,
    "requests_waiting": 9.0,
}


def test_prefill_full_of_answered_prompts_is_pinned(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """One prompt of 2,000 tokens is computed at a time, and 97,000 tokens are held."""
    signals = service([worker(Role.PREFILL, engine=PINNED | {"prefill_concurrency": 1.0}), worker(Role.DECODE)])

    told = [hit.summary for hit in hits("kv_pinned_on_prefill", signals)]

    assert [
        "The KV cache of prefill is 97 % full of prompts that decode has not fetched; 9 requests wait there."
    ] == told
    assert [] == hits("kv_cache_saturated", signals)


def test_prefill_full_of_prompts_it_computes_is_full_itself(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Forty prompts of 2,000 tokens at a time explain what it holds."""
    signals = service([worker(Role.PREFILL, engine=PINNED | {"prefill_concurrency": 40.0}), worker(Role.DECODE)])

    assert [] == hits("kv_pinned_on_prefill", signals)
    assert [{"role": "prefill"}] == [hit.scope for hit in hits("kv_cache_saturated", signals)]


@pytest.mark.parametrize("unknown", ["kv_cache_tokens", "prefill_concurrency", "prompt_tokens_per_second"])
def test_what_fills_prefill_is_not_guessed(unknown: str, worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Where an engine does not tell, its cache is full and no more is said."""
    numbers = PINNED | {"prefill_concurrency": 1.0} | {unknown: None}
    signals = service([worker(Role.PREFILL, engine=numbers), worker(Role.DECODE)])

    assert [] == hits("kv_pinned_on_prefill", signals)
    assert 1 == len(hits("kv_cache_saturated", signals))


def test_an_engine_that_does_not_tell_its_usage_is_not_empty(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """The one that tells is full, and that is all of those that tell."""
    usages = (0.97, None, None)
    pool = [worker(Role.DECODE, f"d{n}", engine={"kv_cache_usage_ratio": usage}) for n, usage in enumerate(usages)]

    assert [None] == [hit.severity for hit in hits("kv_cache_saturated", service(pool))]


@pytest.mark.parametrize(("usage", "fires"), [(0.9, True), (0.899, False)])
def test_pinned_blocks_matter_once_prefill_is_full(
    usage: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """While it has room it takes prompts."""
    prefill = worker(Role.PREFILL, engine=PINNED | {"prefill_concurrency": 1.0, "kv_cache_usage_ratio": usage})

    assert fires is bool(hits("kv_pinned_on_prefill", service([prefill, worker(Role.DECODE)])))


@pytest.mark.parametrize(("preemptions", "fires"), [(0.051, True), (0.05, False)])
def test_preempting_at_the_threshold(
    preemptions: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Three a minute may be."""
    engine = {"preemptions_per_second": preemptions}

    assert fires is bool(hits("preempting", service([worker(Role.DECODE, engine=engine)])))


def test_preempting_tells_the_rate(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """1.5 preemptions a second on decode."""
    found = hits("preempting", service([worker(Role.DECODE, engine={"preemptions_per_second": 1.5})]))

    assert ["Decode preempts requests, 1.5/s: each is computed again."] == [hit.summary for hit in found]


def test_kv_leak_names_usage_and_time(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """40 % held for half a minute with nothing to do."""
    leaking = worker(Role.PREFILL, engine={"held_seconds": 30.0, "kv_cache_usage_ratio": 0.4})
    found = hits("kv_leak", service([leaking, worker(Role.DECODE)]))

    assert ["prefill-0 holds 40 % of its KV cache for 30 s although nothing runs or waits there."] == [
        hit.summary for hit in found
    ]


@pytest.mark.parametrize(("held", "fires"), [(19.9, False), (20.0, True)])
def test_blocks_may_be_held_for_a_while(
    held: float, fires: bool, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Decode takes its time to fetch the last prompts before a pause."""
    assert fires is bool(hits("kv_leak", service([worker(Role.PREFILL, engine={"held_seconds": held})])))


def test_blocks_that_decode_is_about_to_fetch_are_no_leak(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A full decode pool keeps KV pinned on prefill; that is its own finding."""
    pinned = worker(Role.PREFILL, engine={"held_seconds": 60.0})

    assert [] == hits("kv_leak", service([pinned, worker(Role.DECODE)], TransferState(waiting=12.0)))


def test_what_decode_leaks_itself_is_told_all_the_same(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Requests that wait elsewhere do not explain it."""
    leaking = worker(Role.DECODE, engine={"held_seconds": 60.0})

    assert 1 == len(hits("kv_leak", service([worker(Role.PREFILL), leaking], TransferState(waiting=12.0))))


@pytest.fixture
def sharing(worker: MakeWorker, service: MakeService) -> Callable[..., ServiceSignals]:
    """A service whose two prefix caches find so much of the prompts."""

    def make(prefill: float, decode: float, requests: float = 100.0) -> ServiceSignals:
        numbers = {"prompt_tokens_per_second": 1000.0, "requests_in_window": requests}
        found = {Role.PREFILL: prefill, Role.DECODE: decode}
        return service([worker(role, engine=numbers | {"prefix_cache_hit_ratio": found[role]}) for role in found])

    return make


@pytest.mark.parametrize(
    ("prefill", "decode", "fires"),
    [(0.6, 0.02, True), (0.6, 0.15, False), (0.3, 0.0, True), (0.29, 0.0, False), (0.0, 0.0, False)],
)
def test_shared_prompts_that_decode_fetches_each_time(
    prefill: float, decode: float, fires: bool, sharing: Callable[..., ServiceSignals], hits: Hits
) -> None:
    """Decode should find a quarter of what prefill finds, where prefill finds three in ten."""
    assert fires is bool(hits("prefix_cache_ineffective", sharing(prefill, decode)))


def test_prefix_caches_are_not_judged_on_a_handful_of_requests(
    sharing: Callable[..., ServiceSignals], hits: Hits
) -> None:
    """Four requests tell nothing of what prompts share."""
    assert [] == hits("prefix_cache_ineffective", sharing(0.6, 0.0, requests=4.0))
