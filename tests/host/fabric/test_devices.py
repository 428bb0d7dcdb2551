"""Devices of every driver, from dumps of their files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pdwatch.host.collector import CollectError, NothingHere, Result, run
from pdwatch.host.fabric import FabricCollector
from pdwatch.model.port import DeviceReading, LinkLayer, PhysicalState, PortCounter, PortGauge, PortState

EXPECTED = {
    "mlx5_0": {
        "rx_bytes": 100_000_000_000_000,
        "tx_bytes": 96_000_000_000_000,
        "ecn_marked": 5123312,
        "cnp_sent": 120334,
        "cnp_handled": 98231,
        "cnp_ignored": 0,
        "retransmits": 17,
        "retransmit_timeouts": 3,
        "out_of_sequence": 912,
        "sequence_naks": 40,
        "retries_exhausted": 1,
        "remote_access_errors": 0,
        "rx_read_requests": 4294967290,
        "tx_wait_ticks": 4294967295,
    },
    "mlx5_1": {"rx_bytes": 4000, "link_downed": 255, "integrity_errors": 15, "symbol_errors": 65535},
    "mlx4_0": {
        "rx_bytes": 4 * 2221223609,
        "tx_bytes": 4 * 26509113295,
        "rx_packets": 8710,
        "retransmit_timeouts": 1,
        "out_of_sequence": 2,
        "sequence_naks": 3,
        "rnr_naks": 5,
        "retries_exhausted": 13,
        "remote_access_errors": 17,
    },
    "hfi1_0": {
        "rx_bytes": 4 * 345091702026,
        "retransmits": 3,
        "retransmit_timeouts": 2,
        "out_of_sequence": 4,
        "sequence_naks": 5,
        "rnr_naks": 7,
        "rx_drops": 9,
    },
    "rdmap16s27": {
        "rx_bytes": 8_000_000_000_000,
        "tx_bytes": 8_123_456_789_012,
        "rx_packets": 900_000_000,
        "tx_packets": 912_345_678,
        "tx_read_requests": 0,
        "read_bytes": 0,
        "read_response_bytes": 0,
        "retransmits": 4,
        "retransmit_bytes": 4096,
        "retransmit_timeouts": 2,
        "unresponsive_remotes": 1,
        "impaired_remotes": 3,
        "work_request_errors": 1,
        "write_bytes": 7777777,
        "write_received_bytes": 5,
        "tx_write_requests": 777,
        "rx_drops": 12,
    },
    "bnxt_re0": {
        "rx_packets": 1,
        "rx_bytes": 2,
        "tx_packets": 3,
        "tx_bytes": 4,
        "rx_drops": 5,
        "retransmit_timeouts": 6,
        "sequence_naks": 7,
        "rnr_naks": 8,
        "duplicate_requests": 9,
        "out_of_sequence": 10,
        "rx_no_buffer": 11,
        "tx_write_requests": 13,
        "tx_read_requests": 14,
        "retries_exhausted": 0,
    },
    "irdma0": {
        "rx_bytes": 1,
        "ecn_marked": 2,
        "cnp_handled": 3,
        "cnp_ignored": 4,
        "cnp_sent": 5,
        "retransmits": 6,
        "rx_read_requests": 7,
        "rx_write_requests": 8,
    },
    "i40iw0": {
        "rx_bytes": 120,
        "tx_bytes": 34,
        "rx_read_requests": 5,
        "rx_write_requests": 6,
        "retransmits": 7,
        "rx_drops": 3,
    },
    "rxe0": {"tx_packets": 11, "rx_packets": 12, "rnr_naks": 15, "retries_exhausted": 35, "link_downed": 20},
    "mlx5_bond_0": {"cnp_handled": 0, "rx_read_requests": 0},
}
WHOLE = ("rdmap16s27", "irdma0", "i40iw0")
"""Devices of which every canonical counter stands above."""
BASE = DeviceReading("", vendor="NVIDIA", pci_slot="0000:18:00.0", numa_node=0, answered_at=7.0)
DEVICES = {
    "mlx5_0": replace(BASE, driver="mlx5", firmware="28.43.2026", board="MT_0000000838", type="MT4129"),
    "rdmap16s27": replace(BASE, driver="efa", vendor="Amazon", firmware="0.0.0.0"),
    "bnxt_re0": replace(BASE, driver="bnxt_re", vendor="Broadcom", firmware="230.0.180.0"),
    "irdma0": replace(BASE, driver="irdma", vendor="Intel", firmware="1.71"),
    "rxe0": replace(BASE, driver="rxe", guid="0250:56ff:fe8a:1b2c"),
    "siw0": DeviceReading("siw0", driver="siw", guid="0250:56ff:fe8a:1b2d", answered_at=7.0),
}


@pytest.mark.parametrize("dump", EXPECTED)
def test_counters_have_one_name_and_one_unit(tree, dump):
    """Whatever the driver calls them, and whether it counts octets or words."""
    tree.add(dump)
    port = FabricCollector(tree.root).collect().ports[0]
    given = {name: port.counters.get(PortCounter(name)) for name in EXPECTED[dump]}

    assert EXPECTED[dump] == given


@pytest.mark.parametrize("dump", WHOLE)
def test_what_a_driver_does_not_count_is_absent(tree, dump):
    """No zeros for counters that the driver does not have."""
    tree.add(dump)
    counters = FabricCollector(tree.root).collect().ports[0].counters

    assert {"read_bytes", "read_response_bytes", "tx_packets", "tx_read_requests"} >= set(counters) - set(
        EXPECTED[dump]
    )


@pytest.mark.parametrize("dump", DEVICES)
def test_devices_say_what_they_are(tree, dump):
    """Driver, maker, firmware, board and place; what the driver does not tell is absent."""
    tree.add(dump)
    device = FabricCollector(tree.root, clock=lambda: 7.0).collect().devices[0]

    assert replace(DEVICES[dump], name=dump) == replace(device, raw={})


def test_everything_readable_is_read_from_a_mixed_host(tree, every_dump, dumped):
    """Each counter file of each device of every dump, all on one host, is there under its own name."""
    for dump in every_dump:
        tree.add(dump)
    reading = FabricCollector(tree.root).collect()
    raw = {(port.device, f"ports/{port.port}/{file}"): n for port in reading.ports for file, n in port.raw.items()}
    raw |= {(device.name, file): n for device in reading.devices for file, n in device.raw.items()}
    files = {(dump, file): text for dump in every_dump for file, text in dumped(dump).items()}
    expected = {key: int(text) for key, text in files.items() if "counters" in key[1] and text.isdecimal()}
    expected = {key: value for key, value in expected.items() if not key[1].endswith("lifespan")}

    assert expected == raw
    assert 350 == len(raw)


def test_a_port_says_what_it_is(tree):
    """State, rate, lanes, speed, link layer and how long the kernel repeats itself."""
    tree.add("mlx5_0")
    port = FabricCollector(tree.root).collect().ports[0]

    assert ("mlx5_0", 1, PortState.ACTIVE, PhysicalState.LINK_UP) == (
        port.device,
        port.port,
        port.state,
        port.physical_state,
    )
    assert (400_000_000_000, 4, "NDR") == (port.rate_bits_per_second, port.lanes, port.speed)
    assert (LinkLayer.ETHERNET, 0.01) == (port.link_layer, port.lifespan_seconds)


def test_a_port_that_is_down_has_no_rate(tree):
    """The kernel's 10 Gb/s for a port without link means nothing."""
    tree.add("mlx5_2")
    port = FabricCollector(tree.root).collect().ports[0]

    assert (PortState.DOWN, PhysicalState.DISABLED) == (port.state, port.physical_state)
    assert (None, None, None) == (port.rate_bits_per_second, port.lanes, port.speed)
    assert not port.active


def test_a_state_change_shows_at_once(tree):
    """State and rate are read each time, not with the facts."""
    folder = tree.add("mlx5_0")
    collector = FabricCollector(tree.root)
    before = collector.collect().ports[0]
    (folder / "ports/1/state").write_text("1: DOWN\n")
    after = collector.collect().ports[0]

    assert (True, False) == (before.active, after.active)


def test_stuck_counters_are_flagged(tree):
    """Saturated 4, 8, 16 and 32-bit counters of the dumps, and no others."""
    tree.add("mlx5_0")
    tree.add("mlx5_1")
    tree.add("rdmap16s27")
    flagged = {port.device: port.saturated for port in FabricCollector(tree.root).collect().ports}

    assert {"tx_wait_ticks"} == flagged["mlx5_0"]
    assert {"link_downed", "integrity_errors", "symbol_errors"} == flagged["mlx5_1"]
    assert frozenset() == flagged["rdmap16s27"]


def test_a_wrapped_queue_counter_goes_on(tree):
    """mlx5 counts read requests in 32 bits; what is reported does not fall when they wrap, the raw file does."""
    folder = tree.add("mlx5_0")
    collector = FabricCollector(tree.root)
    before = collector.collect().ports[0]
    (folder / "ports/1/hw_counters/rx_read_requests").write_text("10\n")
    after = collector.collect().ports[0]

    assert 16 == after.counters[PortCounter.RX_READ_REQUESTS] - before.counters[PortCounter.RX_READ_REQUESTS]
    assert 10 == after.raw["hw_counters/rx_read_requests"]


def test_open_queue_pairs_are_a_gauge(tree):
    """bnxt_re counts what is open."""
    tree.add("bnxt_re0")
    port = FabricCollector(tree.root).collect().ports[0]

    assert {PortGauge.QUEUE_PAIRS: 12} == port.gauges


@pytest.mark.parametrize(
    "files",
    [
        {"ports/1/gid_attrs/ndevs/0": "eth5", "device/net/eth9/dev_port": "0"},
        {"device/net/eth5/dev_port": "0", "device/net/eth6/dev_port": "1"},
        {"device/net/eth5/address": "00:00:00:00:00:00"},
    ],
    ids=["of the first GID", "by its number on the card", "the only one"],
)
def test_the_interface_of_a_port(tree, files):
    """Told by the port's address table, else by the interfaces of its card."""
    tree.add("mlx5_0", files=files)

    assert "eth5" == FabricCollector(tree.root).collect().ports[0].netdev


def test_a_renamed_device_on_its_bus(tree):
    """Behind the links of a real kernel, with a name that udev gave it, the bound driver tells what it is."""
    bus = "pci0000:15/0000:15:01.0/0000:18:00.0"
    tree.add("mlx5_0", "rocep24s0", bus=bus, files={"device/uevent": None})
    driver = tree.root / "bus/pci/drivers/mlx5_core"
    driver.mkdir(parents=True)
    (tree.pci(bus) / "driver").symlink_to(driver)
    device = FabricCollector(tree.root).collect().devices[0]

    assert ("rocep24s0", "mlx5", "0000:18:00.0") == (device.name, device.driver, device.pci_slot)
    assert ("pci0000:15", "0000:15:01.0", "0000:18:00.0") == device.pci_path


def test_devices_come_and_go(tree):
    """A device that is plugged in or taken out is there or gone at the next collection."""
    first = tree.add("mlx5_0")
    collector = FabricCollector(tree.root)
    names = [[device.name for device in collector.collect().devices]]
    tree.add("mlx5_1")
    names.append([device.name for device in collector.collect().devices])
    first.rename(tree.root / "taken-out")
    names.append([device.name for device in collector.collect().devices])

    assert [["mlx5_0"], ["mlx5_0", "mlx5_1"], ["mlx5_1"]] == names


def test_new_counters_show_after_the_next_look_around(tree):
    """Optional counters that somebody switches on are found within the time given."""
    folder = tree.add("mlx5_bond_0")
    now = [0.0]
    collector = FabricCollector(tree.root, rescan=60.0, monotonic=lambda: now[0])
    collector.collect()
    (folder / "ports/1/hw_counters/rdma_rx_bytes").write_text("4096\n")
    seen = []
    for now[0] in (59.0, 60.0):
        seen.append(collector.collect().ports[0].counters.get(PortCounter.RX_BYTES))

    assert [None, 4096] == seen


def test_a_host_without_rdma_is_quiet(tree):
    """No class folder, or an empty one, is no error."""
    absent = run(FabricCollector(tree.root), lambda: 0.0)
    tree.folder.mkdir(parents=True)
    with pytest.raises(NothingHere, match=f"no RDMA device in {tree.folder}"):
        FabricCollector(tree.root).collect()

    assert Result.ABSENT is absent.result
    assert f"no RDMA device: {tree.folder} is not there" == absent.reason


def test_a_folder_that_is_none_is_an_error(tree):
    """Something else in the place of the class folder is said in one line with the mend."""
    tree.folder.parent.mkdir(parents=True)
    tree.folder.write_text("")
    with pytest.raises(CollectError) as error:
        FabricCollector(tree.root).collect()

    assert f"{tree.folder} cannot be listed (Not a directory); name the right sysfs with --path.sysfs" == str(
        error.value
    )
