"""What holds in every run, whatever happens to the fleet."""

from __future__ import annotations

import pytest

from pdwatch.demo import SCENARIOS
from pdwatch.demo.model import (
    Do,
    Fault,
    Fleet,
    FleetSpec,
    Load,
    LoadFailure,
    Outcome,
    PoolSpec,
    apply_fault,
)

TRACE = tuple((0.15 * n, 200 + 37 * (n % 90), 1 + 13 * (n % 40)) for n in range(400))
TRACE_FAULTS = (
    (),
    (Fault(Do.KILL, "decode-0", at=20.0), Fault(Do.START, "decode-0", at=45.0)),
    (Fault(Do.KILL, "prefill-0", at=20.0), Fault(Do.START, "prefill-0", at=30.0)),
    (Fault(Do.STOP, "decode-1", at=15.0), Fault(Do.START, "decode-1", at=60.0)),
    (Fault(Do.STOP, "prefill-1", at=15.0), Fault(Do.START, "prefill-1", at=60.0)),
    (Fault(Do.RESTART, "decode-0", at=10.0), Fault(Do.RESTART, "prefill-0", at=11.0)),
    (Fault(Do.FAIL_TRANSFERS, factor=0.3), Fault(Do.BANDWIDTH, factor=0.02)),
    (Fault(Do.RECOMPUTE, factor=0.5), Fault(Do.SLOW, "decode-1", factor=4.0, at=5.0)),
)


def engines(fleet):
    return [engine for worker in fleet.workers.values() if worker.alive for engine in worker.engines]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_arrival_is_finished_failed_or_in_flight(name, play):
    """No request is lost or counted twice."""
    fleet = play(name, 100.0)

    assert fleet.arrived == len(fleet.finished) + len(fleet.in_flight)
    assert fleet.arrived == len({request.id for request in fleet.finished} | set(fleet.in_flight))


@pytest.mark.parametrize("name", SCENARIOS)
def test_blocks_in_use_are_those_that_requests_hold(name):
    """At any time the blocks in use lie between none and all."""
    fleet = SCENARIOS[name].fleet(seed=3)
    for second in range(1, 130):
        fleet.run_until(second * 0.7)
        for engine in engines(fleet):
            assert 0 <= engine.blocks.used <= engine.blocks.total


@pytest.mark.parametrize("faults", TRACE_FAULTS, ids=lambda faults: "+".join(fault.do for fault in faults) or "none")
@pytest.mark.parametrize("policy", LoadFailure)
def test_every_block_comes_back(faults, policy):
    """When the load has ended and the leases have run out, no engine holds a block or a request."""
    pool = PoolSpec(kv_blocks=2500)
    fleet = Fleet(FleetSpec(load=Load(trace=TRACE), prefill=pool, decode=pool, load_failure=policy))
    for fault in sorted(faults, key=lambda fault: fault.at):
        fleet.run_until(fault.at)
        apply_fault(fleet, fault)
    fleet.run_until(2000.0)

    assert len(TRACE) == len(fleet.finished)
    assert {0} == {engine.blocks.used for engine in engines(fleet)}
    assert {0} == {engine.outstanding for engine in engines(fleet)}


def test_tight_memory_preempts_and_still_finishes_everything():
    """Preempted requests are computed again and end with all their tokens."""
    pool = PoolSpec(workers=1, kv_blocks=1200)
    fleet = Fleet(FleetSpec(load=Load(trace=TRACE), decode=pool))
    fleet.run_until(2000.0)
    (decode,) = (engine for engine in engines(fleet) if engine.name.startswith("decode"))

    assert decode.meters.values["num_preemptions"] > 0
    assert sum(request.preemptions for request in fleet.finished) == decode.meters.values["num_preemptions"]
    assert {Outcome.OK} == {request.outcome for request in fleet.finished}
    assert sum(output for _, _, output in TRACE) == decode.meters.values["generation_tokens"]


def test_tokens_of_the_batch_add_up():
    """The running sum of KV tokens is that of the requests: all slots fit the blocks in use."""
    fleet = SCENARIOS["decode_bound"].fleet(seed=2)
    for second in range(1, 60):
        fleet.run_until(2.0 * second)
        for engine in engines(fleet):
            if engine.name.startswith("decode"):
                slots = sum(r.slots + engine._step - r.joined_step for r in engine.running)
                assert slots == engine.kv_tokens


@pytest.mark.parametrize("name", SCENARIOS)
def test_counters_never_fall(name, numbers):
    """From scrape to scrape every counter, bucket, sum and count of a living process stays or rises."""
    fleet = SCENARIOS[name].fleet(seed=5)
    before = {}
    for second in range(10, 100, 15):
        fleet.run_until(float(second))
        now = {w: numbers(fleet.page(w)) for w, worker in fleet.workers.items() if worker.alive}
        for worker, page in now.items():
            for key in page.keys() & before.get(worker, {}).keys():
                if key[0].endswith(("_total", "_bucket", "_sum", "_count")):
                    assert page[key] >= before[worker][key], key
        before = now


def test_the_same_seed_gives_the_same_run(play):
    """Two runs agree to the last digit."""
    once, again = play("decode_bound", 80.0), play("decode_bound", 80.0)

    assert once.finished == again.finished
    assert once.page("decode-1") == again.page("decode-1")


def test_another_seed_gives_another_run():
    """Seeds matter."""
    pages = set()
    for seed in (1, 2):
        fleet = SCENARIOS["healthy"].fleet(seed)
        fleet.run_until(20.0)
        pages.add(fleet.page("decode-0"))

    assert 2 == len(pages)


def test_the_size_of_the_strides_does_not_matter(play):
    """Advancing in small steps or at once is the same."""
    stepwise = SCENARIOS["hot_rank"].fleet(seed=1)
    for tick in range(1, 401):
        stepwise.run_until(tick * 0.1)

    assert play("hot_rank", 40.0).page("decode-0") == stepwise.page("decode-0")
