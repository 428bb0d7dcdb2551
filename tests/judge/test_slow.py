"""A slow worker is told from a busy one, a cold one, and one with longer prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.snapshot import ServiceSignals, WorkerState
from pdwatch.model.target import Role

Hits = Callable[[str, ServiceSignals], list[Hit]]
MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceSignals]
Pool = Callable[..., ServiceSignals]
USUAL = {
    "pace_seconds": 0.03,
    "pace_load": 20.0,
    "pace_tokens_per_second": 660.0,
    "pace_prompt_tokens": 2000.0,
}


@pytest.fixture
def pool(worker: MakeWorker, service: MakeService) -> Pool:
    """Two usual workers of a role and one that differs as given."""

    def make(
        role: Role = Role.DECODE,
        others: int = 2,
        age: float = 3600.0,
        usual: Mapping[str, float] = USUAL,
        **changed: float,
    ) -> ServiceSignals:
        peers = [worker(role, f"peer-{n}", engine=USUAL | dict(usual), process_seconds=3600.0) for n in range(others)]
        return service([*peers, worker(role, "odd", engine=USUAL | changed, process_seconds=age)])

    return make


def _named(hits: Hits, signals: ServiceSignals) -> list[str]:
    return [hit.scope["worker"] for hit in hits("worker_slow", signals)]


def test_worker_slow_names_it_beside_its_peers(pool: Pool, hits: Hits) -> None:
    """90 ms a token where the others take 30, for the same tokens a second."""
    found = hits("worker_slow", pool(pace_seconds=0.09, pace_load=60.0))

    assert ["odd is slow: 90 ms between two tokens, the other decode workers 30 ms (3.0 times), for no more work."] == [
        hit.summary for hit in found
    ]


@pytest.mark.parametrize(("pace", "slow"), [(0.0509, False), (0.0511, True)])
def test_a_token_may_take_one_point_seven_times_as_long(pace: float, slow: bool, pool: Pool, hits: Hits) -> None:
    """The edge of the threshold."""
    assert slow is bool(_named(hits, pool(pace_seconds=pace)))


def test_a_fuller_batch_of_a_slow_worker_does_not_excuse_it(pool: Pool, hits: Hits) -> None:
    """By Little's law a slow worker with its share of the traffic has a fuller batch because it is slow."""
    assert ["odd"] == _named(hits, pool(pace_seconds=0.08, pace_load=53.0))


def test_a_worker_with_more_to_do_is_not_called_slow(pool: Pool, hits: Hits) -> None:
    """Three times the tokens in a batch five times as full take twice as long each."""
    busy = pool(pace_seconds=0.06, pace_load=100.0, pace_tokens_per_second=2000.0)

    assert [] == _named(hits, busy)


def test_a_worker_with_longer_prompts_is_not_called_slow(pool: Pool, hits: Hits) -> None:
    """A router that keeps long conversations together sends them to one worker."""
    assert [] == _named(hits, pool(pace_seconds=0.06, pace_prompt_tokens=8000.0))


def test_the_first_two_minutes_of_a_process_are_not_compared(pool: Pool, hits: Hits) -> None:
    """Its first passes compile and fill caches."""
    assert [[], ["odd"]] == [_named(hits, pool(age=age, pace_seconds=0.09)) for age in (119.0, 120.0)]


def test_a_peer_that_just_began_makes_nobody_slow(pool: Pool, hits: Hits) -> None:
    """Its batch is still empty, so its tokens are quick."""
    assert [] == _named(hits, pool(age=20.0, pace_seconds=0.012))


def test_a_pool_that_just_began_as_a_whole_is_compared(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """All are as cold as each other."""
    slow = worker(Role.DECODE, "slow", engine=USUAL | {"pace_seconds": 0.09}, process_seconds=20.0)
    usual = worker(Role.DECODE, "usual", engine=USUAL, process_seconds=20.0)

    assert ["slow"] == _named(hits, service([slow, usual]))


def test_two_workers_are_enough_to_compare(pool: Pool, hits: Hits) -> None:
    """The slower one is named, not the quicker one."""
    assert ["odd"] == _named(hits, pool(others=1, pace_seconds=0.06))


def test_a_single_worker_has_no_peers_to_be_slower_than(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Prefill and decode are not compared with each other."""
    signals = service([worker(Role.PREFILL, engine=USUAL | {"pace_seconds": 1e-4}), worker(Role.DECODE, engine=USUAL)])

    assert [] == _named(hits, signals)


def test_a_slow_prefill_worker_is_named_in_time_per_token(pool: Pool, hits: Hits) -> None:
    """Microseconds, as prefill is."""
    found = hits("worker_slow", pool(Role.PREFILL, usual={"pace_seconds": 50e-6}, pace_seconds=120e-6))

    assert ["odd is slow: 120 µs a prompt token, the other prefill workers 50 µs (2.4 times), for no more work."] == [
        hit.summary for hit in found
    ]


def test_prefill_with_hardly_anything_to_do_is_not_called_slow(pool: Pool, hits: Hits) -> None:
    """Small passes cost more a token; one that is never idle has no such excuse."""
    idle = {"pace_seconds": 0.09, "pace_tokens_per_second": 200.0}

    assert [] == _named(hits, pool(Role.PREFILL, **idle, pace_load=0.1))
    assert ["odd"] == _named(hits, pool(Role.PREFILL, **idle, pace_load=0.95))


def test_a_stale_worker_is_not_compared(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Its numbers are old."""
    stale = worker(Role.DECODE, "odd", engine=USUAL | {"pace_seconds": 0.09}, stale=True)

    assert [] == _named(hits, service([worker(Role.DECODE, "peer", engine=USUAL), stale]))
