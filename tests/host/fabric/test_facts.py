"""Words of sysfs."""

from __future__ import annotations

import pytest

from pdwatch.host.fabric.facts import driver, guid, link_layer, numa_node, physical_state, port_state, rate
from pdwatch.model.port import LinkLayer, PhysicalState, PortState


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("400 Gb/sec (4X NDR)", (400_000_000_000, 4, "NDR")),
        ("800 Gb/sec (4X XDR)", (800_000_000_000, 4, "XDR")),
        ("2.5 Gb/sec (1X SDR)", (2_500_000_000, 1, "SDR")),
        ("40 Gb/sec (4X FDR10)", (40_000_000_000, 4, "FDR10")),
        ("10 Gb/sec (4X)", (10_000_000_000, 4, None)),
        ("0 GB/sec", (0, None, None)),
    ],
)
def test_rates(text: str, expected: tuple[int, int | None, str | None]) -> None:
    """Bits a second, lanes and the speed word, which old kernels leave out for the slowest."""
    assert expected == rate(text)


@pytest.mark.parametrize("text", [None, "", "fast", "4.0.0 Gb/sec"])
def test_no_rate(text: str | None) -> None:
    """What is no rate is none."""
    assert None is rate(text)


def test_states() -> None:
    """The number counts, also where the word beside it is wrong; a number that the kernel does not name is none."""
    assert PortState.ACTIVE is port_state("4: ACTIVE")
    assert PortState.DOWN is port_state("1: DOWN")
    assert PhysicalState.LINK_UP is physical_state("5: LinkUp")
    assert PhysicalState.TRAINING is physical_state("4: ACTIVE")
    assert [None] * 4 == [
        port_state("9: UNKNOWN"),
        port_state(""),
        physical_state("0: <unknown>"),
        physical_state(None),
    ]


def test_link_layers() -> None:
    """EFA says Unknown."""
    assert LinkLayer.INFINIBAND is link_layer("InfiniBand")
    assert LinkLayer.ETHERNET is link_layer("Ethernet")
    assert None is link_layer("Unknown")


@pytest.mark.parametrize(
    ("name", "bound", "vendor", "software", "expected"),
    [
        ("rocep24s0", "mlx5_core", "0x15b3", False, "mlx5"),
        ("ibp5s0", "mlx4_core", "0x15b3", False, "mlx4"),
        ("rdmap16s27", "efa", "0x1d0f", False, "efa"),
        ("rocep24s0", "bnxt_en", "0x14e4", False, "bnxt_re"),
        ("rocep24s0f1", "ice", "0x8086", False, "irdma"),
        ("hfi1_0", "hfi1", "0x8086", False, "hfi1"),
        ("rxe0", "mlx5_core", "0x15b3", False, "rxe"),
        ("renamed", "mlx5_core", "0x15b3", True, "rxe"),
        ("siw0", None, None, True, "siw"),
        ("mlx5_bond_0", None, None, False, "mlx5"),
        ("rdmap16s27", None, "0x1d0f", False, "efa"),
        ("i40iw0", None, "0x8086", False, "irdma"),
        ("erdma_0", "erdma", "0x1ded", False, "erdma"),
        ("something", None, None, False, None),
    ],
)
def test_drivers(name: str, bound: str | None, vendor: str | None, software: bool, expected: str | None) -> None:
    """The bound driver counts, names may be changed by udev; software devices are none of the card they hang on."""
    assert expected == driver(name, bound, vendor, software)


def test_facts_that_say_nothing() -> None:
    """Node -1 and a GUID of zeros are unknown."""
    assert (None, 0, None) == (numa_node("-1"), numa_node("0"), numa_node(None))
    assert (None, "506b:4b03:00f8:7a2c", None) == (guid("0000:0000:0000:0000"), guid("506b:4b03:00f8:7a2c"), guid(None))
