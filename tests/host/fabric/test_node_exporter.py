"""The same trees read by node_exporter, an independent reader of the same files."""

from __future__ import annotations

import re
import shutil
import subprocess

import httpx
import pytest

from pdwatch.host.fabric import FabricCollector
from pdwatch.model.port import PhysicalState, PortState

SAME = {
    "port_data_received_bytes_total": ("counters/port_rcv_data", "rx_bytes"),
    "port_data_transmitted_bytes_total": ("counters/port_xmit_data", "tx_bytes"),
    "port_packets_received_total": ("counters/port_rcv_packets", "rx_packets"),
    "port_packets_transmitted_total": ("counters/port_xmit_packets", "tx_packets"),
    "legacy_data_received_bytes_total": ("counters_ext/port_rcv_data_64", "rx_bytes"),
    "legacy_data_transmitted_bytes_total": ("counters_ext/port_xmit_data_64", "tx_bytes"),
    "legacy_packets_received_total": ("counters_ext/port_rcv_packets_64", "rx_packets"),
    "legacy_packets_transmitted_total": ("counters_ext/port_xmit_packets_64", "tx_packets"),
    "port_transmit_wait_total": ("counters/port_xmit_wait", "tx_wait_ticks"),
    "port_discards_transmitted_total": ("counters/port_xmit_discards", "tx_discards"),
    "port_errors_received_total": ("counters/port_rcv_errors", "rx_errors"),
    "symbol_error_total": ("counters/symbol_error", "symbol_errors"),
    "link_downed_total": ("counters/link_downed", "link_downed"),
    "link_error_recovery_total": ("counters/link_error_recovery", "link_recovered"),
    "local_link_integrity_errors_total": ("counters/local_link_integrity_errors", "integrity_errors"),
    "excessive_buffer_overrun_errors_total": ("counters/excessive_buffer_overrun_errors", "buffer_overruns"),
    "port_receive_remote_physical_errors_total": (
        "counters/port_rcv_remote_physical_errors",
        "remote_physical_errors",
    ),
    "port_receive_switch_relay_errors_total": ("counters/port_rcv_switch_relay_errors", "switch_relay_errors"),
    "port_constraint_errors_received_total": ("counters/port_rcv_constraint_errors", "rx_constraint_errors"),
    "port_constraint_errors_transmitted_total": ("counters/port_xmit_constraint_errors", "tx_constraint_errors"),
    "vl15_dropped_total": ("counters/VL15_dropped", "vl15_drops"),
    "unicast_packets_received_total": ("counters/unicast_rcv_packets", None),
    "unicast_packets_transmitted_total": ("counters/unicast_xmit_packets", None),
    "multicast_packets_received_total": ("counters/multicast_rcv_packets", None),
    "multicast_packets_transmitted_total": ("counters/multicast_xmit_packets", None),
}
"""Its name (after `node_infiniband_`), our file, our canonical counter if there is one."""
SPOKEN_FOR = {"info", "state_id", "physical_state_id", "rate_bytes_per_second"}
SAMPLE = re.compile(r'^node_infiniband_(\w+)\{.*?device="([^"]+)"(?:.*?port="(\d+)")?.*\} (\S+)$', re.MULTILINE)
LISTENING = re.compile(r'"Listening on" address=(\S+)')
ITS_DEVICES = {"mlx5_0": 25, "mlx5_1": 25, "mlx5_2": 25, "mlx4_0": 49, "hfi1_0": 21, "i40iw0": 4}
"""Samples that node_exporter 1.5 gives for the dump."""
NOT_ITS_DEVICES = ("mlx5_bond_0", "rdmap16s27", "bnxt_re0", "irdma0", "rxe0", "siw0")


@pytest.fixture
def node_exporter(tree):
    """Ask a node_exporter over the tree for its InfiniBand samples: by name, device and port."""
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        pytest.skip("prometheus-node-exporter is not installed")
    command = [
        program,
        f"--path.sysfs={tree.root}",
        "--collector.disable-defaults",
        "--collector.infiniband",
        "--web.disable-exporter-metrics",
        "--web.listen-address=127.0.0.1:0",
    ]

    def ask():
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                listening = next(filter(None, map(LISTENING.search, process.stderr)))
                page = httpx.get(f"http://{listening[1]}/metrics", timeout=30.0, trust_env=False).text
            finally:
                process.kill()
        return {(name, device, port): float(value) for name, device, port, value in SAMPLE.findall(page)}

    return ask


@pytest.fixture
def distinct(dumped):
    """Make the counters of a dump that are zero differ from each other, so that a mix-up shows."""

    def changed(dump):
        zeros = [name for name, text in dumped(dump).items() if "/counters/" in name and text == "0"]
        return {name: str(3 + index) for index, name in enumerate(zeros)}

    return changed


@pytest.mark.live
@pytest.mark.parametrize("dump", ITS_DEVICES)
def test_counters_equal_those_of_node_exporter(tree, node_exporter, distinct, dump):
    """Every sample that it gives is there with the same value, raw and canonical, words as bytes."""
    tree.add(dump, files=distinct(dump))
    samples = node_exporter()
    ports = {(port.device, str(port.port)): port for port in FabricCollector(tree.root).collect().ports}
    theirs = {key: value for key, value in samples.items() if key[0] not in SPOKEN_FOR}
    raw, canonical, expected = {}, {}, {}
    for (name, device, port), value in theirs.items():
        file, counter = SAME[name]
        scale = 4 if "_data" in file else 1
        raw[name, device, port] = scale * ports[device, port].raw[file]
        better = file.replace("counters/", "counters_ext/") + "_64" in ports[device, port].raw
        if counter is not None and not better:
            expected[name, device, port] = value
            canonical[name, device, port] = ports[device, port].counters[counter]

    assert ITS_DEVICES[dump] == len(samples)
    assert theirs == raw
    assert expected == canonical


@pytest.mark.live
@pytest.mark.parametrize("dump", ITS_DEVICES)
def test_states_and_rates_equal_those_of_node_exporter(tree, node_exporter, dump):
    """The kernel's numbers for the states; the rate of active ports, a byte being eight bits."""
    tree.add(dump)
    samples = node_exporter()
    ports = FabricCollector(tree.root).collect().ports
    states = {(port.device, str(port.port)): list(PortState).index(port.state) for port in ports}
    physical = {(port.device, str(port.port)): 1 + list(PhysicalState).index(port.physical_state) for port in ports}
    rates = {(port.device, str(port.port)): (port.rate_bits_per_second or 0) / 8 for port in ports if port.active}

    def theirs(name):
        return {key[1:]: value for key, value in samples.items() if key[0] == name}

    assert theirs("state_id") == states
    assert theirs("physical_state_id") == physical
    assert {key: theirs("rate_bytes_per_second")[key] for key in rates} == rates


@pytest.mark.live
@pytest.mark.parametrize("dump", NOT_ITS_DEVICES)
def test_devices_that_node_exporter_gives_up_on_are_read(tree, node_exporter, dump):
    """It gives not one sample for a device without `counters/`, board or type."""
    tree.add(dump)
    port = FabricCollector(tree.root).collect().ports[0]

    assert {} == node_exporter()
    assert port.state is not None
    assert (dump == "siw0") == (not port.counters)


@pytest.mark.live
def test_one_odd_device_does_not_take_the_others_along(tree, node_exporter):
    """Plain mlx5 beside EFA: nothing from node_exporter, both from here."""
    tree.add("mlx5_0")
    tree.add("rdmap16s27")
    ports = FabricCollector(tree.root).collect().ports

    assert {} == node_exporter()
    assert [52, 22] == [len(port.raw) for port in ports]
