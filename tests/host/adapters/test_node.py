"""Pages of node_exporter: one of version 1.5.0 over a tree of three mlx5 devices, and what later versions add."""

from __future__ import annotations

from pdwatch.model.host import HostOrigin
from pdwatch.model.port import PhysicalState, PortCounter, PortState

LATER = """
node_infiniband_np_cnp_packets_sent_total{device="mlx5_0",port="1"} 12
node_infiniband_rp_cnp_packets_handled_total{device="mlx5_0",port="1"} 13
node_infiniband_req_remote_access_errors_total{device="mlx5_0",port="1"} 2
node_infiniband_resp_remote_access_errors_total{device="mlx5_0",port="1"} 3
node_infiniband_legacy_data_received_bytes_total{device="mlx5_0",port="1"} 77
"""


def test_the_page_is_recognised_by_what_it_serves(page, reading):
    """It tells of ports and of nothing else that is wanted here."""
    found = reading(page("node_exporter-1.5.0"))

    assert HostOrigin.NODE_EXPORTER is found.origin
    assert ["mlx5_0", "mlx5_1", "mlx5_2"] == [device.name for device in found.fabric.devices]
    assert None is found.gpus is found.processes is found.logs


def test_rates_are_bits_of_active_ports(page, reading):
    """It gives bytes per second; a port that is down reports a rate that means nothing."""
    rates = [port.rate_bits_per_second for port in reading(page("node_exporter-1.5.0")).fabric.ports]

    assert [400_000_000_000, 800_000_000_000, None] == rates


def test_states_are_words(page, reading):
    """The numbers are those of the kernel."""
    ports = reading(page("node_exporter-1.5.0")).fabric.ports

    assert [PortState.ACTIVE, PortState.ACTIVE, PortState.DOWN] == [port.state for port in ports]
    assert PhysicalState.LINK_UP is ports[0].physical_state


def test_stuck_counters_are_marked(page, reading):
    """A counter at the largest value it can hold does not show growth."""
    first, stuck, _ = reading(page("node_exporter-1.5.0")).fabric.ports

    assert {PortCounter.TX_WAIT_TICKS} == first.saturated
    assert {PortCounter.LINK_DOWNED, PortCounter.INTEGRITY_ERRORS} <= stuck.saturated


def test_what_it_does_not_tell_is_unknown(page, reading):
    """Neither the driver nor the place on the bus is on its page."""
    device = reading(page("node_exporter-1.5.0")).fabric.devices[0]

    assert ("MT_0000000838", "28.43.2026", "MT4129") == (device.board, device.firmware, device.type)
    assert (None, None, ()) == (device.driver, device.pci_slot, device.pci_path)


def test_later_versions_tell_of_congestion(page, reading):
    """Two names of one thing add up, and the wide counter of old kernels wins over the narrow one."""
    counters = reading(page("node_exporter-1.5.0") + LATER).fabric.ports[0].counters

    assert (12, 13) == (counters[PortCounter.CNP_SENT], counters[PortCounter.CNP_HANDLED])
    assert 5 == counters[PortCounter.REMOTE_ACCESS_ERRORS]
    assert 77 == counters[PortCounter.RX_BYTES]


def test_a_host_without_devices_has_nothing_of_the_kind(reading):
    """A node_exporter that runs without InfiniBand is no failure."""
    found = reading('node_exporter_build_info{version="1.5.0"} 1\n')

    assert None is found.fabric
    assert "no InfiniBand device" in found.absent["fabric"]
