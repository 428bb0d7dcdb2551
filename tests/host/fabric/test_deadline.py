"""A device that does not answer: a pipe in the place of a counter blocks its reader as hung firmware does."""

from __future__ import annotations

import threading

import pytest

from pdwatch.host.fabric import FabricCollector
from pdwatch.host.fabric.lanes import Lanes

COUNTER = "ports/1/counters/symbol_error"
DEADLINE = 1.5
"""Long enough for the devices that answer, on a busy machine too."""
SHORT = 0.2


@pytest.fixture
def hung(tree):
    """Three devices of which the first in order blocks, and its folder."""
    folder = tree.add("mlx5_0")
    tree.add("mlx5_1")
    tree.add("rdmap16s27")
    tree.block(folder / COUNTER)
    return tree


def readers():
    """How many threads read devices."""
    return sum(thread.name == "fabric" for thread in threading.enumerate())


def stale(reading):
    """The names of the devices that did not answer."""
    return [device.name for device in reading.devices if device.stale]


def test_the_others_are_read(hung):
    """Before the deadline, however long the first blocks."""
    reading = FabricCollector(hung.root, deadline=DEADLINE).collect()

    assert ["mlx5_0"] == stale(reading)
    assert ["mlx5_1", "rdmap16s27"] == [port.device for port in reading.ports]


def test_the_reason_names_the_file(hung):
    """How long, and where it hangs."""
    now = [100.0]
    collector = FabricCollector(hung.root, deadline=SHORT, monotonic=lambda: now[0])
    collector.collect()
    now[0] = 112.0

    assert f"no answer for 12.0 s while reading {COUNTER}; not read again until it answers" == (
        collector.collect().devices[0].stale
    )


def test_a_hung_device_is_not_read_again(hung, until):
    """However often one collects, one thread hangs on it, not one more for each collection."""
    collector = FabricCollector(hung.root, deadline=DEADLINE)
    readings = [collector.collect() for _ in range(4)]

    assert [["mlx5_0"]] * 4 == [stale(reading) for reading in readings]
    until(lambda: 1 == readers())


def test_a_device_that_answers_again_is_read_again(hung, until):
    """Its values come back with the time of the answer, and nothing of the late reading is reported."""
    now = [10.0]
    collector = FabricCollector(hung.root, deadline=DEADLINE, clock=lambda: now[0])
    first = collector.collect().devices[0]
    hung.release()
    now[0] = 20.0
    until(lambda: not stale(collector.collect()))
    second = collector.collect()

    assert (None, 20.0) == (first.answered_at, second.devices[0].answered_at)
    assert 0 == second.ports[0].raw["counters/symbol_error"]


def test_what_was_known_of_a_hung_device_stays(tree):
    """A device that hangs later keeps its facts and the time of its last answer, and has no ports."""
    folder = tree.add("mlx5_0")
    now = [10.0]
    collector = FabricCollector(tree.root, deadline=DEADLINE, clock=lambda: now[0])
    collector.collect()
    tree.block(folder / COUNTER)
    now[0] = 20.0
    reading = collector.collect()

    assert ("mlx5", "28.43.2026", 10.0) == (
        reading.devices[0].driver,
        reading.devices[0].firmware,
        reading.devices[0].answered_at,
    )
    assert (20.0, ()) == (reading.at, reading.ports)


def test_every_device_hung(tree):
    """All of them, in one deadline: each is stale, and there is still a reading."""
    for number in range(4):
        tree.block(tree.add("mlx5_0", f"mlx5_{number}") / COUNTER)
    reading = FabricCollector(tree.root, deadline=SHORT, patience=0.05).collect()

    assert [f"mlx5_{number}" for number in range(4)] == stale(reading)


def test_no_thread_stays(tree, until):
    """A host whose devices answer has no thread between two collections."""
    tree.add("mlx5_0")
    reading = FabricCollector(tree.root, deadline=30.0).collect()

    assert [] == stale(reading)
    until(lambda: 0 == readers())


def test_jobs_share_a_thread_while_they_are_quick():
    """Short reads in many threads cost ten times the CPU time."""
    lanes = Lanes("test", patience=30.0, deadline=30.0, clock=lambda: 5.0)
    threads = lanes.run({str(number): threading.get_ident for number in range(8)})

    assert (8, 1) == (len(threads), len(set(threads.values())))


def test_a_job_that_hangs_is_not_run_twice():
    """Others run meanwhile; it is known since when it hangs."""
    gate, ran = threading.Event(), []
    lanes = Lanes("test", patience=0.05, deadline=0.05, clock=lambda: 5.0)
    first = lanes.run({"hangs": gate.wait})
    second = lanes.run({"hangs": lambda: ran.append("hangs")})
    hanging = lanes.hanging()
    gate.set()

    assert ({}, {}, []) == (first, second, ran)
    assert {"hangs": 5.0} == hanging
