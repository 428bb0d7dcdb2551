"""Metrics of RDMA devices and ports. One counter of a port is one metric, `pdwatch_fabric_port_` and its word."""

from __future__ import annotations

from pdwatch.catalog.definition import MetricDef, define
from pdwatch.model.port import PortCounter, PortGauge

DEVICE = ("host", "device")
PORT = (*DEVICE, "port")

_TEXTS = {
    PortCounter.RX_BYTES: "RDMA bytes received, on EFA and bnxt_re all bytes.",
    PortCounter.TX_BYTES: "RDMA bytes sent, on EFA and bnxt_re all bytes.",
    PortCounter.RX_PACKETS: "RDMA packets received.",
    PortCounter.TX_PACKETS: "RDMA packets sent.",
    PortCounter.RX_READ_REQUESTS: "Reads that peers asked for, as when KV blocks are pulled from this host.",
    PortCounter.RX_WRITE_REQUESTS: "Writes that peers made, as when KV blocks are pushed to this host.",
    PortCounter.TX_READ_REQUESTS: "Reads that this host asked for.",
    PortCounter.TX_WRITE_REQUESTS: "Writes that this host made.",
    PortCounter.READ_BYTES: "Bytes that this host read from peers.",
    PortCounter.READ_RESPONSE_BYTES: "Bytes that peers read from this host.",
    PortCounter.WRITE_BYTES: "Bytes that this host wrote to peers.",
    PortCounter.WRITE_RECEIVED_BYTES: "Bytes that peers wrote to this host.",
    PortCounter.ECN_MARKED: "Packets that a switch marked for congestion on the way here.",
    PortCounter.CNP_SENT: "Congestion notifications sent, which ask a sender to slow down.",
    PortCounter.CNP_HANDLED: "Congestion notifications that slowed this sender.",
    PortCounter.CNP_IGNORED: "Congestion notifications without effect.",
    PortCounter.SLOW_RESTARTS: "Restarts at a low rate after congestion.",
    PortCounter.TX_WAIT_TICKS: "Ticks of the card's clock with data to send and no credit.",
    PortCounter.RETRANSMITS: "Packets sent again.",
    PortCounter.RETRANSMIT_BYTES: "Bytes sent again.",
    PortCounter.RETRANSMIT_TIMEOUTS: "Acknowledgements that did not come.",
    PortCounter.OUT_OF_SEQUENCE: "Packets received out of order.",
    PortCounter.SEQUENCE_NAKS: "Times that a peer received packets of this host out of order.",
    PortCounter.DUPLICATE_REQUESTS: "Requests received twice.",
    PortCounter.RNR_NAKS: "Peers that were not ready to receive and were tried again.",
    PortCounter.RETRIES_EXHAUSTED: "Connections given up after all retries.",
    PortCounter.UNRESPONSIVE_REMOTES: "Peers that did not respond.",
    PortCounter.IMPAIRED_REMOTES: "Connections to peers that were impaired.",
    PortCounter.WORK_REQUEST_ERRORS: "Work requests that ended with an error.",
    PortCounter.REMOTE_ACCESS_ERRORS: "Remote keys refused, here or by a peer.",
    PortCounter.RX_DROPS: "Packets dropped on receipt.",
    PortCounter.RX_NO_BUFFER: "Packets dropped because nothing was posted to receive into.",
    PortCounter.TX_DISCARDS: "Packets not sent because the port was down or congested.",
    PortCounter.RX_ERRORS: "Packets received with an error.",
    PortCounter.CRC_ERRORS: "Packets received with a wrong checksum.",
    PortCounter.SYMBOL_ERRORS: "Errors on the wire, some of which are normal on fast links.",
    PortCounter.LINK_DOWNED: "Times that the link went down.",
    PortCounter.LINK_RECOVERED: "Times that the link was trained again after errors.",
    PortCounter.INTEGRITY_ERRORS: "Times that errors of the local link passed the threshold.",
    PortCounter.BUFFER_OVERRUNS: "Times that receive buffers ran over.",
    PortCounter.REMOTE_PHYSICAL_ERRORS: "Packets that were marked bad on an earlier link.",
    PortCounter.SWITCH_RELAY_ERRORS: "Packets that a switch could not relay.",
    PortCounter.RX_CONSTRAINT_ERRORS: "Packets refused on receipt by a partition or raw filter.",
    PortCounter.TX_CONSTRAINT_ERRORS: "Packets refused on sending by a partition or raw filter.",
    PortCounter.VL15_DROPS: "Management packets dropped for want of buffers.",
}

COUNTERS: dict[PortCounter, MetricDef] = {
    counter: define(f"fabric_port_{counter.value}_total", text, PORT, "counter") for counter, text in _TEXTS.items()
}
GAUGES: dict[PortGauge, MetricDef] = {
    PortGauge.QUEUE_PAIRS: define("fabric_port_queue_pairs", "Queue pairs that are open.", PORT),
    PortGauge.MEMORY_REGIONS: define("fabric_port_memory_regions", "Memory regions that are registered.", PORT),
}

UP = define("fabric_port_up", "Whether traffic can flow through the port, 1 or 0.", PORT)
STATE = define(
    "fabric_port_state_info",
    "Logical and physical state of the port, always 1.",
    (*PORT, "state", "physical_state"),
    "info",
)
INFO = define(
    "fabric_port_info",
    "What the port speaks and its network interface, always 1.",
    (*PORT, "link_layer", "netdev", "speed"),
    "info",
)
RATE = define("fabric_port_rate_bytes_per_second", "Rate of the active link, in bytes per second.", PORT)
SIBLING_RATE = define(
    "fabric_port_sibling_rate_bytes_per_second",
    "Highest rate among the other active ports of the same kind on the host, in bytes per second.",
    PORT,
)
LANES = define("fabric_port_lanes", "Lanes of the link.", PORT)
LIFESPAN = define(
    "fabric_port_counters_lifespan_seconds", "How long the kernel answers with the same counters, in seconds.", PORT
)
SATURATED = define(
    "fabric_port_saturated_info",
    "A counter that is stuck at the largest value it can hold, always 1.",
    (*PORT, "counter"),
    "info",
)
UNREADABLE = define("fabric_port_unreadable_files", "Counter files of the port that could not be read.", PORT)
DEVICE_INFO = define(
    "fabric_device_info",
    "Which device it is and where it sits, always 1.",
    (*DEVICE, "driver", "vendor", "firmware", "board", "model", "guid", "pci_slot", "pci_path", "numa_node"),
    "info",
)
DEVICE_STALE = define(
    "fabric_device_stale_info", "Why a device could not be read in time, always 1.", (*DEVICE, "reason"), "info"
)
DEVICE_AT = define(
    "fabric_device_answered_timestamp_seconds", "When the device was last read as a whole, in Unix seconds.", DEVICE
)
READ_AT = define(
    "fabric_reading_timestamp_seconds", "When the values of the ports were complete, in Unix seconds.", ("host",)
)

METRICS: tuple[MetricDef, ...] = (
    *COUNTERS.values(),
    *GAUGES.values(),
    *(entry for entry in tuple(vars().values()) if isinstance(entry, MetricDef)),
)
