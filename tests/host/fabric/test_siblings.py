"""Ports slower than others of their kind."""

from __future__ import annotations

from pdwatch.host.fabric import FabricCollector, slow_ports

SLOW = {"ports/1/rate": "100 Gb/sec (4X EDR)"}


def rates(tree):
    """The rate of each port's fastest sibling in Gb/s, and the ports that are slower."""
    ports = FabricCollector(tree.root).collect().ports
    siblings = {port.device: (port.sibling_rate_bits_per_second or 0) // 10**9 for port in ports}
    return siblings, [port.device for port in slow_ports(ports)]


def test_a_degraded_link_is_found(tree):
    """One of four cards trained at a quarter of the rate of the rest."""
    for number in range(4):
        tree.add("mlx5_0", f"mlx5_{number}", files=SLOW if number == 2 else None)
    siblings, slow = rates(tree)

    assert {f"mlx5_{number}": 400 for number in range(4)} == siblings
    assert ["mlx5_2"] == slow


def test_the_fastest_is_compared_with_the_others(tree):
    """Of two cards the slower one is slow, and only that one."""
    tree.add("mlx5_0")
    tree.add("mlx5_0", "mlx5_9", files=SLOW)

    assert ({"mlx5_0": 100, "mlx5_9": 400}, ["mlx5_9"]) == rates(tree)


def test_a_single_port_has_no_sibling(tree):
    """Nothing to compare with: silent."""
    tree.add("mlx5_0", files=SLOW)

    assert ({"mlx5_0": 0}, []) == rates(tree)


def test_other_kinds_are_no_siblings(tree):
    """Another driver, another link layer, another board: each may be slower by design."""
    tree.add("mlx5_0")
    tree.add("bnxt_re0", files=SLOW)
    tree.add("mlx5_0", "mlx5_5", files={**SLOW, "ports/1/link_layer": "InfiniBand"})
    tree.add("mlx5_0", "mlx5_6", files={**SLOW, "board_id": "MT_0000000010"})

    assert [] == rates(tree)[1]


def test_a_port_that_is_down_is_neither_slow_nor_a_measure(tree):
    """It reports the rate of another age, and it is reported as down."""
    tree.add("mlx5_0", files=SLOW)
    tree.add("mlx5_0", "mlx5_7", files={"ports/1/state": "1: DOWN", "ports/1/rate": "800 Gb/sec (4X XDR)"})

    assert ({"mlx5_0": 0, "mlx5_7": 0}, []) == rates(tree)
