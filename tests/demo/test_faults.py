"""Faults, scaling and routing: what each does to pages and to requests."""

from __future__ import annotations

import pytest

from pdwatch.demo.model import (
    Do,
    Fault,
    Fleet,
    FleetSpec,
    Load,
    LoadFailure,
    Outcome,
    Policy,
    PoolSpec,
    Role,
    State,
    apply_fault,
)

ONE = PoolSpec(workers=1)


def failed(fleet):
    return [request for request in fleet.finished if request.outcome is Outcome.FAILED]


def test_stopped_engine_keeps_its_page(small, value):
    """A frozen worker answers with the same counters while the other one moves on."""
    fleet = small()
    fleet.run_until(20.0)
    fleet.stop("decode-0")
    frozen, moving = fleet.page("decode-0"), value(fleet, "decode-1", "generation_tokens_total")
    fleet.run_until(30.0)

    assert fleet.workers["decode-0"].alive
    assert frozen == fleet.page("decode-0")
    assert value(fleet, "decode-1", "generation_tokens_total") > moving


def test_thawed_engine_goes_on(small, value):
    """After `start` the requests that were stuck are finished."""
    fleet = small()
    fleet.run_until(20.0)
    fleet.stop("decode-0")
    fleet.run_until(30.0)
    fleet.start("decode-0")
    fleet.run_until(60.0)

    assert [] == failed(fleet)
    assert max(request.ttft for request in fleet.finished) > 5.0


def test_restart_begins_at_zero_with_a_new_start_time(small, value, numbers):
    """A restarted process has lost its requests and counts anew."""
    fleet = small()
    fleet.run_until(30.0)
    start = ("process_start_time_seconds", frozenset())
    before = numbers(fleet.page("decode-0"))[start]
    fleet.restart("decode-0")

    assert 0.0 == value(fleet, "decode-0", "generation_tokens_total")
    assert 30.0 == numbers(fleet.page("decode-0"))[start] - before
    assert len(failed(fleet)) > 0


def test_killed_worker_has_no_page(small):
    """Its port is closed, which the error says."""
    fleet = small()
    fleet.kill("prefill-0")

    with pytest.raises(ValueError, match="prefill-0 is dead: its port is closed"):
        fleet.page("prefill-0")


def test_router_leaves_a_dead_worker_alone_after_a_while(small):
    """Requests fail for the seconds that the router needs to notice, then no more."""
    fleet = small()
    fleet.run_until(20.0)
    fleet.kill("decode-1")
    fleet.run_until(26.0)
    noticed = len(failed(fleet))
    fleet.run_until(60.0)

    assert noticed > 1
    assert noticed == len(failed(fleet))


def test_no_worker_left_fails_requests(small):
    """Without decode every request fails, and is still accounted for."""
    fleet = small(decode=ONE)
    fleet.kill("decode-0")
    fleet.run_until(30.0)

    assert fleet.arrived == len(failed(fleet)) + len(fleet.in_flight)
    assert len(failed(fleet)) > 50


def test_dead_prefill_fails_what_decode_was_to_pull(small, value):
    """KV that died with its prefill counts as failed transfers on decode."""
    fleet = small(rate=10.0)
    fleet.set_bandwidth(0.02)
    fleet.run_until(20.0)
    fleet.kill("prefill-0")

    fleet.run_until(21.0)

    assert value(fleet, "decode-0", "nixl_num_failed_transfers_total") > 0
    assert value(fleet, "decode-0", "request_success_total", finished_reason="error") > 0


def test_failed_transfer_can_be_recomputed(small, value):
    """With the policy `recompute` no request fails, and decode counts the prompts as computed locally."""
    fleet = small(load_failure=LoadFailure.RECOMPUTE)
    fleet.set_transfer_failure(1.0)
    fleet.run_until(30.0)

    assert [] == failed(fleet)
    assert len(fleet.finished) > 50
    assert value(fleet, "decode-0", "prompt_tokens_total") == value(
        fleet, "decode-0", "prompt_tokens_by_source_total", source="local_compute"
    )


def test_living_decode_keeps_the_lease(small, value):
    """KV that decode still wants does not expire, however long it waits."""
    fleet = small(rate=10.0, decode=PoolSpec(workers=1, kv_blocks=1500))
    fleet.run_until(150.0)

    assert max(request.ttft for request in fleet.finished) > fleet.spec.lease_seconds + 10.0
    assert 0.0 == value(fleet, "prefill-0", "nixl_num_kv_expired_reqs_total")


def test_slow_stretches_every_step(small, value):
    """A worker three times slower has three times the time between tokens."""
    fleet = small(rate=1.0)
    fleet.slow("decode-1", 3.0)
    fleet.run_until(60.0)

    def gap(worker):
        total = value(fleet, worker, "inter_token_latency_seconds_sum")
        return total / value(fleet, worker, "inter_token_latency_seconds_count")

    assert gap("decode-1") == pytest.approx(3 * gap("decode-0"), rel=0.1)


def test_new_worker_serves_after_its_start_up(small, value):
    """It holds GPUs from the moment it is asked for and traffic from the moment it is up."""
    fleet = small()
    fleet.run_until(10.0)
    name = fleet.add_worker(Role.DECODE, startup_seconds=30.0)
    fleet.run_until(39.0)
    assert not fleet.workers[name].alive

    fleet.run_until(60.0)

    assert "decode-2" == name
    assert value(fleet, name, "generation_tokens_total") > 0
    assert 4 * (2 * 60.0 + 50.0) == pytest.approx(fleet.gpu_seconds(Role.DECODE))


def test_drained_worker_finishes_its_requests(small):
    """It takes no new request, fails none, and then holds no GPU."""
    fleet = small()
    fleet.run_until(20.0)
    fleet.remove_worker("decode-1")
    assert State.DRAINING is fleet.workers["decode-1"].state

    fleet.run_until(60.0)

    assert State.GONE is fleet.workers["decode-1"].state
    assert [] == failed(fleet)
    assert fleet.gpu_seconds(Role.DECODE) < 4 * (60.0 + 40.0)


def test_moved_worker_comes_back_in_the_other_role(small):
    """A drain and a start-up later its GPUs serve the other side."""
    fleet = small()
    fleet.run_until(20.0)
    fleet.move_worker("prefill-1", Role.DECODE, startup_seconds=10.0)
    fleet.run_until(60.0)

    assert State.GONE is fleet.workers["prefill-1"].state
    assert fleet.workers["decode-2"].alive
    assert [] == failed(fleet)


def test_fork_asks_what_would_have_happened(small):
    """A copy meets the same arrivals, and what is done to it leaves the original alone."""
    fleet = small(rate=8.0)
    fleet.run_until(30.0)
    same, slowed = fleet.fork(), fleet.fork()
    slowed.slow("decode-0", 4.0)
    for each in (fleet, same, slowed):
        each.run_until(60.0)

    assert fleet.finished == same.finished
    assert fleet.arrived == slowed.arrived
    assert len(slowed.finished) < len(fleet.finished)


def test_round_robin_follows_weights():
    """A weight of three is three times the traffic."""
    fleet = Fleet(FleetSpec(load=Load.steady(10.0, 200, 20)))
    fleet.set_weight("prefill-0", 3.0)
    fleet.run_until(60.0)
    chosen = fleet.router.chosen[Role.PREFILL]

    assert chosen["prefill-0"] == pytest.approx(3 * chosen["prefill-1"], abs=3)


def test_least_loaded_spares_the_slow_worker(small):
    """Where the router looks at load, a slow worker gets less."""
    fleet = small(rate=8.0, policy=Policy.LEAST_LOADED)
    fleet.slow("decode-1", 3.0)
    fleet.run_until(60.0)
    chosen = fleet.router.chosen[Role.DECODE]

    assert chosen["decode-0"] > 1.5 * chosen["decode-1"]


def test_request_that_fits_nowhere_fails():
    """A prompt larger than the cache ends in an error instead of blocking the queue."""
    pool = PoolSpec(workers=1, kv_blocks=100)
    trace = ((0.0, 5000, 10), (1.0, 100, 10))
    fleet = Fleet(FleetSpec(load=Load(trace=trace), prefill=pool, decode=pool))
    fleet.run_until(10.0)

    assert [Outcome.FAILED, Outcome.OK] == [request.outcome for request in fleet.finished]


def test_unknown_worker_is_named(small):
    """The error names the workers that exist."""
    with pytest.raises(ValueError, match="no worker 'decode-9'; there are prefill-0, prefill-1, decode-0, decode-1"):
        apply_fault(small(), Fault(Do.KILL, "decode-9"))
