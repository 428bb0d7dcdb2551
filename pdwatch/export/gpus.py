"""Metrics of GPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter

from pdwatch.catalog import gpu as metrics
from pdwatch.export.view import Sample, Table, each_gpu, each_reading, of_gpus, of_readings, text
from pdwatch.model.gpu import GpuReading, GpuState, GpuXid, MigInstance, NvmlReading
from pdwatch.model.host import HostReading


def _state(gpu: GpuReading) -> Iterable[Sample]:
    yield (gpu.state.value, gpu.state_reason), 1


def _info(gpu: GpuReading) -> Iterable[Sample]:
    facts = (gpu.uuid, gpu.name, gpu.serial, gpu.pci_bus_id, gpu.minor, gpu.numa_node)
    yield tuple(map(text, facts)), 1


def _known(values: Iterable[object] | None) -> float | None:
    return None if values is None else len(tuple(values))


def _words(pick: Callable[[GpuReading], Iterable[str] | None]) -> Callable[[GpuReading], Iterable[Sample]]:
    return lambda gpu: (((word,), 1) for word in pick(gpu) or ())


def _sums(pick: Callable[[GpuReading], Mapping[str, float] | None]) -> Callable[[GpuReading], Iterable[Sample]]:
    return lambda gpu: (((kind,), value) for kind, value in (pick(gpu) or {}).items())


def _xids(xids: Iterable[GpuXid] | None, pick: Callable[[GpuXid], float]) -> Iterable[Sample]:
    return (((str(xid.xid),), pick(xid)) for xid in xids or ())


def _recovery(gpu: GpuReading) -> Iterable[Sample]:
    if gpu.recovery_action is not None:
        yield (gpu.recovery_action,), 1


def _processes(value: Callable[[int | None], float | None]) -> Callable[[GpuReading], Iterable[Sample]]:
    return lambda gpu: (
        ((str(p.pid), text(p.gpu_instance), text(p.compute_instance)), value(p.used_bytes)) for p in gpu.processes or ()
    )


def _fabric(gpu: GpuReading) -> Iterable[Sample]:
    fabric = gpu.fabric
    if fabric is not None:
        health = fabric.health and fabric.health.value
        yield tuple(map(text, (fabric.state.value, fabric.cluster_uuid, fabric.clique_id, health, fabric.error))), 1


def _mig(gpu: GpuReading) -> Iterable[Sample]:
    for mig in gpu.mig_instances:
        facts = (mig.uuid, mig.name, mig.gpu_instance, mig.compute_instance, mig.multiprocessors)
        yield tuple(map(text, facts)), 1


def _mig_bytes(pick: Callable[[MigInstance], float | None]) -> Callable[[GpuReading], Iterable[Sample]]:
    return lambda gpu: (((mig.uuid,), pick(mig)) for mig in gpu.mig_instances)


def _of_nvml(rows: Callable[[NvmlReading], Iterable[Sample]]) -> Callable[[HostReading], Iterable[Sample]]:
    return lambda reading: () if reading.gpus is None else rows(reading.gpus)


def _driver(gpus: NvmlReading) -> Iterable[Sample]:
    versions = (gpus.driver_version, gpus.nvml_version, gpus.cuda_version)
    if any(versions):
        yield tuple(map(text, versions)), 1


def _stale(gpus: NvmlReading) -> Iterable[Sample]:
    if gpus.stale_reason:
        yield (gpus.stale_reason,), 1


def _nearest(reading: HostReading) -> Iterable[Sample]:
    return (((str(gpu), device), 1) for gpu, devices in reading.nearest.items() for device in devices)


TABLE: Table = {
    **{definition: of_gpus(attrgetter(field)) for field, definition in metrics.VALUES.items()},
    metrics.UP: of_gpus(lambda gpu: gpu.state is GpuState.OK),
    metrics.STATE: each_gpu(_state),
    metrics.INFO: each_gpu(_info),
    metrics.CLOCK_REASONS: of_gpus(lambda gpu: _known(gpu.clocks_event_reasons)),
    metrics.CLOCK_REASON: each_gpu(_words(lambda gpu: gpu.clocks_event_reasons)),
    metrics.THROTTLED: each_gpu(_sums(lambda gpu: gpu.throttled_seconds)),
    metrics.RECOVERY: each_gpu(_recovery),
    metrics.XIDS_TOLD: of_gpus(lambda gpu: None if gpu.xids is None else 1),
    metrics.XIDS: each_gpu(lambda gpu: _xids(gpu.xids, lambda xid: xid.count)),
    metrics.XID_LAST: each_gpu(lambda gpu: _xids(gpu.xids, lambda xid: xid.last_at)),
    metrics.HOST_XIDS: each_reading(_of_nvml(lambda gpus: _xids(gpus.unattributed_xids, lambda xid: xid.count))),
    metrics.HOST_XID_LAST: each_reading(_of_nvml(lambda gpus: _xids(gpus.unattributed_xids, lambda xid: xid.last_at))),
    metrics.NVLINK_ERRORS: each_gpu(_sums(lambda gpu: gpu.nvlink_errors)),
    metrics.C2C_ERRORS: each_gpu(_sums(lambda gpu: gpu.c2c_errors)),
    metrics.PROCESSES: of_gpus(lambda gpu: _known(gpu.processes)),
    metrics.PROCESS: each_gpu(_processes(lambda _: 1)),
    metrics.PROCESS_USED: each_gpu(_processes(lambda used: used)),
    metrics.FABRIC: each_gpu(_fabric),
    metrics.FABRIC_FAULTS: of_gpus(lambda gpu: None if gpu.fabric is None else _known(gpu.fabric.faults)),
    metrics.FABRIC_FAULT: each_gpu(_words(lambda gpu: None if gpu.fabric is None else gpu.fabric.faults)),
    metrics.MIG: each_gpu(_mig),
    metrics.MIG_TOTAL: each_gpu(_mig_bytes(lambda mig: mig.memory_total_bytes)),
    metrics.MIG_USED: each_gpu(_mig_bytes(lambda mig: mig.memory_used_bytes)),
    metrics.MIG_FREE: each_gpu(_mig_bytes(lambda mig: mig.memory_free_bytes)),
    metrics.NEAREST: each_reading(_nearest),
    metrics.DRIVER: each_reading(_of_nvml(_driver)),
    metrics.READ_AT: of_readings(lambda reading: None if reading.gpus is None else reading.gpus.at),
    metrics.READ_AGE: of_readings(lambda reading: None if reading.gpus is None else reading.gpus.age_seconds),
    metrics.STALE: each_reading(_of_nvml(_stale)),
}
