"""GPUs that are lost, broken, held back or out of memory."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.gpu_links import NVLINK_XIDS
from pdwatch.judge.homes import OwnGpu, gpus, log_faults
from pdwatch.judge.words import percent, seconds, size
from pdwatch.model.gpu import GpuReading, GpuState
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.logline import FaultKind
from pdwatch.model.process import KvTransfer

_BY_PROGRAMS = frozenset({13, 31, 43, 45, 68, 137})
"""XIDs that a faulty program causes on a healthy GPU."""
_CONTAINED = frozenset({63, 92, 94, 121, 154, 156})
"""XIDs after which the GPU works on; a reset is due when convenient. Source: NVIDIA, XID errors."""
_FATAL = frozenset({46, 48, 62, 64, 79, 95, 109, 110, 119, 120, 140, 143, 157, 158})
"""XIDs after which work on the GPU is lost and a reset or a repair is due. The rest is told as information."""

_SLOWED = {
    "hw_thermal_slowdown": "heat (hardware slowdown)",
    "sw_thermal_slowdown": "heat",
    "thermal": "heat",
    "hw_power_brake_slowdown": "the power supply's brake",
    "hw_slowdown": "a hardware slowdown",
    "board_limit": "the board's electrical limit",
    "reliability": "its voltage limit",
}
"""Reasons for a lower clock that are faults, most telling first."""

_Complaint = tuple[Severity, str, Evidence]


def _unhealthy(view: View) -> Iterator[Hit]:
    for own in gpus(view, spare=True):
        complaints = [*_state(own), *_memory_errors(own), *_xids(own)]
        if complaints:
            scope = own.scope
            worst = max(severity for severity, _, _ in complaints)
            text = f"{own.name}: {', '.join(words for _, words, _ in complaints)}."
            yield Hit(scope, text, tuple(evidence for *_, evidence in complaints), worst)


def _state(own: OwnGpu) -> Iterator[_Complaint]:
    gpu = own.gpu
    if gpu.state is not GpuState.OK:
        words = "lost, the driver cannot reach it" if gpu.state is GpuState.LOST else "needs a reset"
        yield Severity.CRITICAL, words, Evidence("gpu_up", 0.0, "ratio", 1.0, own.scope)
    if gpu.recovery_action not in (None, "none"):
        severity = Severity.WARNING if gpu.recovery_action == "drain_p2p" else Severity.CRITICAL
        action = str(gpu.recovery_action).replace("_", " ")
        yield severity, f"the driver asks for: {action}", Evidence("gpu_recovery_action", 1.0, "ratio", 0.0, own.scope)


def _memory_errors(own: OwnGpu) -> Iterator[_Complaint]:
    gpu, seen = own.gpu, own.seen
    if gpu.ecc_uncorrected_volatile_total or seen.uncorrected_seconds_ago is not None:
        yield _uncorrected(own)
    if gpu.remapped_rows_failed:
        flag = Evidence("gpu_remapped_rows_failed", 1.0, "ratio", 0.0, own.scope)
        yield Severity.CRITICAL, "a bad memory row could not be remapped", flag
    elif gpu.remapped_rows_pending:
        flag = Evidence("gpu_remapped_rows_pending", 1.0, "ratio", 0.0, own.scope)
        yield Severity.WARNING, "a bad memory row waits for a reset to be remapped", flag


def _uncorrected(own: OwnGpu) -> _Complaint:
    total, age = own.gpu.ecc_uncorrected_volatile_total, own.seen.uncorrected_seconds_ago
    evidence = Evidence("gpu_ecc_uncorrected_volatile_total", total, "errors", 0.0, own.scope)
    if age is not None:
        return Severity.CRITICAL, f"uncorrected memory errors, last {seconds(age)} ago", evidence
    return Severity.INFO, f"{total} uncorrected memory errors since its driver was loaded", evidence


def _xids(own: OwnGpu) -> Iterator[_Complaint]:
    for xid, age in sorted(own.seen.xids.items()):
        if xid in _BY_PROGRAMS or xid in NVLINK_XIDS:
            continue
        severity = Severity.CRITICAL if xid in _FATAL else Severity.WARNING if xid in _CONTAINED else Severity.INFO
        yield severity, f"XID {xid} {seconds(age)} ago", Evidence("gpu_xid", float(xid), "XID", None, own.scope)


def _throttled(view: View) -> Iterator[Hit]:
    limit, power_limit = view.thresholds.gpu_throttled_share, view.thresholds.gpu_power_capped_share
    for own in gpus(view):
        gpu, throttled = own.gpu, own.seen.throttled
        if not any(throttled.values()):
            continue
        scope, capped = own.scope, throttled.get("sw_power_cap", 0.0)
        reason = max(_SLOWED, key=lambda reason: throttled.get(reason, 0.0))
        share = throttled.get(reason, 0.0)
        if share > limit:
            text = f"{own.subject} is slowed by {_SLOWED[reason]} {percent(share)} of the time{_degrees(gpu)}."
            yield Hit(scope, text, _slow_evidence(gpu, reason, share, limit, scope))
        elif capped > power_limit:
            text = f"{own.subject} runs at its power limit {percent(capped)} of the time."
            yield Hit(scope, text, _slow_evidence(gpu, "sw_power_cap", capped, power_limit, scope), Severity.INFO)


def _degrees(gpu: GpuReading) -> str:
    return f" at {gpu.temperature_celsius:.0f} °C" if gpu.temperature_celsius is not None else ""


def _slow_evidence(
    gpu: GpuReading, reason: str, share: float, limit: float, scope: dict[str, str]
) -> tuple[Evidence, ...]:
    return (
        Evidence(f"gpu_throttled_{reason}", share, "ratio", limit, scope),
        Evidence("gpu_temperature_celsius", gpu.temperature_celsius, "celsius", None, scope),
        Evidence("gpu_clock_sm_hertz", gpu.clock_sm_hertz, "hertz", gpu.clock_sm_max_hertz, scope),
    )


def _memory_tight(view: View) -> Iterator[Hit]:
    largest = view.thresholds.kv_buffer_bytes_max
    for own in gpus(view):
        config, free = own.home.config, own.gpu.memory_free_bytes
        buffer = _gpu_buffer(config.kv) if config is not None and own.worker is not None else None
        if buffer is None or free is None or (free >= buffer and buffer <= largest):
            continue
        scope = own.scope
        evidence = (
            Evidence("gpu_memory_free_bytes", free, "bytes", buffer, scope),
            Evidence("kv_buffer_bytes", buffer, "bytes", largest, scope),
        )
        text = f"{own.subject} has {size(free)} free beside the {size(buffer)} that the KV buffer may take."
        yield Hit(scope, text, evidence, None if free < buffer else Severity.INFO)
    for fault in log_faults(view, FaultKind.OUT_OF_MEMORY):
        age = fault.seconds_ago
        told = (Evidence("log_out_of_memory_seconds_ago", age, "seconds", None, fault.scope),)
        text = f"{fault.who} ran out of GPU memory {seconds(age)} ago, says its log."
        yield Hit(fault.scope, text, told, Severity.CRITICAL)


def _gpu_buffer(kv: KvTransfer | None) -> float | None:
    """Return the largest KV buffer that the arguments ask for on a GPU; `None` where they name none."""
    if kv is None:
        return None
    sizes = [part.buffer_bytes for part in (kv, *kv.children) if part.buffer_bytes and part.buffer_device != "cpu"]
    return max(sizes, default=None)


FINDINGS = (
    FindingDef(
        id="gpu_unhealthy",
        severity=Severity.CRITICAL,
        title="GPU lost or damaged",
        meaning="The driver cannot reach a GPU, asks for its reset, counts uncorrected memory errors, waits for or failed at "
        "remapping a bad row, or gave an XID error that programs do not cause. One sick GPU stops or slows its whole "
        "tensor- or expert-parallel group. XIDs and memory errors stay named for ten minutes.",
        confirm="`nvidia-smi -q -i N` (ECC, remapped rows, recovery action) and `dmesg | grep -i xid` on the host.",
        fix="Take the worker out of the router and restart it on healthy GPUs. Then do what the driver asks: reset the GPU, "
        "reboot the host, or replace the board where a row could not be remapped or the GPU is lost again after a reboot.",
        confused_with="XIDs 13, 31, 43 and 45, which faulty programs cause and which are not told here.",
        detect=_unhealthy,
        not_capacity=True,
        explains=(
            "worker_down",
            "worker_unresponsive",
            "worker_stale",
            "worker_restarted",
            "worker_not_ready",
            "engine_stuck",
            "nvlink_degraded",
            "pcie_degraded",
            "worker_slow",
            "requests_failing",
        ),
    ),
    FindingDef(
        id="gpu_throttled",
        severity=Severity.WARNING,
        title="GPU slowed down",
        meaning="Heat, the power supply or the board's limits lower the clocks of a GPU for a noticeable share of the window. Its "
        "whole group waits for it. Running at the power limit is normal under load and told as information only; "
        "an idle GPU and clocks set by an administrator are not told.",
        confirm="`nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER -i N`: clocks event reasons and their counters.",
        fix="For heat, look at fans, inlet temperature, coolant and dust, and at the neighbours in the rack. For a power brake, "
        "look at the power supplies and the rack's power cap. Move load away from the worker until it is cool.",
        confused_with="A power limit that was lowered on purpose.",
        detect=_throttled,
        onset_seconds=8.0,
        not_capacity=True,
        explains=("worker_slow", "queue_imbalanced"),
    ),
    FindingDef(
        id="gpu_memory_tight",
        severity=Severity.WARNING,
        title="Little GPU memory for KV transfer",
        meaning="A GPU has less memory free than the KV buffer of its worker may take, or the buffer is larger than is wise "
        "beside weights and cache: a burst of transfers ends in out of memory. Critical where the log says that it did.",
        confirm="Compare free memory in `nvidia-smi` with kv_buffer_size in the worker's --kv-transfer-config.",
        fix="Lower kv_buffer_size (stay under 10 GB) or --gpu-memory-utilization, and restart the worker.",
        confused_with="A buffer that is already allocated: then it is part of the used memory, and free memory may be small. NIXL does "
        "not use kv_buffer_size on GPUs.",
        detect=_memory_tight,
        onset_seconds=8.0,
        not_capacity=True,
        explains=("worker_down", "worker_restarted", "worker_not_ready", "kv_transfer_failing", "requests_failing"),
    ),
)
