"""NVLink, the domain it spans, and chip-to-chip links."""

from __future__ import annotations

from pdwatch.model.gpu import (
    FabricHealth,
    FabricState,
    GpuFabric,
)


def test_nvlinks_are_counted_and_their_errors_summed(collector, state):
    """One link of eighteen is down, one asleep; three CRC errors on each of eighteen links are 54."""
    state.set("0", field__165__4="u 0", field__165__5="u 2")

    gpu = collector.collect().gpus[0]

    assert (18, 17) == (gpu.nvlinks, gpu.nvlinks_active)
    assert {"replay": 0, "recovery": 0, "crc": 54} == gpu.nvlink_errors


def test_links_are_counted_one_by_one_for_a_driver_without_the_field(collector, state):
    """Without field 165 the state of each link is asked for."""
    state.set("*", field__165="", nvlink_state="1", nvlink_state__2="0")

    assert 17 == collector.collect().gpus[0].nvlinks_active


def test_a_link_that_does_not_answer_leaves_the_sum_unknown(collector, state):
    """A sum without one of its links would look like a counter that fell."""
    state.set("0", field__163__3="error 999")

    assert {"replay": 0, "recovery": 0} == collector.collect().gpus[0].nvlink_errors


def test_a_link_that_the_driver_does_not_know_is_left_out_of_the_sum(collector, state):
    """An invalid link stays invalid: the other seventeen are the sum, this time and the next."""
    state.set("0", field__163__3="error 2")

    sums = [collector.collect().gpus[0].nvlink_errors["crc"] for _ in range(2)]

    assert [51, 51] == sums


def test_a_gb200_tells_its_nvlink_domain_and_c2c_links(collector, gb200):
    """The driver adds up NVLink counters itself there, in bytes; a C2C link without a speed adds none."""
    gpu = collector.collect().gpus[0]

    assert (5000000, 7000000) == (gpu.nvlink_sent_bytes_total, gpu.nvlink_received_bytes_total)
    assert {"receive": 4, "recovery_failed": 0} == gpu.nvlink_errors
    assert (10, 9) == (gpu.c2c_links, gpu.c2c_links_active)
    assert 9 * 45e9 == gpu.c2c_bandwidth_bytes_per_second
    assert {"replay": 10} == gpu.c2c_errors
    expected = GpuFabric(
        state=FabricState.COMPLETED,
        cluster_uuid="0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
        clique_id=7,
        health=FabricHealth.UNHEALTHY,
        faults=("misconfigured_insufficient_nvlinks",),
    )
    assert expected == gpu.fabric


def test_a_domain_that_is_not_joined_has_no_clique(collector, gb200):
    """While registration runs, cluster and clique are not known; afterwards a failure has a reason."""
    gb200.set("system", count="2")
    gb200.set("0", fabric="2 0 7 0 0 0a1b2c3d4e5f60718293a4b5c6d7e8f9")
    gb200.set("1", fabric="3 999 7 0 0 0a1b2c3d4e5f60718293a4b5c6d7e8f9")

    joining, failed = (gpu.fabric for gpu in collector.collect().gpus)

    assert GpuFabric(state=FabricState.IN_PROGRESS) == joining
    assert "Unknown Error (999)" == failed.error


def test_an_older_fabric_struct_is_asked_for_when_the_newest_is_refused(collector, gb200):
    """A driver that knows version 2 only gives no health summary, and the faults all the same."""
    gb200.set("*", fabric_version="2", fabric="3 0 7 0x51a9 0 0a1b2c3d4e5f60718293a4b5c6d7e8f9")

    fabric = collector.collect().gpus[0].fabric

    assert None is fabric.health
    assert ("degraded_bandwidth",) == fabric.faults


def test_a_gpu_outside_any_domain_has_no_fabric(collector, state):
    """State "not supported" is no fabric."""
    state.set("*", fabric="0 0 0 0 0 00000000000000000000000000000000")

    assert None is collector.collect().gpus[0].fabric
