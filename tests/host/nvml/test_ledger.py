"""What survives a child process, and the form in which readings travel between the two."""

from __future__ import annotations

import json

import pytest

from pdwatch.host.nvml.codec import decode, encode
from pdwatch.host.nvml.ledger import Ledger
from pdwatch.model.gpu import (
    FabricHealth,
    FabricState,
    GpuFabric,
    GpuProcess,
    GpuReading,
    GpuState,
    GpuXid,
    MigInstance,
    NvmlReading,
)


def reading(*gpus):
    return NvmlReading(at=1000.0, gpus=gpus)


def test_a_lost_gpu_without_uuid_is_recognised_by_its_index():
    """A new child cannot ask a lost GPU for its UUID; an earlier one did."""
    ledger = Ledger()
    ledger.complete(reading(GpuReading(index=3, uuid="GPU-3", name="NVIDIA H200", power_watts=600.0)), [])

    (gpu,) = ledger.complete(reading(GpuReading(index=3, state=GpuState.LOST, state_reason="gone")), []).gpus

    assert GpuReading(index=3, uuid="GPU-3", name="NVIDIA H200", state=GpuState.LOST, state_reason="gone") == gpu


def test_gpus_that_were_all_there_are_not_doubled():
    """Nothing is added to a complete reading."""
    ledger = Ledger()
    whole = reading(GpuReading(index=0, uuid="GPU-0"), GpuReading(index=1, uuid="GPU-1"))

    assert whole == ledger.complete(ledger.complete(whole, []), [])


def test_xids_follow_the_uuid():
    """Two messages make a count of two, with the time of the later."""
    ledger = Ledger()
    for at in (5.0, 9.0):
        ledger.note_xid({"xid": 48, "index": 0, "uuid": "GPU-0", "at": at})

    (gpu,) = ledger.complete(reading(GpuReading(index=0, uuid="GPU-0")), [0]).gpus

    assert (GpuXid(xid=48, count=2, last_at=9.0),) == gpu.xids


def test_a_whole_reading_survives_json():
    """Every nested type comes back as itself."""
    gpu = GpuReading(
        index=0,
        uuid="GPU-0",
        clocks_event_reasons=("gpu_idle",),
        throttled_seconds={"sw_power_cap": 1.5},
        xids=(GpuXid(79, 1, 5.0),),
        mig_instances=(MigInstance(uuid="MIG-0", gpu_instance=1),),
        processes=(GpuProcess(1, None, 2, 0),),
        fabric=GpuFabric(FabricState.COMPLETED, "c", 1, None, FabricHealth.HEALTHY, ()),
    )

    assert reading(gpu) == decode(json.loads(json.dumps(encode(reading(gpu)))))


def test_an_unknown_key_of_a_newer_version_is_ignored():
    """A child of the next release may know more."""
    assert reading(GpuReading(index=0)) == decode({"at": 1000.0, "gpus": [{"index": 0, "sparkle": 1}], "new": {}})


def test_what_is_no_reading_is_refused():
    """A missing time is an error, not a reading at no time."""
    with pytest.raises(TypeError):
        decode({"gpus": []})
