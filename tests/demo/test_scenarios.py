"""The signature of each scenario, as its pages and its truth show it."""

from __future__ import annotations

import pytest

from pdwatch.demo import SCENARIOS
from pdwatch.demo.model import Outcome


def quantile(values, share):
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))]


def served(fleet, after=0.0):
    return [request for request in fleet.finished if request.outcome is Outcome.OK and request.end > after]


def gauge(fleet, role, key):
    for worker in fleet.of_role(role):
        if worker.alive:
            fleet.page(worker)
    return [e.meters.values[key] for w in fleet.of_role(role) if w.alive for e in w.engines]


def mean(values):
    return sum(values) / len(values)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_scenario_is_described_in_one_line(scenario):
    """Each scenario says what happens and what to conclude."""
    assert scenario.description
    assert "\n" not in scenario.description + scenario.expected
    assert scenario.expected


@pytest.mark.parametrize("seconds", [60.0, 90.0, 300.0])
def test_healthy_is_comfortable(play, seconds):
    """Nothing fails, waits or preempts; latency is good; decode's memory is part used, prefill half busy."""
    fleet = play("healthy", seconds)
    requests = served(fleet, after=20.0)
    prefill_seconds = sum(
        e.meters.histograms["request_prefill_time_seconds"].total for w in fleet.of_role("prefill") for e in w.engines
    )

    assert len(served(fleet)) == len(fleet.finished)
    assert 1.0 > quantile([r.ttft for r in requests], 0.95)
    assert 0.05 > quantile([r.tpot for r in requests if r.tpot], 0.95)
    assert 0 == sum(gauge(fleet, "decode", "num_preemptions"))
    assert all(0.2 <= usage <= 0.6 for usage in gauge(fleet, "decode", "kv_cache_usage_perc"))
    assert 0.4 <= prefill_seconds / 2 / seconds <= 0.75
    assert 0.4 <= mean(gauge(fleet, "prefill", "prompt_tokens")) / seconds / 21_000 <= 0.6


def test_prefill_bound_queues_on_prefill_only(play):
    """The prefill queue grows while decode has most of its memory free."""
    earlier = sum(gauge(play("prefill_bound", 45.0), "prefill", "num_requests_waiting"))
    fleet = play("prefill_bound", 90.0)

    assert sum(gauge(fleet, "prefill", "num_requests_waiting")) > max(20, 1.5 * earlier)
    assert max(gauge(fleet, "decode", "kv_cache_usage_perc")) < 0.5
    assert quantile([r.ttft for r in served(fleet, after=60.0)], 0.5) > 2.0


def test_decode_bound_fills_decode_while_prefill_has_room(play):
    """Decode is full, slow and preempting; prompts hardly queue."""
    fleet = play("decode_bound", 90.0)

    assert min(gauge(fleet, "decode", "kv_cache_usage_perc")) > 0.9
    assert sum(gauge(fleet, "decode", "num_preemptions")) > 0
    assert quantile([r.tpot for r in served(fleet, after=60.0) if r.tpot], 0.5) > 0.045
    assert max(gauge(fleet, "prefill", "num_requests_waiting")) < 3
    assert max(gauge(fleet, "prefill", "kv_cache_usage_perc")) < 0.5


def test_decode_full_backs_up_prefill(play):
    """Requests wait on decode to start their load, and the KV they wait for fills prefill until it queues too."""
    fleet = play("decode_full_backs_up_prefill", 90.0)

    assert min(gauge(fleet, "decode", "kv_cache_usage_perc")) >= 0.95
    assert min(gauge(fleet, "decode", "num_requests_kv_fetch_by_stage/waiting_to_start")) > 10
    assert min(gauge(fleet, "prefill", "kv_cache_usage_perc")) > 0.9
    assert sum(gauge(fleet, "prefill", "num_requests_waiting")) > 20
    assert 0 == sum(gauge(fleet, "prefill", "num_requests_running"))


def test_hot_rank_has_three_times_the_mean(play):
    """One of eight decode ranks runs most requests."""
    fleet = play("hot_rank", 60.0)
    running = gauge(fleet, "decode", "num_requests_running")

    assert 8 == len(running)
    assert running[2] > 3 * mean(running)


def test_slow_worker_stands_out_under_even_traffic(play):
    """Both decode workers get the same requests; one holds twice as many and gives tokens half as fast."""
    fleet = play("slow_worker", 75.0)
    fast, slow = gauge(fleet, "decode", "num_requests_running")
    requests = [r for r in served(fleet, after=40.0) if r.tpot]
    pace = {
        name: quantile([r.tpot for r in requests if r.decode == name], 0.5) for name in ("decode-0/0", "decode-1/0")
    }

    assert slow > 2 * fast
    assert pace["decode-1/0"] > 2 * pace["decode-0/0"]


def test_slow_transfer_takes_longer_than_prefill(play):
    """A transfer takes several times its healthy time while both pools have room."""
    sick, healthy = play("slow_transfer", 90.0), play("healthy", 90.0)

    def transfer_seconds(fleet):
        histograms = [e.meters.histograms["nixl_xfer_time_seconds"] for w in fleet.of_role("decode") for e in w.engines]
        return sum(h.total for h in histograms) / sum(h.count for h in histograms)

    assert transfer_seconds(sick) > 10 * transfer_seconds(healthy)
    assert max(gauge(sick, "decode", "kv_cache_usage_perc")) < 0.6
    assert max(gauge(sick, "prefill", "kv_cache_usage_perc")) < 0.5


def test_failing_transfer_ends_requests_in_errors(play):
    """About a quarter of the requests end in errors on decode, and their KV expires on prefill."""
    fleet = play("failing_transfer", 90.0)
    failed = sum(1 for r in fleet.finished if r.outcome is Outcome.FAILED)

    assert 0.15 < failed / len(fleet.finished) < 0.35
    assert failed == sum(gauge(fleet, "decode", "request_success/error"))
    assert 4 * failed == sum(gauge(fleet, "decode", "nixl_num_failed_transfers"))
    assert sum(gauge(fleet, "prefill", "nixl_num_kv_expired_reqs")) > 50


def test_recompute_moves_no_kv(play):
    """Decode computes all prompts itself; not one transfer is counted and nothing fails."""
    fleet = play("recompute", 60.0)
    computed = sum(gauge(fleet, "decode", "prompt_tokens_by_source/local_compute"))

    assert computed > 0.5 * sum(gauge(fleet, "decode", "prompt_tokens"))
    assert 0 == sum(
        e.meters.histograms["nixl_xfer_time_seconds"].count for w in fleet.of_role("decode") for e in w.engines
    )
    assert 0 == sum(gauge(fleet, "decode", "nixl_num_failed_transfers"))
    assert len(served(fleet)) == len(fleet.finished)


def test_decode_dies_and_strands_kv_on_prefill(play):
    """Before, all is well; then a port closes, KV stays on prefill, and after the lease the expiry counter jumps."""
    before, soon, later = play("decode_dies", 59.0), play("decode_dies", 75.0), play("decode_dies", 100.0)

    assert before.workers["decode-1"].alive
    assert len(served(before)) == len(before.finished)
    assert not soon.workers["decode-1"].alive
    assert 0 == sum(gauge(soon, "prefill", "nixl_num_kv_expired_reqs"))
    assert max(gauge(soon, "prefill", "kv_cache_usage_perc")) > 0.05
    assert sum(gauge(later, "prefill", "nixl_num_kv_expired_reqs")) > 10
    assert max(gauge(later, "decode", "kv_cache_usage_perc")) > 0.9


def test_mix_flip_moves_the_bottleneck(play):
    """Until 300 s prefill is busy and decode idle; a minute and a half later decode is full."""
    fleet = play("mix_flip", 300.0)
    before = gauge(fleet, "decode", "kv_cache_usage_perc")
    assert max(before) < 0.3

    fleet.run_until(400.0)

    assert min(gauge(fleet, "decode", "kv_cache_usage_perc")) > 0.9
    assert max(gauge(fleet, "prefill", "num_requests_waiting")) < 3


def test_diurnal_swings(play):
    """The peak has more than twice the trough's arrivals, and the fleet bears it."""
    fleet = play("diurnal", 600.0)
    ends = [r.end for r in fleet.finished]
    trough = sum(1 for end in ends if end < 100.0)
    peak = sum(1 for end in ends if 250.0 < end < 350.0)

    assert peak > 2 * trough
    assert len(served(fleet)) == len(fleet.finished)


def test_idle_has_flat_counters(play, numbers):
    """After its little traffic only the process's own clock moves."""
    fleet = play("idle", 45.0)
    before = {name: numbers(fleet.page(name)) for name in fleet.workers}
    fleet.run_until(90.0)
    after = {name: numbers(fleet.page(name)) for name in fleet.workers}
    changed = {key[0] for name in before for key in before[name] if before[name][key] != after[name][key]}

    assert len(fleet.finished) > 10
    assert {"process_cpu_seconds_total"} == changed
