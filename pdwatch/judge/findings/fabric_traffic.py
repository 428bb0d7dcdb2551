"""What goes wrong on fabric ports that are up: lost packets, broken connections, congestion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.symptoms import SLOW_KV, WORKER_LOST, together
from pdwatch.judge.homes import Home, homes, port_name, troubled
from pdwatch.judge.words import percent, rate
from pdwatch.model.hostsignals import PortSignals
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.port import PortCounter as C
from pdwatch.model.port import PortReading


@dataclass(frozen=True, slots=True)
class _Sign:
    """A counter that tells of an error, and from which rate on."""

    counter: C
    words: str
    threshold: str | None = None
    """Name in `Thresholds`; without one any growth counts."""
    severity: Severity = Severity.WARNING
    by_peer: bool = False
    """A peer that died or restarted explains it."""

    def limit(self, thresholds: Thresholds) -> float:
        return 0.0 if self.threshold is None else float(getattr(thresholds, self.threshold))


_SIGNS = (
    _Sign(C.RETRIES_EXHAUSTED, "connections given up after all retries", None, Severity.CRITICAL, by_peer=True),
    _Sign(C.LINK_DOWNED, "link went down", None, Severity.CRITICAL),
    _Sign(C.INTEGRITY_ERRORS, "link integrity errors", None, Severity.CRITICAL),
    _Sign(C.BUFFER_OVERRUNS, "buffer overruns", None, Severity.CRITICAL),
    _Sign(C.LINK_RECOVERED, "link retrained", "fabric_recoveries_per_second"),
    _Sign(C.SYMBOL_ERRORS, "symbol errors", "fabric_symbol_errors_per_second"),
    _Sign(C.RX_ERRORS, "damaged packets received", "fabric_receive_errors_per_second"),
    _Sign(C.CRC_ERRORS, "checksum errors", "fabric_receive_errors_per_second"),
    _Sign(C.TX_DISCARDS, "packets discarded on sending", "fabric_discards_per_second"),
    _Sign(C.RX_DROPS, "packets dropped on receiving", "fabric_discards_per_second"),
    _Sign(C.RETRANSMITS, "retransmits", "fabric_sequence_errors_per_second", by_peer=True),
    _Sign(C.OUT_OF_SEQUENCE, "packets out of order", "fabric_sequence_errors_per_second"),
    _Sign(C.SEQUENCE_NAKS, "packets peers missed", "fabric_sequence_errors_per_second"),
    _Sign(C.RETRANSMIT_TIMEOUTS, "acknowledgements timed out", "fabric_timeouts_per_second", by_peer=True),
    _Sign(C.RNR_NAKS, "peers not ready to receive", "fabric_rnr_naks_per_second", by_peer=True),
    _Sign(C.UNRESPONSIVE_REMOTES, "peers that do not respond", None, by_peer=True),
    _Sign(C.IMPAIRED_REMOTES, "impaired connections", None, by_peer=True),
    _Sign(C.WORK_REQUEST_ERRORS, "failed work requests", None, by_peer=True),
    _Sign(C.REMOTE_ACCESS_ERRORS, "remote keys refused", None, by_peer=True),
)


_COUNTERS = frozenset(sign.counter for sign in _SIGNS)


def _errors(view: View) -> Iterator[Hit]:
    in_trouble = troubled(view)
    for home in homes(view):
        blameless = bool(in_trouble - {home.worker.worker})
        for port, seen in home.ports:
            grown = {counter: rate for counter, rate in seen.rates.items() if rate > 0 and counter in _COUNTERS}
            signs = (
                [
                    (sign, grown[sign.counter])
                    for sign in _SIGNS
                    if sign.counter in grown
                    and grown[sign.counter] > sign.limit(view.thresholds)
                    and not (sign.by_peer and blameless)
                ]
                if grown
                else ()
            )
            if signs:
                yield _error_hit(view, home, port, signs)


def _error_hit(view: View, home: Home, port: PortReading, signs: list[tuple[_Sign, float]]) -> Hit:
    scope = home.scope(port=port_name(port))
    evidence = tuple(
        Evidence(f"fabric_port_{sign.counter.value}", grown, "per second", sign.limit(view.thresholds), scope)
        for sign, grown in signs
    )
    told = ", ".join(f"{sign.words} {rate(grown)}" for sign, grown in signs)
    text = f"Port {port_name(port)} of {home.host}, used by {home.worker.worker}: {told}."
    return Hit(scope, text, evidence, max(sign.severity for sign, _ in signs))


def _congested(view: View) -> Iterator[Hit]:
    for home in homes(view):
        for port, seen in home.ports:
            found = (*_marked(view.thresholds, seen.rates), *_starved(view.thresholds, seen))
            if found:
                scope = home.scope(port=port_name(port))
                evidence = tuple(Evidence(signal, value, "ratio", limit, scope) for signal, value, limit, _ in found)
                told = "; ".join(words for *_, words in found)
                text = f"Port {port_name(port)} of {home.host}, used by {home.worker.worker}, is congested: {told}."
                yield Hit(scope, text, evidence)


_Mark = tuple[str, float, float, str]
"""Signal, value, threshold and words."""


def _marked(thresholds: Thresholds, rates: Mapping[C, float]) -> Iterator[_Mark]:
    """Yield what notifications say, as shares of the packets they are about."""
    kinds = (
        (C.ECN_MARKED, C.RX_PACKETS, "arrived marked by a switch"),
        (C.CNP_SENT, C.RX_PACKETS, "received made it ask a sender to slow down"),
        (C.CNP_HANDLED, C.TX_PACKETS, "sent were answered with a request to slow down"),
    )
    for counter, of, words in kinds:
        marks, packets = rates.get(counter), rates.get(of)
        if marks is None or not packets or marks < thresholds.fabric_congestion_per_second:
            continue
        share = marks / packets
        if share > thresholds.fabric_congestion_share:
            yield (
                f"fabric_port_{counter.value}_share",
                share,
                thresholds.fabric_congestion_share,
                f"{percent(share)} of packets {words}",
            )


def _starved(thresholds: Thresholds, seen: PortSignals) -> Iterator[_Mark]:
    """Yield the wait for credit, where it is long in itself and long for this port."""
    ratio, usual = seen.wait_ratio, seen.wait_baseline
    if ratio is None or usual is None:
        return
    if ratio >= thresholds.fabric_wait_ratio and ratio >= thresholds.fabric_wait_growth * usual:
        words = f"it waits for credit {ratio:.1f} ticks a word sent, usually {usual:.2g}"
        yield "fabric_port_wait_ratio", ratio, thresholds.fabric_wait_ratio, words


FINDINGS = (
    FindingDef(
        id="fabric_errors",
        severity=Severity.WARNING,
        title="Errors on a fabric port",
        meaning="Counters of a port near the worker's GPUs grow: lost or damaged packets, retrained links, connections given "
        "up. Critical where a connection broke for good or the link itself failed. What a peer that died would cause as "
        "well (timeouts, exhausted retries, receivers that are not ready, refused keys) is not held against the port "
        "while another worker of the service is down, stale or has just restarted.",
        confirm="Read the named counters below /sys/class/infiniband/DEVICE/ports/N/{counters,hw_counters} twice; the event "
        "`link_downed` also shows in the log of the switch.",
        fix="Errors of the link itself (symbols, integrity, retraining, link down): clean, reseat or replace cable and "
        "transceiver. Packets out of order or missed without them: look for drops on the switches (on RoCE: PFC and ECN on every hop). "
        "Retries exhausted: restart the worker after the cause is mended. Remote keys refused: restart the worker that keeps "
        "stale registrations.",
        confused_with="A peer that left discovery while it died: then nobody is down, and its timeouts remain. Packets out of order "
        "under adaptive routing, which are no loss.",
        detect=_errors,
        onset_seconds=8.0,
        not_capacity=True,
        explains=("worker_slow", *together(SLOW_KV, WORKER_LOST)),
    ),
    FindingDef(
        id="fabric_congested",
        severity=Severity.WARNING,
        title="Fabric congested",
        meaning="Switches mark packets on the way, senders are told to slow down (RoCE: ECN and CNP), or the port waits for "
        "credit far longer than it did at first (InfiniBand). KV transfers get slower though nothing is broken.",
        confirm="Watch np_ecn_marked_roce_packets, np_cnp_sent and rp_cnp_handled, or port_xmit_wait beside port_xmit_data.",
        fix="Find who shares the path: many prefill workers that send to one decode host, or another tenant. Spread decode over "
        "more hosts and rails, check that each GPU uses its own port (UCX_NET_DEVICES), and that adaptive routing or "
        "ECMP hashing spreads the flows.",
        confused_with="A slow receiver: its PCIe link or its memory can be the narrow part; look for pcie_degraded there.",
        detect=_congested,
        onset_seconds=10.0,
        explains=("worker_slow", *SLOW_KV),
    ),
)
