"""`python -m pdwatch.host.fabric`."""

from __future__ import annotations

from pdwatch.host.fabric.__main__ import main
from pdwatch.host.fabric.show import table
from pdwatch.model.port import DeviceReading, FabricReading

WHOLE = """\
port      driver  link        state   rate      interface  pci           numa  received  sent   notes
mlx5_0/1  mlx5    ethernet    active  400 Gb/s  eth5       0000:18:00.0  0     100 TB    96 TB  saturated: tx_wait_ticks
mlx5_1/1  mlx5    infiniband  active  800 Gb/s  -          0000:18:00.0  0     4 kB      4 kB   {broken}
mlx5_2/1  mlx5    infiniband  down    -         -          0000:18:00.0  0     0 B       0 B
mlx5_9/1  mlx5    ethernet    active  100 Gb/s  -          0000:18:00.0  0     100 TB    96 TB  {slow}
siw0/1    siw     -           down    -         -          -             -     -         -
"""
BROKEN = "unreadable: counters/link_downed (empty) and 1 more"
SLOW = "slower than its siblings (400 Gb/s)"


def test_a_line_for_each_port(tree, capsys):
    """What it is, what went through it, and what is wrong with it."""
    tree.add("mlx5_0", files={"ports/1/gid_attrs/ndevs/0": "eth5"})
    broken = {"local_link_integrity_errors": "", "symbol_error": "0", "link_downed": ""}
    tree.add("mlx5_1", files={f"ports/1/counters/{name}": text for name, text in broken.items()})
    tree.add("mlx5_2")
    files = {"ports/1/rate": "100 Gb/sec (4X EDR)", "ports/1/counters/port_xmit_wait": "0"}
    tree.add("mlx5_0", "mlx5_9", files=files)
    tree.add("siw0", files={"ports/1/link_layer": "Unknown"})
    code = main(["--path.sysfs", str(tree.root)])

    assert (0, WHOLE.format(broken=BROKEN, slow=SLOW)) == (code, capsys.readouterr().out)


def test_a_device_that_hangs_has_a_line():
    """It has no port to show, but a reason."""
    device = DeviceReading("mlx5_0", driver="mlx5", stale="no answer for 3.0 s")
    lines = table(FabricReading(0.0, (device,))).splitlines()

    assert ["mlx5_0", "mlx5", *"--------", "stale: no answer for 3.0 s"] == lines[1].split(maxsplit=10)


def test_nothing_here(tree, capsys):
    """The reason on the other channel, and its own exit code."""
    code = main(["--path.sysfs", str(tree.root)])

    assert (3, ("", f"no RDMA device: {tree.folder} is not there\n")) == (code, capsys.readouterr())


def test_a_wrong_root(tree, capsys):
    """An error says what to do."""
    tree.folder.parent.mkdir(parents=True)
    tree.folder.write_text("")
    code = main(["--path.sysfs", str(tree.root)])

    assert (1, "") == (code, capsys.readouterr().out)
