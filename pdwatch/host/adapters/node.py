"""Pages of node_exporter: its InfiniBand collector. Counters are bytes and packets already; rates are bytes per second.

What the page has not is `None`: driver, PCI slot, NUMA node, interface and link layer. Counters of `hw_counters` came
in late 2025; where they were read before, they are 32 bits wide and wrap without notice.
Source: `collector/infiniband_linux.go` of prometheus/node_exporter.
"""

from __future__ import annotations

from collections import defaultdict

from pdwatch.host.adapters.adapter import Adapter
from pdwatch.host.adapters.samples import Facts, Labels, Samples, told
from pdwatch.host.fabric.siblings import with_siblings
from pdwatch.model.host import HostOrigin, HostReading
from pdwatch.model.port import DeviceReading, FabricReading, PhysicalState, PortCounter, PortReading, PortState
from pdwatch.model.records import read_record

C = PortCounter
_IB = "node_infiniband_"

_COUNTERS: dict[PortCounter, tuple[tuple[str, ...], ...]] = {
    C.RX_BYTES: (("legacy_data_received_bytes_total",), ("port_data_received_bytes_total",)),
    C.TX_BYTES: (("legacy_data_transmitted_bytes_total",), ("port_data_transmitted_bytes_total",)),
    C.RX_PACKETS: (("legacy_packets_received_total",), ("port_packets_received_total",)),
    C.TX_PACKETS: (("legacy_packets_transmitted_total",), ("port_packets_transmitted_total",)),
    C.RX_READ_REQUESTS: (("rx_read_requests_total",),),
    C.RX_WRITE_REQUESTS: (("rx_write_requests_total",),),
    C.ECN_MARKED: (("np_ecn_marked_roce_packets_received_total",),),
    C.CNP_SENT: (("np_cnp_packets_sent_total",),),
    C.CNP_HANDLED: (("rp_cnp_packets_handled_total",),),
    C.CNP_IGNORED: (("rp_cnp_ignored_packets_received_total",),),
    C.SLOW_RESTARTS: (("roce_slow_restart_total",),),
    C.RETRANSMITS: (("roce_adp_retransmits_total",),),
    C.RETRANSMIT_TIMEOUTS: (("local_ack_timeout_errors_total",),),
    C.OUT_OF_SEQUENCE: (("out_of_sequence_packets_received_total",),),
    C.SEQUENCE_NAKS: (("packet_sequence_errors_total",),),
    C.DUPLICATE_REQUESTS: (("duplicate_requests_packets_total",),),
    C.RNR_NAKS: (("rnr_nak_retry_packets_received_total",),),
    C.REMOTE_ACCESS_ERRORS: (("req_remote_access_errors_total", "resp_remote_access_errors_total"),),
    C.RX_NO_BUFFER: (("out_of_buffer_drops_total",),),
    C.CRC_ERRORS: (("rx_icrc_encapsulated_errors_total",),),
    C.TX_WAIT_TICKS: (("port_transmit_wait_total",),),
    C.RX_DROPS: (("port_discards_received_total",),),
    C.TX_DISCARDS: (("port_discards_transmitted_total",),),
    C.RX_ERRORS: (("port_errors_received_total",),),
    C.SYMBOL_ERRORS: (("symbol_error_total",),),
    C.LINK_DOWNED: (("link_downed_total",),),
    C.LINK_RECOVERED: (("link_error_recovery_total",),),
    C.INTEGRITY_ERRORS: (("local_link_integrity_errors_total",),),
    C.BUFFER_OVERRUNS: (("excessive_buffer_overrun_errors_total",),),
    C.REMOTE_PHYSICAL_ERRORS: (("port_receive_remote_physical_errors_total",),),
    C.SWITCH_RELAY_ERRORS: (("port_receive_switch_relay_errors_total",),),
    C.RX_CONSTRAINT_ERRORS: (("port_constraint_errors_received_total",),),
    C.TX_CONSTRAINT_ERRORS: (("port_constraint_errors_transmitted_total",),),
    C.VL15_DROPS: (("vl15_dropped_total",),),
}
"""Sources of a counter, better ones first; the names of one source add up."""

_CEILINGS = {
    255: (C.LINK_DOWNED, C.LINK_RECOVERED, C.RX_CONSTRAINT_ERRORS, C.TX_CONSTRAINT_ERRORS),
    15: (C.INTEGRITY_ERRORS, C.BUFFER_OVERRUNS),
    65535: (
        *(C.SYMBOL_ERRORS, C.RX_ERRORS, C.REMOTE_PHYSICAL_ERRORS, C.SWITCH_RELAY_ERRORS),
        *(C.TX_DISCARDS, C.VL15_DROPS, C.RX_DROPS),
    ),
    4294967295: (C.TX_WAIT_TICKS,),
}
"""Largest values of counters that stick there (InfiniBand Architecture, PortCounters)."""
_CEILING = {counter: ceiling for ceiling, counters in _CEILINGS.items() for counter in counters}

_STATES = dict(enumerate(PortState))
_PHYSICAL_STATES = dict(enumerate(PhysicalState, start=1))

Ports = defaultdict[tuple[str, str], Facts]


def _recognises(samples: Samples) -> bool:
    return "node_exporter_build_info" in samples or next(samples.names(_IB), None) is not None


def _read(samples: Samples, host: str, at: float) -> HostReading:
    devices = _devices(samples)
    if not devices:
        why = "its node_exporter shows no InfiniBand device; run pdwatch agent where there is one"
        return HostReading(host, HostOrigin.NODE_EXPORTER, at, absent={"fabric": why})
    ports = with_siblings(devices, _ports(samples))
    return HostReading(host, HostOrigin.NODE_EXPORTER, at, fabric=FabricReading(at, devices, ports))


def _devices(samples: Samples) -> tuple[DeviceReading, ...]:
    facts = [
        told(labels, name="device", board="board_id", firmware="firmware_version", type="hca_type")
        for labels, _ in samples.of(f"{_IB}info")
    ]
    return tuple(read_record(DeviceReading, fact) for fact in facts)


def _ports(samples: Samples) -> list[PortReading]:
    ports: Ports = defaultdict(dict)
    for labels, value in samples.of(f"{_IB}state_id"):
        ports[_key(labels)]["state"] = _STATES.get(int(value))
    for labels, value in samples.of(f"{_IB}physical_state_id"):
        ports[_key(labels)]["physical_state"] = _PHYSICAL_STATES.get(int(value))
    for labels, value in samples.of(f"{_IB}rate_bytes_per_second"):
        if ports[_key(labels)].get("state") is PortState.ACTIVE:
            ports[_key(labels)]["rate_bits_per_second"] = round(8 * value)
    for counter, sources in _COUNTERS.items():
        for key, value in _values(samples, sources).items():
            ports[key].setdefault("counters", {})[counter] = value
            if value == _CEILING.get(counter):
                ports[key].setdefault("saturated", []).append(counter)
    return [read_record(PortReading, {"device": key[0], "port": key[1]} | facts) for key, facts in ports.items()]


def _values(samples: Samples, sources: tuple[tuple[str, ...], ...]) -> dict[tuple[str, str], float]:
    """Return a counter by port: from the first source that has it, its names added up."""
    found: dict[tuple[str, str], float] = {}
    for names in sources:
        sums: defaultdict[tuple[str, str], float] = defaultdict(float)
        for name in names:
            for labels, value in samples.of(_IB + name):
                sums[_key(labels)] += value
        found = sums | found
    return found


def _key(labels: Labels) -> tuple[str, str]:
    return labels["device"], labels["port"]


ADAPTER = Adapter(HostOrigin.NODE_EXPORTER, (_IB, "node_exporter_build_info"), _recognises, _read)
