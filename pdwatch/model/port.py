"""A host's RDMA devices and their ports at one instant, in base units.

What a driver, a kernel or the permissions do not give is `None` or left out, never 0. Sources: the kernel's
`Documentation/ABI/stable/sysfs-class-infiniband` and the drivers under `drivers/infiniband`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PortState(StrEnum):
    """Logical state of a port. Traffic flows only when it is active."""

    NOP = "nop"
    DOWN = "down"
    INIT = "init"
    ARMED = "armed"
    ACTIVE = "active"
    ACTIVE_DEFER = "active_defer"


class PhysicalState(StrEnum):
    """State of the cable's end."""

    SLEEP = "sleep"
    POLLING = "polling"
    DISABLED = "disabled"
    TRAINING = "port_configuration_training"
    LINK_UP = "link_up"
    RECOVERY = "link_error_recovery"
    TEST = "phy_test"


class LinkLayer(StrEnum):
    """What the port speaks; EFA is neither."""

    INFINIBAND = "infiniband"
    ETHERNET = "ethernet"


class PortCounter(StrEnum):
    """Counters that mean the same with every driver. Bytes are bytes, the rest are counts unless the name says else."""

    RX_BYTES = "rx_bytes"
    """RDMA traffic; on RoCE without the TCP traffic of the same card, on EFA and bnxt_re all of the function's."""
    TX_BYTES = "tx_bytes"
    RX_PACKETS = "rx_packets"
    TX_PACKETS = "tx_packets"

    RX_READ_REQUESTS = "rx_read_requests"
    """Reads that peers asked for: KV blocks pulled from this host."""
    RX_WRITE_REQUESTS = "rx_write_requests"
    """Writes that peers made: KV blocks pushed to this host."""
    TX_READ_REQUESTS = "tx_read_requests"
    TX_WRITE_REQUESTS = "tx_write_requests"
    READ_BYTES = "read_bytes"
    """Pulled by this host."""
    READ_RESPONSE_BYTES = "read_response_bytes"
    """Pulled by peers from this host."""
    WRITE_BYTES = "write_bytes"
    """Pushed by this host."""
    WRITE_RECEIVED_BYTES = "write_received_bytes"
    """Pushed by peers to this host."""

    ECN_MARKED = "ecn_marked"
    """Packets that a switch marked on the way here."""
    CNP_SENT = "cnp_sent"
    """Congestion notifications to senders: slow down."""
    CNP_HANDLED = "cnp_handled"
    """Congestion notifications that slowed this sender."""
    CNP_IGNORED = "cnp_ignored"
    """Congestion notifications without effect: congestion control is set up wrongly."""
    SLOW_RESTARTS = "slow_restarts"
    TX_WAIT_TICKS = "tx_wait_ticks"
    """Ticks of the card's clock with data to send and no credit; for trends and ratios only."""

    RETRANSMITS = "retransmits"
    RETRANSMIT_BYTES = "retransmit_bytes"
    RETRANSMIT_TIMEOUTS = "retransmit_timeouts"
    """Acknowledgements that did not come: loss, or a peer process that died."""
    OUT_OF_SEQUENCE = "out_of_sequence"
    """Packets received out of order: loss, or more than one path."""
    SEQUENCE_NAKS = "sequence_naks"
    """Peers that said so of packets from here."""
    DUPLICATE_REQUESTS = "duplicate_requests"
    RNR_NAKS = "rnr_naks"
    """Peers that were not ready to receive; tried again."""
    RETRIES_EXHAUSTED = "retries_exhausted"
    """Given up for good: the connection is broken."""
    UNRESPONSIVE_REMOTES = "unresponsive_remotes"
    IMPAIRED_REMOTES = "impaired_remotes"
    WORK_REQUEST_ERRORS = "work_request_errors"
    REMOTE_ACCESS_ERRORS = "remote_access_errors"
    """Remote keys refused, here or by a peer: a stale registration after a restart."""

    RX_DROPS = "rx_drops"
    RX_NO_BUFFER = "rx_no_buffer"
    """Dropped because the application had posted nothing to receive into."""
    TX_DISCARDS = "tx_discards"
    RX_ERRORS = "rx_errors"
    CRC_ERRORS = "crc_errors"
    SYMBOL_ERRORS = "symbol_errors"
    """Some are normal on fast links."""
    LINK_DOWNED = "link_downed"
    LINK_RECOVERED = "link_recovered"
    """Retrained after errors, a stall of milliseconds."""
    INTEGRITY_ERRORS = "integrity_errors"
    BUFFER_OVERRUNS = "buffer_overruns"
    REMOTE_PHYSICAL_ERRORS = "remote_physical_errors"
    SWITCH_RELAY_ERRORS = "switch_relay_errors"
    RX_CONSTRAINT_ERRORS = "rx_constraint_errors"
    TX_CONSTRAINT_ERRORS = "tx_constraint_errors"
    VL15_DROPS = "vl15_drops"
    """Management packets dropped for want of buffers."""


class PortGauge(StrEnum):
    """What a port holds open."""

    QUEUE_PAIRS = "queue_pairs"
    MEMORY_REGIONS = "memory_regions"


@dataclass(frozen=True, slots=True)
class PortReading:
    """One port. Files are named as below the port's folder: `counters/link_downed`."""

    device: str
    port: int
    state: PortState | None = None
    physical_state: PhysicalState | None = None
    link_layer: LinkLayer | None = None
    netdev: str | None = None
    """Name of the port's network interface."""
    rate_bits_per_second: int | None = None
    """Of an active port only: the others report a speed that means nothing."""
    lanes: int | None = None
    speed: str | None = None
    """Generation of the signalling, `NDR`; `None` is single data rate on old kernels."""
    sibling_rate_bits_per_second: int | None = None
    """The fastest active port among the others of this host with the same driver, link layer and board."""
    lifespan_seconds: float | None = None
    """How long the kernel answers with the same `hw_counters`."""
    counters: Mapping[PortCounter, int] = field(default_factory=dict)
    """Extended over the wraps of narrow hardware counters, as long as the collector runs."""
    gauges: Mapping[PortGauge, int] = field(default_factory=dict)
    raw: Mapping[str, int] = field(default_factory=dict)
    """Every counter file that could be read, in the driver's own names and units."""
    saturated: frozenset[PortCounter] = frozenset()
    """Stuck at the largest value they can hold: growth is not visible until somebody clears them."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Files that could not be read, and why."""

    @property
    def active(self) -> bool:
        """Whether traffic can flow."""
        return self.state is PortState.ACTIVE

    @property
    def slower_than_siblings(self) -> bool:
        """Whether a port of the same kind on this host runs at a higher rate: a degraded link."""
        own, best = self.rate_bits_per_second, self.sibling_rate_bits_per_second
        return own is not None and best is not None and own < best


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """One RDMA device. A stale one keeps what was known of it and has no ports in the reading."""

    name: str
    driver: str | None = None
    """`mlx5`, `mlx4`, `efa`, `bnxt_re`, `irdma`, `hfi1`, `rxe`, `siw`, or the kernel's name of another one."""
    vendor: str | None = None
    """Maker of the PCI device, or its identifier where the maker is not known here."""
    firmware: str | None = None
    board: str | None = None
    type: str | None = None
    """`hca_type`, like `MT4129`."""
    guid: str | None = None
    """`None` where the driver gives zeros."""
    pci_slot: str | None = None
    """Like `/sys/bus/pci/devices`: `0000:18:00.0`."""
    pci_path: tuple[str, ...] = ()
    """Root, bridges and slot on the way to the device; empty where it hangs on no PCI bus."""
    numa_node: int | None = None
    raw: Mapping[str, int] = field(default_factory=dict)
    """Counters of the device that belong to no port, in the driver's own names."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    answered_at: float | None = None
    """Unix seconds of the last complete reading; `None` before the first."""
    stale: str = ""
    """Why it could not be read in time; empty when it was."""


@dataclass(frozen=True, slots=True)
class FabricReading:
    """Every RDMA device and port of one host."""

    at: float
    """Unix seconds at which the values were complete."""
    devices: tuple[DeviceReading, ...] = ()
    ports: tuple[PortReading, ...] = ()


def wrapped(previous: int, current: int, width: int) -> bool:
    """Tell a wrap at *width* bits from a reset: less than half the range lies between the two values."""
    return current < previous < 1 << width and (current - previous) % (1 << width) < 1 << (width - 1)


def delta(previous: int, current: int, width: int, wraps: bool) -> int | None:
    """Return by how much a counter of *width* bits grew; never negative.

    One that *wraps* is taken modulo its range. One that does not sticks at its largest value: `None` when it stuck
    before, the least that it grew when it stuck since. A counter that was reset grew by what it shows.
    """
    if not wraps and previous == current == (1 << width) - 1:
        return None
    if current >= previous:
        return current - previous
    return (current - previous) % (1 << width) if wraps and wrapped(previous, current, width) else current
