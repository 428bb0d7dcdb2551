"""Hosts over time: what a reading tells only beside earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.gpu import GpuProcess, GpuReading, GpuXid, NvmlReading
from pdwatch.model.host import HostOrigin, HostReading, HostState
from pdwatch.model.hostsignals import GpuSignals, HostSignals, PortSignals
from pdwatch.model.logline import FaultKind, HostLogs, SourceLog
from pdwatch.model.port import DeviceReading, FabricReading, PortReading, PortState
from pdwatch.model.port import PortCounter as C
from pdwatch.signals.host import HostSignalsWatch

Look = Callable[..., HostSignals]


@pytest.fixture
def look() -> Look:
    """Let one watch see a host at a time, and return what it knows then."""
    watch = HostSignalsWatch(Thresholds(), 60.0)

    def see(
        at: float,
        gpus: Sequence[GpuReading] = (),
        ports: Sequence[PortReading] = (),
        devices: Sequence[DeviceReading] = (),
        logs: HostLogs | None = None,
        **state: Any,
    ) -> HostSignals:
        nvml = NvmlReading(at, tuple(gpus)) if gpus else None
        fabric = FabricReading(at, tuple(devices), tuple(ports)) if ports or devices else None
        reading = HostReading("n", HostOrigin.AGENT, at, gpus=nvml, fabric=fabric, logs=logs)
        watch.observe(HostState("n", (HostOrigin.AGENT,), True, 0.0, reading=reading, **state))
        return watch.signals(at).get("n", HostSignals())

    return see


def _port(state: PortState = PortState.ACTIVE, **counters: int) -> PortReading:
    return PortReading("mlx5_0", 1, state, counters={C(name): value for name, value in counters.items()})


def _of(signals: HostSignals) -> PortSignals:
    return signals.ports["mlx5_0", 1]


def _throttling(seconds: float | None, *reasons: str, **changed: Any) -> GpuReading:
    timed = None if seconds is None else {"hw_thermal_slowdown": seconds}
    return GpuReading(0, throttled_seconds=timed, clocks_event_reasons=reasons, **changed)


def test_rates_take_two_readings(look: Look) -> None:
    """The first look at a port with a history says nothing about errors."""
    first = _of(look(0.0, ports=[_port(link_downed=200)]))
    second = _of(look(5.0, ports=[_port(link_downed=201)]))

    assert ({}, {C.LINK_DOWNED: 0.2}) == (first.rates, second.rates)


def test_a_stale_host_adds_nothing(look: Look) -> None:
    """Its last reading comes again and again."""
    look(0.0, ports=[_port(link_downed=0)])

    assert {} == _of(look(5.0, ports=[_port(link_downed=9)], stale=True)).rates


def test_a_port_remembers_that_it_was_up(look: Look) -> None:
    """Down now, active before; down from the start is another matter."""
    fresh = _of(look(0.0, ports=[_port(PortState.DOWN)]))
    look(5.0, ports=[_port()])

    assert (False, True) == (fresh.was_active, _of(look(10.0, ports=[_port(PortState.DOWN)])).was_active)


def test_a_port_that_is_no_longer_listed_is_gone(look: Look) -> None:
    """Until it is forgotten."""
    other = PortReading("mlx5_1", 1, PortState.ACTIVE)
    look(0.0, ports=[_port(), other])
    soon, late = look(5.0, ports=[other]), look(700.0, ports=[other])

    assert not _of(soon).present
    assert {("mlx5_1", 1)} == set(late.ports)


def test_a_device_that_answers_late_is_not_gone(look: Look) -> None:
    """It is listed without its ports."""
    look(0.0, ports=[_port()])

    assert _of(look(5.0, devices=[DeviceReading("mlx5_0", stale="no answer for 2 s")])).present


def test_waiting_for_credit_is_learned_under_traffic(look: Look) -> None:
    """One tick a word sent, minute after minute; without traffic there is nothing to judge."""
    seen = [
        _of(look(n * 10.0, ports=[_port(tx_bytes=n * 4_000_000_000, tx_wait_ticks=n * 1_000_000_000)]))
        for n in range(6)
    ]
    idle = _of(look(200.0, ports=[_port(tx_bytes=20_000_000_000, tx_wait_ticks=5_000_000_000)]))

    assert [None, 1.0, 1.0] == [port.wait_ratio for port in seen[:3]]
    assert (None, 1.0) == (seen[3].wait_baseline, seen[5].wait_baseline)
    assert None is idle.wait_ratio


def test_throttling_by_the_drivers_durations(look: Look) -> None:
    """Two of five seconds; what was before the first look is not counted."""
    look(0.0, gpus=[_throttling(900.0)])

    assert {"hw_thermal_slowdown": 0.4} == look(5.0, gpus=[_throttling(902.0)]).gpus[0].throttled


def test_throttling_by_looks_where_no_durations_are_kept(look: Look) -> None:
    """Half of the looks found it so; idle clocks are no throttling."""
    first = look(0.0, gpus=[_throttling(None, "hw_power_brake_slowdown", "gpu_idle")])
    second = look(5.0, gpus=[_throttling(None, "gpu_idle")])

    assert ({}, {"hw_power_brake_slowdown": 0.5}) == (first.gpus[0].throttled, second.gpus[0].throttled)


def test_durations_count_before_looks(look: Look) -> None:
    """A reason seen at an instant that took no time is none; only a hardware slowdown has no duration."""
    for at in (0.0, 5.0):
        seen = look(at, gpus=[_throttling(10.0, "sw_power_cap", "hw_slowdown")])

    assert {"hw_slowdown": 1.0} == seen.gpus[0].throttled


@pytest.mark.parametrize(
    ("busy", "generations", "below"),
    [
        ((0.9, 0.8), (3, 3), True),
        ((0.0, 0.1), (1, 1), False),
        ((0.9, 0.9), (1, 5), False),
        ((None, None), (1, 1), False),
    ],
    ids=["busy", "idle", "woke up", "utilization unknown"],
)
def test_a_pcie_link_is_judged_under_load(
    busy: tuple[float | None, ...], generations: tuple[int, ...], below: bool, look: Look
) -> None:
    """An idle GPU saves power."""
    for n, (ratio, generation) in enumerate(zip(busy, generations, strict=True)):
        gpu = GpuReading(0, utilization_ratio=ratio, pcie_generation=generation, pcie_generation_max=5)
        seen = look(n * 5.0, gpus=[gpu])

    assert below is seen.gpus[0].pcie_below


def test_uncorrected_errors_are_recent_when_they_grow(look: Look) -> None:
    """Those from before are history, and so are those of long ago."""
    ages = [
        look(at, gpus=[GpuReading(0, ecc_uncorrected_volatile_total=total)]).gpus[0].uncorrected_seconds_ago
        for at, total in ((0.0, 5), (5.0, 5), (10.0, 6), (310.0, 6), (610.0, 6), (611.0, 6))
    ]

    assert [None, None, 0.0, 300.0, 600.0, None] == ages


def test_xids_are_told_while_they_are_recent(look: Look) -> None:
    """By when each came last."""
    sick = GpuReading(0, xids=(GpuXid(79, 1, 100.0), GpuXid(13, 2, 650.0)))

    assert {79: 500.0} | {13: -0.0} == look(600.0, gpus=[sick]).gpus[0].xids
    assert {13: 51.0} == look(701.0, gpus=[sick]).gpus[0].xids


def test_a_lost_gpu_remembers_its_processes_and_links(look: Look) -> None:
    """It has no values any more."""
    look(0.0, gpus=[GpuReading(0, uuid="GPU-a", nvlinks_active=18, processes=(GpuProcess(42),))])
    lost = look(5.0, gpus=[GpuReading(0, uuid="GPU-a")]).gpus[0]

    assert ((42,), 18) == (lost.pids, lost.nvlinks_most)


def test_gpus_keep_their_history_when_they_are_numbered_anew(look: Look) -> None:
    """A UUID stays, an index need not."""
    look(0.0, gpus=[GpuReading(1, uuid="GPU-a", nvlinks_active=18)])
    moved = look(5.0, gpus=[GpuReading(0, uuid="GPU-a", nvlinks_active=12)]).gpus

    assert {0: 18} == {index: gpu.nvlinks_most for index, gpu in moved.items()}


def test_faults_of_logs_are_told_while_they_are_recent(look: Look) -> None:
    """By the time at which the line was read."""
    log = SourceLog("a.log", faults={FaultKind.OUT_OF_MEMORY: 3}, fault_at={FaultKind.OUT_OF_MEMORY: 100.0})

    assert {FaultKind.OUT_OF_MEMORY: {"a.log": 20.0}} == look(120.0, logs=HostLogs((log,))).faults
    assert {} == look(701.0, logs=HostLogs((log,))).faults


def test_a_host_that_left_is_forgotten() -> None:
    """Its counters begin anew when it comes back; one that was never read is none."""
    watch = HostSignalsWatch(Thresholds(), 60.0)
    watch.observe(HostState("n", (), False, None))
    reading = HostReading("n", HostOrigin.AGENT, 0.0, fabric=FabricReading(0.0, (), (_port(),)))
    unread = dict(watch.signals(0.0))
    watch.observe(HostState("n", (HostOrigin.AGENT,), True, 0.0, reading=reading))
    known = set(watch.signals(0.0))
    watch.keep(())

    assert ({}, {"n"}, {}) == (unread, known, dict(watch.signals(0.0)))


def test_other_settings_begin_new_windows() -> None:
    """The same settings change nothing."""
    watch = HostSignalsWatch(Thresholds(), 60.0)
    reading = HostReading("n", HostOrigin.AGENT, 0.0, gpus=NvmlReading(0.0, (GpuReading(0),)))
    watch.observe(HostState("n", (HostOrigin.AGENT,), True, 0.0, reading=reading))
    watch.configure(Thresholds(), 60.0)
    kept = watch.signals(0.0)["n"].gpus
    watch.configure(Thresholds(), 30.0)

    assert {0: GpuSignals()} == kept
    assert {} == watch.signals(0.0)
