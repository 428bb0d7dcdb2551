"""GPUs on a page of `pdwatch agent`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields
from typing import Any

from pdwatch.host.adapters.samples import Facts, Samples, told
from pdwatch.model.gpu import GpuReading, NvmlReading
from pdwatch.model.records import read_record

_GPU = "pdwatch_gpu_"
_FIELDS = {f"{_GPU}{entry.name}": entry.name for entry in fields(GpuReading)}
_SUMS = {
    "throttled_seconds": ("throttled_seconds_total", "reason"),
    "nvlink_errors": ("nvlink_errors_total", "kind"),
    "c2c_errors": ("c2c_errors_total", "kind"),
}


def gpu_readings(samples: Samples) -> NvmlReading | None:
    """Return all GPUs of the page; `None` where it tells of none. Raises `ValueError`."""
    at = samples.value(f"{_GPU}reading_timestamp_seconds")
    if at is None:
        return None
    facts: defaultdict[str, Facts] = defaultdict(dict)
    for part in (_identities, _values, _sums, _reasons, _recovery, _xids, _processes, _fabric, _mig):
        part(samples, facts)
    gpus = [read_record(GpuReading, {"index": index} | known) for index, known in facts.items()]
    versions = ("driver_version", "nvml_version", "cuda_version")
    driver = next((labels for labels, _ in samples.of(f"{_GPU}driver_info")), {})
    return NvmlReading(
        at=at,
        gpus=tuple(gpus),
        unattributed_xids=_host_xids(samples),
        age_seconds=samples.value(f"{_GPU}reading_age_seconds") or 0.0,
        stale_reason=next((labels["reason"] for labels, _ in samples.of(f"{_GPU}reading_stale_info")), ""),
        **told(driver, *versions),
    )


def nearest(samples: Samples) -> dict[int, tuple[str, ...]]:
    """Return the RDMA devices nearest to each GPU."""
    found: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    for labels, _ in samples.of(f"{_GPU}nearest_device_info"):
        found[int(labels["gpu"])] += (labels["device"],)
    return dict(found)


def _identities(samples: Samples, facts: defaultdict[str, Facts]) -> None:
    names = ("uuid", "name", "serial", "pci_bus_id", "minor", "numa_node")
    for labels, _ in samples.of(f"{_GPU}info"):
        facts[labels["gpu"]] |= told(labels, *names)
    for labels, _ in samples.of(f"{_GPU}state_info"):
        facts[labels["gpu"]] |= told(labels, state="state", state_reason="reason")


def _values(samples: Samples, facts: defaultdict[str, Facts]) -> None:
    for name, field in _FIELDS.items():
        for labels, value in samples.of(name):
            if field != "processes":
                facts[labels["gpu"]][field] = value


def _sums(samples: Samples, facts: defaultdict[str, Facts]) -> None:
    for field, (name, label) in _SUMS.items():
        for labels, value in samples.of(_GPU + name):
            facts[labels["gpu"]].setdefault(field, {})[labels[label]] = value


def _reasons(samples: Samples, facts: defaultdict[str, Facts]) -> None:
    for labels, _ in samples.of(f"{_GPU}clocks_event_reasons"):
        facts[labels["gpu"]]["clocks_event_reasons"] = []
    for labels, _ in samples.of(f"{_GPU}clocks_event_reason_info"):
        facts[labels["gpu"]]["clocks_event_reasons"].append(labels["reason"])


def _recovery(samples: Samples, facts: defaultdict[str, Facts]) -> None:
    for labels, _ in samples.of(f"{_GPU}recovery_action_info"):
        facts[labels["gpu"]]["recovery_action"] = labels["action"]


def _xids(samples: Samples, facts: defaultdict[str, Facts]) -> None:
    for labels, _ in samples.of(f"{_GPU}xids_watched"):
        facts[labels["gpu"]]["xids"] = []
    last = {(labels["gpu"], labels["xid"]): value for labels, value in samples.of(f"{_GPU}xid_last_timestamp_seconds")}
    for labels, count in samples.of(f"{_GPU}xid_errors_total"):
        gpu, xid = labels["gpu"], labels["xid"]
        facts[gpu]["xids"].append({"xid": xid, "count": count, "last_at": last[gpu, xid]})


def _host_xids(samples: Samples) -> Any:
    last = {labels["xid"]: value for labels, value in samples.of(f"{_GPU}unattributed_xid_last_timestamp_seconds")}
    found = [
        {"xid": labels["xid"], "count": count, "last_at": last[labels["xid"]]}
        for labels, count in samples.of(f"{_GPU}unattributed_xid_errors_total")
    ]
    return read_record(NvmlReading, {"at": 0.0, "unattributed_xids": found}).unattributed_xids


def _processes(samples: Samples, facts: defaultdict[str, Facts]) -> None:
    for labels, _ in samples.of(f"{_GPU}processes"):
        facts[labels["gpu"]]["processes"] = []
    used = {_process(labels): value for labels, value in samples.of(f"{_GPU}process_used_bytes")}
    for labels, _ in samples.of(f"{_GPU}process_info"):
        names = ("pid", "gpu_instance", "compute_instance")
        process = told(labels, *names) | {"used_bytes": used.get(_process(labels))}
        facts[labels["gpu"]]["processes"].append(process)


def _process(labels: Any) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in ("gpu", "pid", "gpu_instance", "compute_instance"))


def _fabric(samples: Samples, facts: defaultdict[str, Facts]) -> None:
    names = ("state", "cluster_uuid", "clique_id", "health", "error")
    for labels, _ in samples.of(f"{_GPU}fabric_info"):
        facts[labels["gpu"]]["fabric"] = told(labels, *names)
    for labels, _ in samples.of(f"{_GPU}fabric_faults"):
        facts[labels["gpu"]]["fabric"]["faults"] = []
    for labels, _ in samples.of(f"{_GPU}fabric_fault_info"):
        facts[labels["gpu"]]["fabric"]["faults"].append(labels["fault"])


def _mig(samples: Samples, facts: defaultdict[str, Facts]) -> None:
    names = ("uuid", "name", "gpu_instance", "compute_instance", "multiprocessors")
    by_uuid: dict[tuple[str, str], Facts] = {}
    for labels, _ in samples.of(f"{_GPU}mig_instance_info"):
        mig = by_uuid[labels["gpu"], labels["uuid"]] = told(labels, *names)
        facts[labels["gpu"]].setdefault("mig_instances", []).append(mig)
    for field in ("memory_total_bytes", "memory_used_bytes", "memory_free_bytes"):
        for labels, value in samples.of(f"{_GPU}mig_{field}"):
            by_uuid[labels["gpu"], labels["uuid"]][field] = value
