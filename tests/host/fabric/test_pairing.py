"""Which card is near which GPU."""

from __future__ import annotations

from pdwatch.host.fabric import FabricCollector, Nearness, Pairing, pair

SWITCH = "pci0000:15/0000:15:01.0/0000:16:00.0"
FAR = {"device/numa_node": "1"}


def pairs(tree, *gpus):
    """The nearest devices of each GPU."""
    return pair(gpus, FabricCollector(tree.root).collect().devices, tree.root)


def test_a_card_below_the_same_switch_is_nearest(tree):
    """Not the one on the same root and not the one on the other socket."""
    tree.add("mlx5_0", bus=f"{SWITCH}/0000:17:00.0/0000:18:00.0")
    tree.add("mlx5_0", "mlx5_1", bus="pci0000:15/0000:15:02.0/0000:28:00.0")
    tree.add("mlx5_0", "mlx5_2", bus="pci0000:97/0000:97:01.0/0000:98:00.0", files=FAR)
    tree.pci(f"{SWITCH}/0000:17:01.0/0000:1b:00.0", numa_node=0)

    assert {"0000:1B:00.0": Pairing(("mlx5_0",), Nearness.SWITCH)} == pairs(tree, "0000:1B:00.0")


def test_more_bridges_in_common_are_nearer(tree):
    """Of two cards below the same upper switch, the one on the GPU's own lower switch."""
    tree.add("mlx5_0", bus=f"{SWITCH}/0000:17:00.0/0000:18:00.0")
    tree.add("mlx5_0", "mlx5_1", bus=f"{SWITCH}/0000:17:01.0/0000:19:00.0/0000:1a:00.0/0000:1c:00.0")
    tree.pci(f"{SWITCH}/0000:17:01.0/0000:19:00.0/0000:1a:01.0/0000:1b:00.0", numa_node=0)

    assert ("mlx5_1",) == pairs(tree, "0000:1b:00.0")["0000:1b:00.0"].devices


def test_the_same_root_is_nearer_than_the_same_node(tree):
    """Where no switch is shared, the root port's complex decides."""
    tree.add("mlx5_0", bus="pci0000:15/0000:15:01.0/0000:18:00.0")
    tree.add("mlx5_0", "mlx5_1", bus="pci0000:25/0000:25:01.0/0000:28:00.0")
    tree.pci("pci0000:25/0000:25:05.0/0000:2b:00.0", numa_node=0)

    assert {"0000:2b:00.0": Pairing(("mlx5_1",), Nearness.ROOT)} == pairs(tree, "0000:2b:00.0")


def test_equally_near_cards_are_all_named(tree):
    """Two cards on the GPU's NUMA node and one on the other."""
    tree.add("mlx5_0", bus="pci0000:15/0000:18:00.0")
    tree.add("mlx5_0", "mlx5_1", bus="pci0000:25/0000:28:00.0")
    tree.add("mlx5_0", "mlx5_2", bus="pci0000:97/0000:98:00.0", files=FAR)
    tree.pci("pci0000:35/0000:3b:00.0", numa_node=0)

    assert {"0000:3b:00.0": Pairing(("mlx5_0", "mlx5_1"), Nearness.NUMA_NODE)} == pairs(tree, "0000:3b:00.0")


def test_an_unknown_node_is_no_common_node(tree):
    """Two devices of which the kernel does not know the node are only on the same host."""
    tree.add("mlx5_0", bus="pci0000:15/0000:18:00.0", files={"device/numa_node": "-1"})
    tree.pci("pci0000:35/0000:3b:00.0", numa_node=-1)

    assert {"0000:3b:00.0": Pairing(("mlx5_0",), Nearness.HOST)} == pairs(tree, "0000:3b:00.0")


def test_software_devices_are_near_no_gpu(tree):
    """A device on no PCI bus is not offered."""
    tree.add("siw0")
    tree.pci("pci0000:35/0000:3b:00.0", numa_node=0)

    assert {} == pairs(tree, "0000:3b:00.0")


def test_a_gpu_that_sysfs_does_not_know(tree):
    """In a container without the bus, every card is somewhere on the host."""
    tree.add("mlx5_0", bus="pci0000:15/0000:18:00.0")

    assert {"0000:3b:00.0": Pairing(("mlx5_0",), Nearness.HOST)} == pairs(tree, "0000:3b:00.0")
