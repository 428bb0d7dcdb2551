"""The way that KV takes between the sides: over which wires, and how fast."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

from pdwatch.judge.definition import FindingDef, Hit, Reach, View
from pdwatch.judge.findings.symptoms import SLOW_KV
from pdwatch.judge.homes import Home, by_host, other_side
from pdwatch.judge.hops import way
from pdwatch.judge.words import bandwidth, percent
from pdwatch.model.hostsignals import HostSignals, TransferPathSignals
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.port import PortCounter
from pdwatch.model.snapshot import WorkerState
from pdwatch.model.target import Role

_FEWEST_PEERS = 3
_APART = 1.5
"""By how much the median of a role must do better than a worker for its slowness to be its own."""
_BUSIER = 2.0
"""How many times as much as its peers a worker must move for that to be why its transfers are slow."""
_ALIKE = "; no peer does better, so load on the other side may explain it"
_LEAST_LEFT = 0.25
"""Share of the normal bandwidth that a transfer keeps under any load taken into account."""


def _off_fabric(view: View) -> Iterator[Hit]:
    least, share = view.thresholds.transfer_min_bytes_per_second, view.thresholds.transfer_off_fabric_share
    everyone = by_host(view)
    for host, living in everyone.items():
        moved, carried = _moved(view, living), _rdma_bytes(living[0].signals)
        if moved is None or moved < least or carried is None or carried >= share * moved:
            continue
        for home in living:
            if home.worker.worker not in view.service.transfer_paths or _near_peer(
                home, everyone, view.once(_addresses)
            ):
                continue
            scope = home.scope()
            evidence = (
                Evidence("fabric_rdma_bytes_per_second", carried, "bytes per second", share * moved, scope),
                Evidence("kv_transfer_bytes_per_second", moved, "bytes per second", None, scope),
            )
            text = (
                f"KV moves to or from {home.worker.worker} at {bandwidth(moved)}, but the RDMA ports of {host} carry "
                f"{bandwidth(carried)}: it travels another way, most likely TCP."
            )
            yield Hit(scope, text, evidence)


def _addresses(view: View) -> set[tuple[Role, str | None]]:
    """Return the addresses of all workers with their roles."""
    return {(worker.role, urlsplit(worker.url).hostname) for worker in view.service.workers}


def _moved(view: View, living: Iterable[Home]) -> float | None:
    """Return the KV bytes per second that the workers of one host report."""
    paths = (view.service.transfer_paths.get(home.worker.worker) for home in living)
    rates = [path.bytes_per_second for path in paths if path is not None]
    return sum(rates) if rates else None


def _rdma_bytes(signals: HostSignals) -> float | None:
    """Return what all ports of the host carry, the busier direction; `None` where no port counts bytes."""
    ways = (PortCounter.RX_BYTES, PortCounter.TX_BYTES)
    totals = [sum(port.rates.get(way, 0.0) for port in signals.ports.values()) for way in ways]
    known = any(way in port.rates for port in signals.ports.values() for way in ways)
    return max(totals) if known else None


def _near_peer(
    home: Home, everyone: Mapping[str, Sequence[Home]], addresses: Collection[tuple[Role, str | None]]
) -> bool:
    """Tell whether KV may rightly avoid the ports: a peer on the same host, or in the same NVLink domain.

    *addresses* are those of all workers with their roles.
    """
    role = other_side(home.worker.role)
    if role is not None and (role, urlsplit(home.worker.url).hostname) in addresses:
        return True
    own = _domains(home)
    near = [peer for living in everyone.values() for peer in living] if own else everyone[home.host]
    return any(
        peer.host == home.host or own & _domains(peer)
        for peer in near
        if peer.worker.worker != home.worker.worker and role in (None, peer.worker.role)
    )


def _domains(home: Home) -> set[tuple[str, int | None]]:
    gpus = home.reading.gpus.gpus if home.reading.gpus is not None else ()
    fabrics = (gpu.fabric for gpu in gpus)
    return {(each.cluster_uuid, each.clique_id) for each in fabrics if each is not None and each.cluster_uuid}


def _slow(view: View) -> Iterator[Hit]:
    workers = {worker.worker: worker for worker in view.service.workers}
    paths = {
        name: path
        for name, path in view.service.transfer_paths.items()
        if name in workers and path.transfers >= view.thresholds.transfer_min_transfers
    }
    for role in Role:
        own = {name: path for name, path in paths.items() if workers[name].role is role}
        for name, slow in _slow_ones(own, view.thresholds.transfer_baseline_share):
            scope = {"role": role.value, "worker": name} | _host_of(view, workers[name])
            yield _slow_hit(view, own[name], scope, slow)


class _Slow(NamedTuple):
    """Against what a path is slow, and what excuses it."""

    normal: float
    whose: str
    excuse: str = ""


def _slow_ones(own: Mapping[str, TransferPathSignals], share: float) -> Iterator[tuple[str, _Slow]]:
    """Yield the slow paths of one role, against their own beginning, else against their peers."""
    peers = _typical(own.values())
    kept = {name: _kept(path, _baseline(path)) for name, path in own.items()}
    known = [ratio for ratio in kept.values() if ratio is not None]
    typical = median(known) if known else 0.0
    for name, path in own.items():
        ratio, beside = kept[name], _kept(path, peers)
        if ratio is not None and ratio < share:
            alone = typical >= max(share, _APART * ratio)
            alike = "" if alone or ratio < share / 2 else _ALIKE
            yield name, _Slow(path.baseline_bandwidth or 0.0, "its usual", alike or _busier(name, own))
        elif peers is not None and beside is not None and beside < share:
            yield name, _Slow(peers.bandwidth, "its peers'", _busier(name, own))


def _busier(name: str, own: Mapping[str, TransferPathSignals]) -> str:
    """Return that a worker moves far more than its peers, which share nothing with it; empty where it does not."""
    others = [path.bytes_per_second for other, path in own.items() if other != name]
    usual = median(others) if others else 0.0
    times = own[name].bytes_per_second / usual if usual > 0 else 0.0
    return f"; it moves {times:.1f} times as much as its peers, which takes bandwidth" if times >= _BUSIER else ""


def _slow_hit(view: View, path: TransferPathSignals, scope: Mapping[str, str], slow: _Slow) -> Hit:
    own, normal = path.bandwidth_bytes_per_second, slow.normal
    limit = view.thresholds.transfer_baseline_share * normal
    evidence = (
        Evidence("kv_transfer_bandwidth_bytes_per_second", own, "bytes per second", limit, scope),
        Evidence("kv_transfer_bytes_per_second", path.bytes_per_second, "bytes per second", None, scope),
        Evidence("kv_transfer_bytes_mean", path.bytes_mean, "bytes", None, scope),
        *way(view).evidence,
    )
    text = (
        f"A KV transfer of {scope['worker']} gets {bandwidth(own)}, {percent(own / normal)} of {slow.whose} "
        f"{bandwidth(normal)}{slow.excuse}{way(view).grew}."
    )
    return Hit(scope, text, evidence, Severity.INFO if slow.excuse else None)


class _Normal(NamedTuple):
    bandwidth: float
    bytes_mean: float
    bytes_per_second: float


def _baseline(path: TransferPathSignals) -> _Normal | None:
    """Return what the worker itself got at first."""
    usual, size, throughput = path.baseline_bandwidth, path.baseline_bytes_mean, path.baseline_bytes_per_second
    return None if usual is None or size is None or throughput is None else _Normal(usual, size, throughput)


def _typical(paths: Iterable[TransferPathSignals]) -> _Normal | None:
    """Return what the workers of a role get at the median, where there are enough of them."""
    known = list(paths)
    if len(known) < _FEWEST_PEERS:
        return None
    return _Normal(
        median(path.bandwidth_bytes_per_second for path in known),
        median(path.bytes_mean for path in known),
        median(path.bytes_per_second for path in known),
    )


def _kept(path: TransferPathSignals, normal: _Normal | None) -> float | None:
    """Return the bandwidth over what is to be expected; `None` where sizes or the normal do not let one compare.

    Transfers that share a link get what the rest of the load leaves: capacity less throughput, as under processor
    sharing. So the normal bandwidth is lowered by as much as the load grew, but not below a share that no load explains.
    """
    if normal is None or path.bytes_mean < normal.bytes_mean / 2:
        return None
    left = normal.bandwidth + normal.bytes_per_second - path.bytes_per_second
    return path.bandwidth_bytes_per_second / min(normal.bandwidth, max(left, _LEAST_LEFT * normal.bandwidth))


def _host_of(view: View, worker: WorkerState) -> dict[str, str]:
    placed = (placement.host for placement in view.service.placements if placement.worker == worker.worker)
    host = next(placed, worker.host)
    return {} if host is None else {"host": host}


FINDINGS = (
    FindingDef(
        id="kv_transfer_off_fabric",
        severity=Severity.CRITICAL,
        title="KV does not travel over RDMA",
        meaning="The connector counts bytes moved to or from a worker, and the RDMA byte counters of its host's ports hardly move. The "
        "transport fell back to TCP or to another path. Not told where a peer is on the same host or in the same NVLink "
        "domain, and where ports do not count bytes.",
        confirm="Watch port_rcv_data and port_xmit_data of the ports during transfers, beside the bytes of the network "
        "interfaces; start the worker with UCX_LOG_LEVEL=info and read which transports it takes.",
        fix="Allow RDMA in UCX_TLS (rc, and cuda_copy/cuda_ipc beside it), name the right ports in UCX_NET_DEVICES on both sides, "
        "check that /dev/infiniband is in the container and the locked-memory limit is unlimited; restart the worker.",
        confused_with="Virtual functions and bonds whose counters are kept elsewhere.",
        detect=_off_fabric,
        onset_seconds=15.0,
        not_capacity=True,
        explains=SLOW_KV,
    ),
    FindingDef(
        id="kv_transfer_slow",
        severity=Severity.WARNING,
        title="KV transfers slower than usual",
        meaning="A transfer of this worker gets less than half of what it got when pdwatch began to watch, or of what its peers "
        "get, at like sizes and after what more load takes. It is information where its peers are as slow and the drop is "
        "less than to a quarter, since load on the other side does that too, and where it moves twice as much as its peers, "
        "since that is uneven load. The baseline is the worker's own, because a healthy share of a link's rate differs "
        "widely between networks.",
        confirm="Divide the increase of the transfer bytes by that of the transfer seconds on this worker, and on its peers.",
        fix="Look for findings on the same host first: a port down, slow, congested or with errors, PCIe or a GPU degraded. Then look at "
        "the host of the peers it fetches from. Without any, restart the worker to open its connections anew.",
        confused_with="Much smaller transfers, which never reach full bandwidth; one prefill worker that all fetch from.",
        detect=_slow,
        onset_seconds=10.0,
        not_capacity=True,
        explains=(
            "transfer_dominates_prefill",
            "kv_cache_saturated",
            "preempting",
            "kv_pinned_on_prefill",
            "kv_blocks_expired",
            "kv_leak",
            "slo_ttft_missed",
        ),
        reach=Reach.SIDES,
    ),
)
