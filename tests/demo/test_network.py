"""Links shared by transfers."""

from __future__ import annotations

import pytest

from pdwatch.demo.model.network import Network, Transfer
from pdwatch.demo.model.spec import NetworkSpec
from pdwatch.demo.model.timeline import Timeline


class Wire:
    """A network of 100 bytes per microsecond that notes when transfers arrive."""

    def __init__(self):
        self.timeline = Timeline()
        self.network = Network(NetworkSpec(bytes_per_second=1e8), self.timeline)
        self.arrived = {}

    def send(self, name, sender, receiver, size=1e8):
        transfer = Transfer(sender, receiver, size, lambda: self.arrived.setdefault(name, self.timeline.now))
        self.network.send(transfer)
        return transfer


@pytest.fixture
def wire():
    return Wire()


def test_a_transfer_alone_has_the_link(wire):
    """Bytes over bandwidth."""
    wire.send("a", "p0", "d0")
    wire.timeline.run_until(10.0)

    assert {"a": pytest.approx(1.0)} == wire.arrived


def test_two_transfers_to_one_host_share_its_link(wire):
    """The second half of the longer one is faster again."""
    wire.send("a", "p0", "d0")
    wire.send("b", "p1", "d0", size=2e8)
    wire.timeline.run_until(10.0)

    assert {"a": pytest.approx(2.0), "b": pytest.approx(3.0)} == wire.arrived


def test_transfers_between_other_hosts_do_not_disturb(wire):
    """Only a common host is shared."""
    wire.send("a", "p0", "d0")
    wire.send("b", "p1", "d1")
    wire.timeline.run_until(10.0)

    assert {"a": pytest.approx(1.0), "b": pytest.approx(1.0)} == wire.arrived


def test_bandwidth_can_fall_on_the_way(wire):
    """What is left travels at the new rate."""
    wire.send("a", "p0", "d0")
    wire.timeline.run_until(0.5)
    wire.network.set_bandwidth_factor(0.1, ["d0"])
    wire.timeline.run_until(10.0)

    assert {"a": pytest.approx(5.5)} == wire.arrived


def test_cancelled_transfer_never_arrives_and_frees_the_link(wire):
    """The other one has the link for itself from then on."""
    wire.send("a", "p0", "d0")
    wire.network.cancel(wire.send("b", "p1", "d0"))
    wire.timeline.run_until(10.0)

    assert {"a": pytest.approx(1.0)} == wire.arrived
