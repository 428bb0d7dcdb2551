"""The one table from driver and file to canonical counter.

A file is named as below the port's folder. The rows of a driver are tried from top to bottom and the first row with a
file wins, so a better source stands above a poorer one; the files of a row add up. Renamed files share a row, because
no kernel has both.

Units and widths, from `drivers/infiniband`:
- `counters/port_{rcv,xmit}_data` count words of four octets whatever the link's width; other bytes are bytes.
- The other files of `counters/` come from the performance management agent. Their counters stick at the largest value
  (InfiniBand Architecture, PortCounters), and some devices report wider ones than the standard asks for: a value above
  the ceiling is not saturated.
- Queue counters of mlx5 and mlx4 are read as 32 bits and wrap; irdma, efa, bnxt_re, hfi1 and rxe keep 64 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pdwatch.model.port import PortCounter as C
from pdwatch.model.port import PortGauge


class Row(NamedTuple):
    """One source of a canonical value: files that add up, each of *width* bits."""

    name: C | PortGauge
    files: tuple[str, ...]
    scale: int = 1
    """Factor from the file's unit to the canonical one."""
    width: int = 64
    saturates: bool = False
    """Sticks at its largest value; the others wrap."""


Rows = tuple[Row, ...]


def _pma(name: C, file: str, width: int, scale: int = 1) -> Row:
    return Row(name, (f"counters/{file}",), scale, width, saturates=True)


def _extended(name: C, file: str, scale: int = 1) -> Row:
    """Counters of kernels before 4.5, where the plain ones had 32 bits."""
    return Row(name, (f"counters_ext/{file}",), scale)


def _hw(name: C | PortGauge, *files: str, width: int = 64) -> Row:
    return Row(name, tuple(f"hw_counters/{file}" for file in files), width=width)


PMA: Rows = (
    _extended(C.RX_BYTES, "port_rcv_data_64", 4),
    _extended(C.TX_BYTES, "port_xmit_data_64", 4),
    _extended(C.RX_PACKETS, "port_rcv_packets_64"),
    _extended(C.TX_PACKETS, "port_xmit_packets_64"),
    _pma(C.RX_BYTES, "port_rcv_data", 32, 4),
    _pma(C.TX_BYTES, "port_xmit_data", 32, 4),
    _pma(C.RX_PACKETS, "port_rcv_packets", 32),
    _pma(C.TX_PACKETS, "port_xmit_packets", 32),
    _pma(C.TX_WAIT_TICKS, "port_xmit_wait", 32),
    _pma(C.RX_DROPS, "port_rcv_discards", 16),
    _pma(C.TX_DISCARDS, "port_xmit_discards", 16),
    _pma(C.RX_ERRORS, "port_rcv_errors", 16),
    _pma(C.SYMBOL_ERRORS, "symbol_error", 16),
    _pma(C.LINK_DOWNED, "link_downed", 8),
    _pma(C.LINK_RECOVERED, "link_error_recovery", 8),
    _pma(C.INTEGRITY_ERRORS, "local_link_integrity_errors", 4),
    _pma(C.BUFFER_OVERRUNS, "excessive_buffer_overrun_errors", 4),
    _pma(C.REMOTE_PHYSICAL_ERRORS, "port_rcv_remote_physical_errors", 16),
    _pma(C.SWITCH_RELAY_ERRORS, "port_rcv_switch_relay_errors", 16),
    _pma(C.RX_CONSTRAINT_ERRORS, "port_rcv_constraint_errors", 8),
    _pma(C.TX_CONSTRAINT_ERRORS, "port_xmit_constraint_errors", 8),
    _pma(C.VL15_DROPS, "VL15_dropped", 16),
)

MLX5: Rows = (
    _hw(C.RX_BYTES, "rdma_rx_bytes"),  # optional counters, the only traffic of a bond or a virtual function
    _hw(C.TX_BYTES, "rdma_tx_bytes"),
    _hw(C.RX_PACKETS, "rdma_rx_packets"),
    _hw(C.TX_PACKETS, "rdma_tx_packets"),
    _hw(C.RX_READ_REQUESTS, "rx_read_requests", width=32),
    _hw(C.RX_WRITE_REQUESTS, "rx_write_requests", width=32),
    _hw(C.ECN_MARKED, "np_ecn_marked_roce_packets"),
    _hw(C.CNP_SENT, "np_cnp_sent"),
    _hw(C.CNP_HANDLED, "rp_cnp_handled"),
    _hw(C.CNP_IGNORED, "rp_cnp_ignored"),
    _hw(C.SLOW_RESTARTS, "roce_slow_restart", width=32),
    _hw(C.RETRANSMITS, "roce_adp_retrans", width=32),
    _hw(C.RETRANSMIT_TIMEOUTS, "local_ack_timeout_err", width=32),
    _hw(C.OUT_OF_SEQUENCE, "out_of_sequence", width=32),
    _hw(C.SEQUENCE_NAKS, "packet_seq_err", width=32),
    _hw(C.DUPLICATE_REQUESTS, "duplicate_request", width=32),
    # NVIDIA: RNR NAKs received while the retry limit was not exceeded; the other row counts the limits exceeded.
    _hw(C.RNR_NAKS, "rnr_nak_retry_err", width=32),
    _hw(C.RETRIES_EXHAUSTED, "req_transport_retries_exceeded", "req_rnr_retries_exceeded", width=32),
    _hw(C.REMOTE_ACCESS_ERRORS, "req_remote_access_errors", "resp_remote_access_errors", width=32),
    _hw(C.RX_NO_BUFFER, "out_of_buffer", width=32),
    _hw(C.CRC_ERRORS, "rx_icrc_encapsulated"),
)

MLX4: Rows = (
    _hw(C.RETRANSMIT_TIMEOUTS, "sq_num_to", width=32),
    _hw(C.OUT_OF_SEQUENCE, "rq_num_oos", width=32),
    _hw(C.SEQUENCE_NAKS, "sq_num_oos", width=32),
    _hw(C.DUPLICATE_REQUESTS, "rq_num_dup", width=32),
    _hw(C.RNR_NAKS, "sq_num_rnr", width=32),
    _hw(C.RETRIES_EXHAUSTED, "sq_num_tree", "sq_num_rree", width=32),
    _hw(C.REMOTE_ACCESS_ERRORS, "sq_num_rae", "rq_num_rae", width=32),
)

EFA: Rows = (
    _hw(C.RX_BYTES, "rx_bytes"),
    _hw(C.TX_BYTES, "tx_bytes"),
    _hw(C.RX_PACKETS, "rx_pkts"),
    _hw(C.TX_PACKETS, "tx_pkts"),
    _hw(C.TX_READ_REQUESTS, "rdma_read_wrs"),
    _hw(C.TX_WRITE_REQUESTS, "rdma_write_wrs"),
    _hw(C.READ_BYTES, "rdma_read_bytes"),
    _hw(C.READ_RESPONSE_BYTES, "rdma_read_resp_bytes"),
    _hw(C.WRITE_BYTES, "rdma_write_bytes"),
    _hw(C.WRITE_RECEIVED_BYTES, "rdma_write_recv_bytes"),
    _hw(C.RETRANSMITS, "retrans_pkts"),
    _hw(C.RETRANSMIT_BYTES, "retrans_bytes"),
    _hw(C.RETRANSMIT_TIMEOUTS, "retrans_timeout_events"),
    _hw(C.UNRESPONSIVE_REMOTES, "unresponsive_remote_events"),
    _hw(C.IMPAIRED_REMOTES, "impaired_remote_conn_events"),
    _hw(C.WORK_REQUEST_ERRORS, "rdma_read_wr_err", "rdma_write_wr_err"),
    _hw(C.RX_DROPS, "rx_drops"),
)

BNXT_RE: Rows = (
    _hw(C.RX_BYTES, "rx_bytes"),
    _hw(C.TX_BYTES, "tx_bytes"),
    _hw(C.RX_PACKETS, "rx_pkts"),
    _hw(C.TX_PACKETS, "tx_pkts"),
    _hw(C.RX_READ_REQUESTS, "rx_read_req"),
    _hw(C.RX_WRITE_REQUESTS, "rx_write_req"),
    _hw(C.TX_READ_REQUESTS, "tx_read_req"),
    _hw(C.TX_WRITE_REQUESTS, "tx_write_req"),
    _hw(C.ECN_MARKED, "rx_ecn_marked_pkts", "np_ecn_marked_roce_packets"),
    _hw(C.CNP_SENT, "tx_cnp_pkts", "np_cnp_pkts"),
    _hw(C.CNP_HANDLED, "rx_cnp_pkts", "rp_cnp_handled"),
    _hw(C.RETRANSMIT_TIMEOUTS, "to_retransmits"),
    _hw(C.OUT_OF_SEQUENCE, "oos_drop_count"),
    _hw(C.SEQUENCE_NAKS, "seq_err_naks_rcvd"),
    _hw(C.DUPLICATE_REQUESTS, "dup_req"),
    _hw(C.RNR_NAKS, "rnr_naks_rcvd"),
    _hw(C.RETRIES_EXHAUSTED, "max_retry_exceeded"),
    _hw(C.REMOTE_ACCESS_ERRORS, "remote_access_err"),
    _hw(C.RX_DROPS, "rx_roce_discards"),
    _hw(C.RX_NO_BUFFER, "rx_out_of_buffer", "out_of_buffer"),
    _hw(C.RX_ERRORS, "rx_roce_errors"),
    _hw(PortGauge.QUEUE_PAIRS, "active_qps"),
    _hw(PortGauge.MEMORY_REGIONS, "active_mrs"),
)

IRDMA: Rows = (
    _hw(C.RX_BYTES, "ip4InOctets", "ip6InOctets"),
    _hw(C.TX_BYTES, "ip4OutOctets", "ip6OutOctets"),
    _hw(C.RX_PACKETS, "ip4InPkts", "ip6InPkts"),
    _hw(C.TX_PACKETS, "ip4OutPkts", "ip6OutPkts"),
    _hw(C.RX_READ_REQUESTS, "InRdmaReads", "iwInRdmaReads"),
    _hw(C.RX_WRITE_REQUESTS, "InRdmaWrites", "iwInRdmaWrites"),
    _hw(C.TX_READ_REQUESTS, "OutRdmaReads", "iwOutRdmaReads"),
    _hw(C.TX_WRITE_REQUESTS, "OutRdmaWrites", "iwOutRdmaWrites"),
    _hw(C.ECN_MARKED, "RxECNMrkd"),
    _hw(C.CNP_SENT, "cnpSent"),
    _hw(C.CNP_HANDLED, "cnpHandled"),
    _hw(C.CNP_IGNORED, "cnpIgnored"),
    _hw(C.RETRANSMITS, "RetransSegs", "tcpRetransSegs"),
    _hw(C.RETRANSMIT_TIMEOUTS, "RTO"),
    _hw(C.OUT_OF_SEQUENCE, "Rcvd Out of order packets"),
    _hw(C.SEQUENCE_NAKS, "Nak Sequence Error"),
    _hw(C.RNR_NAKS, "RNR received"),
    _hw(C.RX_DROPS, "ip4InDiscards", "ip6InDiscards"),
    _hw(C.RX_ERRORS, "InProtoErrors", "tcpInProtoErrors"),
    _hw(C.CRC_ERRORS, "CRC errors"),
)

HFI1: Rows = (
    _hw(C.RETRANSMITS, "RcResend"),
    _hw(C.RETRANSMIT_TIMEOUTS, "RcTimeOut"),
    _hw(C.OUT_OF_SEQUENCE, "RcSeqNak"),
    _hw(C.SEQUENCE_NAKS, "SeqNak"),
    _hw(C.DUPLICATE_REQUESTS, "RcDupRew"),
    _hw(C.RNR_NAKS, "RnrNak"),
    _hw(C.RX_DROPS, "PktDrop"),
)

RXE: Rows = (
    _hw(C.RX_PACKETS, "rcvd_pkts"),
    _hw(C.TX_PACKETS, "sent_pkts"),
    _hw(C.RETRANSMITS, "completer_retry_err"),
    _hw(C.OUT_OF_SEQUENCE, "out_of_seq_request"),
    _hw(C.SEQUENCE_NAKS, "rcvd_seq_err"),
    _hw(C.DUPLICATE_REQUESTS, "duplicate_request"),
    _hw(C.RNR_NAKS, "rcvd_rnr_err"),
    _hw(C.RETRIES_EXHAUSTED, "retry_exceeded_err", "retry_rnr_exceeded_err"),
    _hw(C.LINK_DOWNED, "link_downed"),
)

ROWS: Mapping[str, Rows] = {
    "mlx5": PMA + MLX5,
    "mlx4": PMA + MLX4,
    "efa": EFA,
    "bnxt_re": BNXT_RE,
    "irdma": IRDMA,
    "hfi1": PMA + HFI1,
    "rxe": RXE + PMA,
}
"""Rows by driver; one that is not named here has those of the performance management agent."""


def rows_of(driver: str | None) -> Rows:
    """Return the rows of a driver."""
    return ROWS.get(driver or "", PMA)
