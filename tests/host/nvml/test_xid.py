"""XID errors: each is counted once, also across restarts of the child."""

from __future__ import annotations

from pdwatch.model.gpu import GpuState


def xids(gpu):
    return {xid.xid: xid.count for xid in gpu.xids}


def test_an_xid_is_counted_at_its_gpu(collector, state, collect_until):
    """The second of two GPUs has an XID 79, the first has none."""
    state.set("system", count="2")
    collector.collect()
    state.update("system", {"xid.1": "1 79"})

    reading = collect_until(collector, lambda reading: reading.gpus[1].xids)

    assert ({}, {79: 1}) == (xids(reading.gpus[0]), xids(reading.gpus[1]))
    assert reading.at - 60 < reading.gpus[1].xids[0].last_at <= reading.at + 60


def test_xids_are_counted_by_number(collector, state, collect_until):
    """Two XIDs 94 and one 63 are told apart, and no collection counts them again."""
    collector.collect()
    state.update("system", {"xid.1": "0 94", "xid.2": "0 63", "xid.3": "0 94"})
    collect_until(collector, lambda reading: sum(xids(reading.gpus[0]).values()) == 3)

    assert {63: 1, 94: 2} == xids(collector.collect().gpus[0])


def test_counts_outlive_the_child(collector, state, clock, collect_until):
    """A restart forgets nothing, and a new XID adds to the old count."""
    collector.collect()
    state.update("system", {"xid.1": "0 31"})
    collect_until(collector, lambda reading: reading.gpus[0].xids)
    collector.close()
    state.update("system", {"xid.1": "", "xid.2": "0 31"})

    reading = collect_until(collector, lambda reading: xids(reading.gpus[0]).get(31) == 2)

    assert {31: 2} == xids(reading.gpus[0])


def test_the_xid_of_a_gpu_that_is_lost_with_it_is_kept(collector, state, collect_until):
    """The GPU falls off the bus, and its last XID says why."""
    collector.collect()
    state.update("0", {"fail.*": "15"})
    state.update("system", {"xid.1": "0 79"})

    reading = collect_until(collector, lambda reading: reading.gpus[0].xids)

    assert (GpuState.LOST, {79: 1}) == (reading.gpus[0].state, xids(reading.gpus[0]))


def test_the_xid_of_an_unknown_gpu_is_not_thrown_away(collector, state, collect_until):
    """NVML names a device that is none of the listed: the XID belongs to the host."""
    collector.collect()
    state.update("system", {"xid.1": "-1 119"})

    reading = collect_until(collector, lambda reading: reading.unattributed_xids)

    assert [(119, 1)] == [(xid.xid, xid.count) for xid in reading.unattributed_xids]
    assert {} == xids(reading.gpus[0])


def test_a_driver_that_does_not_report_xids_has_none_rather_than_zero(collector, state):
    """Without events nobody knows whether there were any."""
    state.set("*", fail__nvmlDeviceRegisterEvents="3")

    assert None is collector.collect().gpus[0].xids


def test_no_event_set_means_no_xids(collector, state):
    """A container without access to the events goes without."""
    state.set("system", fail__nvmlEventSetCreate="999")

    gpu = collector.collect().gpus[0]

    assert (None, 612.5) == (gpu.xids, gpu.power_watts)
