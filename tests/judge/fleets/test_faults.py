"""Faults of simulated fleets: found soon, at the right worker, with their symptoms below them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pdwatch.demo.model import Do, Fault, Fleet, FleetSpec, Load, PoolSpec, plan_fault
from pdwatch.demo.scenarios import SCENARIOS

Watch = Callable[..., Any]
LOAD = Load.steady(rate=8.0, input_tokens=2000, output_tokens=250)
ONSET = 180.0


def _struck(fault: Fault, workers: int = 3, load: Load = LOAD, seed: int = 3) -> Callable[[], Fleet]:
    """Return a fleet that is well for three minutes and then struck."""

    def make() -> Fleet:
        pools = PoolSpec(workers=workers)
        fleet = Fleet(FleetSpec(load=replace(load), prefill=pools, decode=pools), seed)
        plan_fault(fleet, replace(fault, at=ONSET))
        return fleet

    return make


def test_a_dead_decode_worker_is_the_root_of_all_that_follows(watch: Watch) -> None:
    """The decode that is left fills up, KV expires and is pinned on prefill, first tokens are late: one root."""
    seen = watch("dies", fleet=lambda: SCENARIOS["decode_dies"].fleet(1), seconds=240.0)
    symptoms = {name: cause for at in seen.told for name, cause in seen.causes(at).items() if name != "worker_down"}

    assert 65.0 == seen.first("worker_down", worker="decode-1")
    assert {"worker_down"} == seen.alarms
    assert {"kv_cache_saturated", "kv_blocks_expired", "kv_pinned_on_prefill", "slo_ttft_missed"} <= symptoms.keys()
    assert {"worker_down"} == set(symptoms.values())


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("role", ["prefill", "decode"])
@pytest.mark.parametrize("factor", [2.2, 3.0])
def test_a_slow_worker_is_found_within_a_minute(role: str, factor: float, workers: int, watch: Watch) -> None:
    """Under round robin, where it gets its share all the same, and it alone."""
    fault, load = (
        Fault(Do.SLOW, f"{role}-1", factor),
        replace(LOAD, phases=(replace(LOAD.phases[0], rate=2.7 * workers),)),
    )
    name = f"slow {role} {factor} of {workers}"
    seen = watch(name, fleet=_struck(fault, workers, load), seconds=ONSET + 60)
    found = seen.first("worker_slow", worker=f"{role}-1")

    assert found is not None
    assert ONSET < found <= ONSET + 60
    assert {f"{role}-1"} == {
        f.scope["worker"] for found in seen.told.values() for f in found if f.finding == "worker_slow"
    }


@pytest.mark.parametrize("role", ["prefill", "decode"])
def test_a_worker_with_several_times_its_share_is_uneven_load_and_not_slow(role: str, watch: Watch) -> None:
    """It holds what the router gave it; its GPU is as fast as the others'."""
    load = Load.steady(rate=17.0, input_tokens=2000, output_tokens=150)
    seen = watch(f"hot {role}", fleet=_struck(Fault(Do.WEIGHT, f"{role}-1", 7.0), load=load), seconds=ONSET + 120)
    found = seen.first("queue_imbalanced", worker=f"{role}-1")

    assert found is not None
    assert ONSET < found <= ONSET + 90
    assert seen.first("worker_slow") is None


def test_a_worker_that_hangs_for_two_minutes_is_told_to_hang(watch: Watch) -> None:
    """First as a page that is late, then as a worker that does not answer."""
    seen = watch(
        "hangs", fleet=_struck(Fault(Do.START, "decode-1")), seconds=320.0, silent={"decode-1": (180.0, 400.0)}
    )

    assert 190.0 == seen.first("worker_stale", worker="decode-1")
    assert 270.0 == seen.first("worker_unresponsive", worker="decode-1")
    assert "worker_unresponsive" == seen.causes(320.0)["worker_stale"]


def test_a_frozen_engine_is_stuck(watch: Watch) -> None:
    """Its port answers, its requests do not end, and what prefill holds for it is told under it."""
    seen = watch("frozen", fleet=_struck(Fault(Do.STOP, "decode-1")), seconds=260.0)

    assert 190.0 == seen.first("engine_stuck", worker="decode-1")
    assert {"engine_stuck"} == seen.alarms


def test_failing_transfers_explain_failing_requests_and_expiring_kv(watch: Watch) -> None:
    """A quarter of the handshakes is refused."""
    seen = watch("failing", fleet=_struck(Fault(Do.FAIL_TRANSFERS, factor=0.25)), seconds=260.0)

    assert 185.0 == seen.first("kv_transfer_failing")
    assert {"requests_failing": "kv_transfer_failing", "kv_blocks_expired": "kv_transfer_failing"}.items() <= (
        seen.causes(260.0).items()
    )
    assert {"kv_transfer_failing"} == seen.alarms


def test_slow_links_are_named_by_the_hop_that_grew(watch: Watch) -> None:
    """Links at a fiftieth of their bandwidth: transfers are slow, and the way to the first token says so."""
    seen = watch("links", fleet=_struck(Fault(Do.BANDWIDTH, factor=0.02)), seconds=260.0)
    slow = next(finding for finding in seen.told[230.0] if finding.finding == "kv_transfer_slow")

    assert (seen.first("kv_transfer_slow") or 0.0) <= ONSET + 30
    assert "on the way to the first token the transfer takes" in slow.summary
    assert {"kv_transfer_slow"} == seen.alarms


def test_decode_that_computes_prompts_itself_is_named(watch: Watch) -> None:
    """The connector is off, and nothing else shows it."""
    seen = watch("recompute", fleet=_struck(Fault(Do.RECOMPUTE, factor=1.0)), seconds=260.0)

    assert ONSET < (seen.first("kv_recomputed_on_decode") or 0.0) <= ONSET + 60


def test_a_full_decode_pool_explains_what_prefill_shows(watch: Watch) -> None:
    """Preemptions, pinned blocks and late first tokens are told under it."""
    seen = watch("full", fleet=lambda: SCENARIOS["decode_full_backs_up_prefill"].fleet(1), seconds=200.0)
    causes = seen.causes(200.0)

    assert {"kv_cache_saturated"} == seen.roots(200.0)
    assert {"preempting", "kv_pinned_on_prefill", "slo_ttft_missed"} <= causes.keys()


def test_a_prefill_pool_too_small_explains_late_first_tokens(watch: Watch) -> None:
    """Its queue is where the time goes."""
    seen = watch("short", fleet=lambda: SCENARIOS["prefill_bound"].fleet(1), seconds=200.0)
    late = next(finding for finding in seen.told[200.0] if finding.finding == "slo_ttft_missed")

    assert {"prefill_saturated"} == seen.roots(200.0)
    assert "prefill's queue takes most" in late.summary
