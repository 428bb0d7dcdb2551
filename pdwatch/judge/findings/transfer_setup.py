"""How the transfer of KV was set up: through which memory, over which addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.symptoms import SLOW_KV, WORKER_LOST
from pdwatch.judge.homes import Home, homes, other_side
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.process import EngineFamily, KvTransfer
from pdwatch.model.target import Role

_LOOPBACK = ("localhost", "127.", "::1", "[::1]", "0.0.0.0")  # noqa: S104
_MOVES_BETWEEN_HOSTS = ("nixl", "mooncake", "p2pnccl", "pynccl", "moriio", "lmcache")
"""Beginnings of connector names that carry KV from worker to worker."""


def _on_cpu(view: View) -> Iterator[Hit]:
    for home in homes(view):
        part = next((part for part in _carriers(home) if part.buffer_device == "cpu"), None)
        if part is not None:
            scope = home.scope()
            evidence = (Evidence("kv_buffer_on_cpu", 1.0, "ratio", 0.0, scope),)
            text = (
                f"{home.worker.worker} on {home.host} stages KV in CPU memory ({part.connector}, kv_buffer_device=cpu)."
            )
            yield Hit(scope, text, evidence)


def _carriers(home: Home) -> list[KvTransfer]:
    """Return the connectors of a worker that carry KV between workers."""
    kv = home.config.kv if home.config is not None else None
    parts = () if kv is None else (kv, *kv.children)
    return [part for part in parts if (part.connector or "").lower().startswith(_MOVES_BETWEEN_HOSTS)]


def _side_channel(view: View) -> Iterator[Hit]:
    everyone = list(homes(view))
    hosts = {home.worker.worker: home.host for home in everyone}
    for home in everyone:
        environment, config = home.environment, home.config
        nixl = any((part.connector or "").lower().startswith("nixl") for part in _carriers(home))
        if environment is None or config is None or config.family is not EngineFamily.VLLM or not nixl:
            continue
        address = environment.get("VLLM_NIXL_SIDE_CHANNEL_HOST", "")
        if (address and not address.startswith(_LOOPBACK)) or not _far_peer(view, home, hosts):
            continue
        scope = home.scope()
        evidence = (Evidence("side_channel_local", 1.0, "ratio", 0.0, scope),)
        said = f"is {address}" if address else "is not set, so localhost holds"
        text = (
            f"VLLM_NIXL_SIDE_CHANNEL_HOST of {home.worker.worker} on {home.host} {said}: workers on other hosts cannot reach it "
            "to fetch KV."
        )
        yield Hit(scope, text, evidence, Severity.WARNING if home.worker.role is Role.DECODE else None)


def _far_peer(view: View, home: Home, hosts: Mapping[str, str]) -> bool:
    """Tell whether a worker of the other side is on another host; *hosts* has those that are known by worker."""
    role, address = other_side(home.worker.role), urlsplit(home.worker.url).hostname
    return any(
        hosts[worker.worker] != home.host if worker.worker in hosts else urlsplit(worker.url).hostname != address
        for worker in view.service.workers
        if worker.worker != home.worker.worker and role in (None, worker.role)
    )


FINDINGS = (
    FindingDef(
        id="kv_buffer_on_cpu",
        severity=Severity.WARNING,
        title="KV staged in CPU memory",
        meaning="The worker's transfer configuration puts its KV buffer in CPU memory: each transfer is copied twice over PCIe and "
        "takes 100 to 500 microseconds longer than one between GPUs.",
        confirm="Read kv_buffer_device in the worker's --kv-transfer-config.",
        fix="Set kv_buffer_device to cuda on both sides, where GPU and network card support GPU-direct RDMA, and restart.",
        confused_with="Accelerators and hosts without GPU-direct RDMA, which need the CPU buffer.",
        detect=_on_cpu,
        explains=("kv_transfer_off_fabric", *SLOW_KV),
    ),
    FindingDef(
        id="side_channel_local",
        severity=Severity.CRITICAL,
        title="NIXL side channel only local",
        meaning="Workers find each other over NIXL's side channel, and this worker tells its peers on other hosts to come to "
        "localhost. Handshakes fail, or reach a wrong process. On a decode worker it matters less, because decode fetches.",
        confirm="`tr '\\0' '\\n' < /proc/PID/environ | grep SIDE_CHANNEL` of the worker; handshake errors in decode's log.",
        fix="Set VLLM_NIXL_SIDE_CHANNEL_HOST to an address of the host that the peers reach (in Kubernetes the pod's), open the ports "
        "from 5600 on, and restart the worker.",
        confused_with="Workers that all run on one host, where localhost is right.",
        detect=_side_channel,
        not_capacity=True,
        explains=WORKER_LOST,
    ),
)
