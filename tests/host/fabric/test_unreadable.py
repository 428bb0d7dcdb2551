"""Files that cannot be read cost only themselves."""

from __future__ import annotations

import pytest

from pdwatch.host.fabric import FabricCollector
from pdwatch.model.port import PortCounter

COUNTER = "ports/1/counters/symbol_error"
OTHERS = 51
"""Counters of the dump besides that one."""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("N/A (no PMA)", "not available to this function"),
        ("", "empty"),
        ("-1", "not a counter: '-1'"),
        ("0x10", "not a counter: '0x10'"),
        ("x" * 100, f"not a counter: '{'x' * 24}'"),
    ],
)
def test_a_text_in_the_place_of_a_counter(tree, text, reason):
    """It is no zero, and its neighbours are read."""
    tree.add("mlx5_0", files={COUNTER: text})
    port = FabricCollector(tree.root).collect().ports[0]

    assert {"counters/symbol_error": reason} == port.unreadable
    assert PortCounter.SYMBOL_ERRORS not in port.counters
    assert OTHERS == len(port.raw)


@pytest.mark.parametrize(
    ("target", "reasons"),
    [
        ("/proc/self", {"Is a directory"}),
        ("/proc/self/mem", {"Input/output error"}),
        ("/proc/self/clear_refs", {"Invalid argument", "Permission denied"}),
        ("/nowhere", {"No such file or directory"}),
        ("loop", {"Too many levels of symbolic links"}),
    ],
)
def test_a_file_that_fails(tree, target, reasons):
    """A folder, an I/O error, an attribute that nobody may read, a counter that went away: the system's own words."""
    folder = tree.add("mlx5_0", files={COUNTER: None})
    (folder / COUNTER).symlink_to("symbol_error" if target == "loop" else target)
    port = FabricCollector(tree.root).collect().ports[0]

    assert {"counters/symbol_error"} == set(port.unreadable)
    assert port.unreadable["counters/symbol_error"] in reasons
    assert OTHERS == len(port.raw)


def test_a_counter_that_fails_later(tree):
    """What could be read at first and then not is absent in that reading, and back when it is back."""
    folder = tree.add("mlx5_0")
    collector = FabricCollector(tree.root)
    seen = []
    for text in ("7\n", "N/A (no PMA)\n", "9\n"):
        (folder / COUNTER).write_text(text)
        port = collector.collect().ports[0]
        seen.append((port.counters.get(PortCounter.SYMBOL_ERRORS), len(port.unreadable)))

    assert [(7, 0), (None, 1), (9, 0)] == seen


def test_a_broken_device_costs_only_itself(tree):
    """A device without anything in it does not take the others along."""
    tree.add("mlx5_0")
    (tree.folder / "mlx5_1").mkdir()
    (tree.folder / "mlx5_3").write_text("not even a folder")
    reading = FabricCollector(tree.root).collect()

    assert ["mlx5_0", "mlx5_1", "mlx5_3"] == [device.name for device in reading.devices]
    assert ["mlx5_0"] == [port.device for port in reading.ports]
    assert {"ports": "Not a directory", "hw_counters": "Not a directory"} == reading.devices[2].unreadable


def test_a_port_without_files(tree):
    """Neither state nor rate nor counters: still a port, with nothing known."""
    tree.add("mlx5_0")
    (tree.folder / "mlx5_0/ports/2").mkdir()
    port = FabricCollector(tree.root).collect().ports[1]

    assert (2, None, None, {}, {}) == (port.port, port.state, port.rate_bits_per_second, port.raw, port.unreadable)


def test_a_fact_that_fails_is_listed(tree):
    """Firmware that cannot be read says why; firmware that the driver does not tell is just absent."""
    tree.add("mlx5_0", files={"fw_ver/x": "", "fw_ver": None, "board_id": None})
    device = FabricCollector(tree.root).collect().devices[0]

    assert {"fw_ver": "Is a directory"} == device.unreadable
    assert (None, None) == (device.firmware, device.board)


def test_counters_that_cannot_be_listed(tree):
    """A file in the place of the folder is listed by reason, and the other folder is read."""
    folder = tree.add("mlx5_bond_0")
    (folder / "ports/1/counters").write_text("")
    port = FabricCollector(tree.root).collect().ports[0]

    assert {"counters": "Not a directory"} == port.unreadable
    assert 30 == len(port.raw)
