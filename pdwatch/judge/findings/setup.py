"""How processes were set up for RDMA: limits, initialisation, interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.experts import spans_hosts
from pdwatch.judge.findings.symptoms import SLOW_KV
from pdwatch.judge.homes import Home, homes, log_faults
from pdwatch.judge.words import seconds, size
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.logline import FaultKind
from pdwatch.model.port import LinkLayer


def _memlock(view: View) -> Iterator[Hit]:
    floor = view.thresholds.memlock_bytes
    told = set()
    for fault in log_faults(view, FaultKind.LOCKED_MEMORY):
        limit = _limit(fault.home) if fault.home is not None else None
        told.add(fault.scope.get("worker"))
        known = f"; its locked-memory limit is {size(limit)}" if limit is not None and isfinite(limit) else ""
        evidence = Evidence("locked_memory_limit_bytes", limit, "bytes", floor, fault.scope)
        text = f"{fault.who} could not register memory for RDMA {seconds(fault.seconds_ago)} ago, says its log{known}."
        yield Hit(fault.scope, text, (evidence,), Severity.CRITICAL)
    for home in homes(view):
        limit = _limit(home)
        if home.worker.worker not in told and limit is not None and limit < floor and _uses_rdma(home):
            evidence = Evidence("locked_memory_limit_bytes", limit, "bytes", floor, home.scope())
            text = f"{home.worker.worker} on {home.host} may lock {size(limit)} of memory, too little to register KV for RDMA."
            yield Hit(home.scope(), text, (evidence,))


def _limit(home: Home) -> float | None:
    return home.group.limits.locked_memory_bytes if home.group is not None else None


def _uses_rdma(home: Home) -> bool:
    return home.config is not None and home.config.kv is not None and any(port.active for port, _ in home.ports)


def _init_failed(view: View) -> Iterator[Hit]:
    for fault in log_faults(view, FaultKind.RDMA_INIT_FAILED):
        age = fault.seconds_ago
        evidence = (Evidence("log_rdma_init_failed_seconds_ago", age, "seconds", None, fault.scope),)
        text = f"{fault.who} could not initialise its RDMA transport {seconds(age)} ago, says its log."
        yield Hit(fault.scope, text, evidence)


def _interface_unset(view: View) -> Iterator[Hit]:
    for home in homes(view):
        environment = home.environment
        if environment is None or environment.get("GLOO_SOCKET_IFNAME") or not spans_hosts(view, home):
            continue
        ports = home.reading.fabric.ports if home.reading.fabric is not None else ()
        if not any(port.active and port.link_layer is LinkLayer.INFINIBAND for port in ports):
            continue
        scope = home.scope()
        evidence = (Evidence("socket_interface_set", 0.0, "ratio", 1.0, scope),)
        text = (
            f"GLOO_SOCKET_IFNAME is not set for {home.worker.worker} on {home.host}, which spans hosts with InfiniBand: Gloo may "
            "choose an interface that the others do not reach."
        )
        started = home.worker.up and bool(home.worker.engines)
        yield Hit(scope, text, evidence, Severity.INFO if started else None)


FINDINGS = (
    FindingDef(
        id="memlock_limited",
        severity=Severity.WARNING,
        title="Locked memory limited",
        meaning="RDMA registers memory, which locks it, and the process may lock only little: start-up fails with 'cannot register cq buf', "
        "or transfers fall back to TCP. Critical where the log says that it happened.",
        confirm="`grep locked /proc/PID/limits` of the worker.",
        fix="Set the limit to unlimited: --ulimit memlock=-1 for a container, LimitMEMLOCK=infinity for a systemd unit, or "
        "the capability IPC_LOCK in Kubernetes; restart the worker.",
        confused_with="A process with the capability IPC_LOCK, for which the limit does not count.",
        detect=_memlock,
        not_capacity=True,
        explains=(
            "rdma_init_failed",
            "kv_transfer_off_fabric",
            "kv_transfer_failing",
            "worker_down",
            "worker_not_ready",
            *SLOW_KV,
        ),
    ),
    FindingDef(
        id="rdma_init_failed",
        severity=Severity.CRITICAL,
        title="RDMA could not be initialised",
        meaning="The worker's log tells that NVSHMEM or another RDMA transport failed to start ('init failed for transport', 'unable to initialize "
        "any transports'). Expert-parallel kernels then stop the engine or run over a slower path. Named for ten minutes.",
        confirm="Look for these lines in the worker's log; `lsmod | grep -e nvidia_peermem -e gdrdrv` on the host.",
        fix="Load the kernel modules (nvidia_peermem or dma-buf support, gdrdrv), set NVreg_EnableStreamMemOPs=1 and "
        "PeerMappingOverride=1 for IBGDA, run the container in the host's network with /dev/infiniband; restart the worker.",
        confused_with="A first attempt that failed before the engine chose another transport on purpose.",
        detect=_init_failed,
        not_capacity=True,
        explains=(
            "worker_down",
            "worker_not_ready",
            "kv_transfer_off_fabric",
            "kv_transfer_failing",
            "worker_slow",
            *SLOW_KV,
        ),
    ),
    FindingDef(
        id="socket_interface_unset",
        severity=Severity.WARNING,
        title="Socket interface not chosen",
        meaning="An engine group that spans hosts with InfiniBand was started without GLOO_SOCKET_IFNAME. Gloo then takes the interface of "
        "the host's name, and initialisation may hang. Told as information once the worker serves, since it came up.",
        confirm="`tr '\\0' '\\n' < /proc/PID/environ | grep IFNAME` of the worker; its log stops at the start of the process group.",
        fix="Set GLOO_SOCKET_IFNAME (and NCCL_SOCKET_IFNAME) to the Ethernet interface by which the hosts reach each other, on all "
        "of them; restart the group.",
        confused_with="A slow load of weights, during which nothing is printed either.",
        detect=_interface_unset,
        explains=("worker_down", "worker_not_ready"),
    ),
)
