"""Links of GPUs that carry less than they should: NVLink and PCIe."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.symptoms import SLOW_KV
from pdwatch.judge.homes import OwnGpu, gpus
from pdwatch.judge.words import percent, rate, seconds
from pdwatch.model.gpu import FabricHealth, GpuState
from pdwatch.model.judgement import Evidence, Severity

NVLINK_XIDS = frozenset({74, *range(144, 151)})
"""XIDs about NVLink. Source: NVIDIA, XID errors."""
_CORRECTED = frozenset({"crc", "replay", "recovery", "recovery_succeeded"})
"""Kinds of errors of which a few are normal; any of the others matters."""

_UNWELL = frozenset({FabricHealth.UNHEALTHY, FabricHealth.LIMITED_CAPACITY})

_Complaint = tuple[Severity, str, Evidence]


def _nvlink(view: View) -> Iterator[Hit]:
    for own in gpus(view):
        complaints = [
            *_links_down(own),
            *_domain(own),
            *_link_errors(view.thresholds, own),
            *_link_xids(own),
        ]
        if complaints:
            scope = own.scope
            worst = max(severity for severity, _, _ in complaints)
            told = ", ".join(words for _, words, _ in complaints)
            evidence = tuple(evidence for *_, evidence in complaints)
            yield Hit(scope, f"NVLink of {own.name}: {told}.", evidence, worst)


def _links_down(own: OwnGpu) -> Iterator[_Complaint]:
    """Compare with GPUs of the same name and with its own past: boards leave links unused on purpose."""
    gpu, reading = own.gpu, own.home.reading.gpus
    if gpu.nvlinks_active is None or gpu.state is not GpuState.OK or reading is None:
        return
    most = own.seen.nvlinks_most or 0
    for each in reading.gpus:
        if (each.nvlinks_active or 0) > most and each.name == gpu.name:
            most = each.nvlinks_active or 0
    if gpu.nvlinks_active < most:
        severity = Severity.CRITICAL if gpu.nvlinks_active == 0 else Severity.WARNING
        words = f"{gpu.nvlinks_active} links up of {most}"
        yield severity, words, Evidence("gpu_nvlinks_active", gpu.nvlinks_active, "links", most, own.scope)


def _domain(own: OwnGpu) -> Iterator[_Complaint]:
    fabric = own.gpu.fabric
    if fabric is None or not (fabric.health in _UNWELL or fabric.faults or fabric.error):
        return
    faults = ", ".join(fault.replace("_", " ") for fault in fabric.faults or ())
    evidence = Evidence("gpu_fabric_healthy", 0.0, "ratio", 1.0, own.scope)
    if fabric.health is FabricHealth.UNHEALTHY:
        yield Severity.CRITICAL, f"the fabric is unhealthy ({faults or 'no reason given'})", evidence
    elif fabric.health is FabricHealth.LIMITED_CAPACITY or faults:
        yield Severity.WARNING, f"the fabric has limited capacity ({faults or 'no reason given'})", evidence
    if fabric.error:
        yield Severity.CRITICAL, f"not registered with the fabric manager: {fabric.error}", evidence


def _link_errors(thresholds: Thresholds, own: OwnGpu) -> Iterator[_Complaint]:
    for kind, grown in sorted(own.seen.nvlink_errors.items()):
        limit = thresholds.nvlink_errors_per_second if kind in _CORRECTED else 0.0
        if grown > limit:
            words = f"{kind.replace('_', ' ')} errors {rate(grown)}"
            yield Severity.WARNING, words, Evidence(f"gpu_nvlink_errors_{kind}", grown, "per second", limit, own.scope)


def _link_xids(own: OwnGpu) -> Iterator[_Complaint]:
    for xid, age in sorted(own.seen.xids.items()):
        if xid in NVLINK_XIDS:
            words = f"XID {xid} {seconds(age)} ago"
            yield Severity.CRITICAL, words, Evidence("gpu_xid", float(xid), "XID", None, own.scope)


def _pcie(view: View) -> Iterator[Hit]:
    for own in gpus(view):
        gpu, seen = own.gpu, own.seen
        if not seen.pcie_below:
            continue
        scope = own.scope
        evidence = (
            Evidence("gpu_pcie_generation", gpu.pcie_generation, "generation", gpu.pcie_generation_max, scope),
            Evidence("gpu_pcie_width", gpu.pcie_width, "lanes", gpu.pcie_width_max, scope),
            Evidence("gpu_utilization_ratio", seen.busy_ratio, "ratio", view.thresholds.gpu_busy_ratio, scope),
        )
        text = (
            f"{own.subject} works ({percent(seen.busy_ratio or 0.0)}) over PCIe {_link(gpu.pcie_generation, gpu.pcie_width)} "
            f"where {_link(gpu.pcie_generation_max, gpu.pcie_width_max)} is possible."
        )
        yield Hit(scope, text, evidence)


def _link(generation: int | None, width: int | None) -> str:
    parts = (
        f"generation {generation}" if generation is not None else "",
        f"x{width}" if width is not None else "",
    )
    return " ".join(part for part in parts if part)


FINDINGS = (
    FindingDef(
        id="nvlink_degraded",
        severity=Severity.WARNING,
        title="NVLink degraded",
        meaning="A GPU has fewer NVLinks up than others of its kind on the host or than it had before, its links count errors, or "
        "the driver calls the NVLink fabric unhealthy. Tensor and expert parallelism inside the group slow down, and KV "
        "between GPUs of one NVLink domain falls back to a slower path.",
        confirm="`nvidia-smi nvlink -s -i N` and `nvidia-smi nvlink -e -i N`; for the fabric, `nvidia-smi -q | grep -A8 Fabric` and "
        "the log of nvidia-fabricmanager.",
        fix="Take the worker out of the router and restart it on other GPUs. Reset the GPU; restart the fabric manager where it "
        "is named. If links stay down after a reboot, have the baseboard, the switch tray or its cables looked at.",
        confused_with="Cards with bridges, where not every link is wired: only differences are told.",
        detect=_nvlink,
        onset_seconds=4.0,
        not_capacity=True,
        explains=("worker_slow", "queue_imbalanced", *SLOW_KV),
    ),
    FindingDef(
        id="pcie_degraded",
        severity=Severity.WARNING,
        title="PCIe link below its maximum",
        meaning="A GPU that works runs its PCIe link at a lower generation or with fewer lanes than both ends can. Staging of KV "
        "and traffic to the network card are slower by that factor. An idle GPU lowers the link to save power, which is "
        "not told.",
        confirm="`nvidia-smi -q -i N | grep -A12 'GPU Link Info'` under load; `lspci -vv` shows LnkSta with 'downgraded'.",
        fix="Reseat the board or its riser with the host drained, then look at BIOS settings for link speed. Replace the "
        "board or the slot if it stays.",
        confused_with="Virtual machines that show a generation which is not the physical one.",
        detect=_pcie,
        onset_seconds=10.0,
        not_capacity=True,
        explains=("worker_slow", *SLOW_KV),
    ),
)
