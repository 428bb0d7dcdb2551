"""Fabric ports: down, slow, failing, congested, blind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.gpu import GpuReading
from pdwatch.model.hostsignals import HostSignals, PortSignals
from pdwatch.model.judgement import Severity
from pdwatch.model.port import PhysicalState, PortReading, PortState
from pdwatch.model.port import PortCounter as C
from pdwatch.model.snapshot import Trouble

Named = Callable[..., list[Hit]]
Make = Callable[..., Any]
DOWN = {"state": PortState.DOWN, "physical_state": PhysicalState.POLLING, "rate_bits_per_second": None}
FABRIC = ("fabric_port_down", "fabric_rate_degraded", "fabric_errors", "fabric_congested", "counter_saturated")


def _seen(device: str = "mlx5_0", **told: Any) -> HostSignals:
    return HostSignals(ports={(device, 1): PortSignals(60.0, **told)})


@pytest.mark.parametrize("finding", FABRIC)
@pytest.mark.parametrize("first_window", [True, False])
def test_a_healthy_or_fresh_port_is_not_named(finding: str, first_window: bool, named: Named, port: Make) -> None:
    """Traffic without errors, or no second reading yet."""
    rates = {C.RX_BYTES: 2e10, C.RX_PACKETS: 5e6, C.SYMBOL_ERRORS: 0.5, C.RETRIES_EXHAUSTED: 0.0}
    seen = HostSignals() if first_window else _seen(rates=rates, was_active=True)

    assert [] == named(finding, ports=[port()], signals=seen)


def test_a_port_that_went_down_names_worker_host_and_port(named: Named, port: Make) -> None:
    """It was active before."""
    found = named("fabric_port_down", ports=[port(**DOWN)], signals=_seen(was_active=True))

    assert [{"role": "decode", "worker": "decode-0", "host": "node1", "port": "mlx5_0/1"}] == [h.scope for h in found]
    assert ["Port mlx5_0/1 of node1 went down (state down, link polling): decode-0 moves KV through it."] == [
        hit.summary for hit in found
    ]


def test_a_port_that_never_was_up_is_not_in_use(named: Named, port: Make) -> None:
    """Cards have two ports, and often only one has a cable."""
    unused = dict[str, Any](
        gpus=[GpuReading(0)], ports=[port(), port("mlx5_1", **DOWN)], nearest={0: ("mlx5_0", "mlx5_1")}
    )

    assert [] == named("fabric_port_down", **unused)


def test_a_gpu_whose_only_port_is_down_from_the_start_is_named(named: Named, port: Make) -> None:
    """Its neighbour has a port of its own that is up."""
    gpus = [GpuReading(0), GpuReading(1)]
    cut = dict[str, Any](gpus=gpus, ports=[port(), port("mlx5_1", **DOWN)], nearest={0: ("mlx5_0",), 1: ("mlx5_1",)})
    found = named("fabric_port_down", **cut)

    assert ["mlx5_1/1"] == [hit.scope["port"] for hit in found]
    assert "GPU 1 has no other near it" in found[0].summary


def test_a_link_without_subnet_manager_is_a_warning(named: Named, port: Make) -> None:
    """The cable is fine, the port stays in init."""
    waiting = port(state=PortState.INIT, rate_bits_per_second=None)

    assert [Severity.WARNING] == [h.severity for h in named("fabric_port_down", ports=[waiting])]


def test_a_device_that_vanished_takes_its_port_along(named: Named, port: Make) -> None:
    """The reading no longer lists it."""
    seen = _seen("mlx5_1", was_active=True, present=False)

    assert ["mlx5_1/1"] == [h.scope["port"] for h in named("fabric_port_down", ports=[port()], signals=seen)]


def test_a_stale_host_is_not_judged(named: Named, port: Make) -> None:
    """What it said last may have been mended."""
    gone = dict[str, Any](ports=[port(**DOWN)], signals=_seen(was_active=True), stale=True)

    assert [] == named("fabric_port_down", **gone)


def test_a_state_that_nobody_tells_is_not_down(named: Named, port: Make) -> None:
    """An exporter may not give it."""
    assert [] == named("fabric_port_down", ports=[port(state=None)], signals=_seen(was_active=True))


def test_a_port_slower_than_its_siblings_is_named(named: Named, port: Make) -> None:
    """Half the lanes trained."""
    slow = port(rate_bits_per_second=200_000_000_000)
    found = named("fabric_rate_degraded", ports=[slow])

    assert 1 == len(found)
    assert (
        "Port mlx5_0/1 of node1 runs at 200 Gb/s where others of its kind on this host run at 400 Gb/s: "
        "transfers of decode-0 through it are slower."
    ) == found[0].summary


def test_an_only_port_is_compared_with_its_own_past(named: Named, port: Make) -> None:
    """It came back from a flap at a lower speed."""
    slow = port(rate_bits_per_second=100_000_000_000, sibling_rate_bits_per_second=None)
    once_fast = _seen(fastest_bits_per_second=400_000_000_000)
    found = named("fabric_rate_degraded", ports=[slow], signals=once_fast)

    assert ["where it has run before at 400 Gb/s" in hit.summary for hit in found] == [True]
    assert [] == named("fabric_rate_degraded", ports=[slow])


@pytest.mark.parametrize(
    ("counter", "rate", "severity"),
    [
        (C.RETRIES_EXHAUSTED, 0.1, Severity.CRITICAL),
        (C.LINK_DOWNED, 0.02, Severity.CRITICAL),
        (C.SYMBOL_ERRORS, 11.0, Severity.WARNING),
        (C.RNR_NAKS, 11.0, Severity.WARNING),
        (C.OUT_OF_SEQUENCE, 101.0, Severity.WARNING),
        (C.SYMBOL_ERRORS, 10.0, None),
        (C.RNR_NAKS, 10.0, None),
        (C.OUT_OF_SEQUENCE, 100.0, None),
        (C.RETRIES_EXHAUSTED, 0.0, None),
    ],
)
def test_errors_count_from_their_threshold_on(
    counter: C, rate: float, severity: Severity | None, named: Named, port: Make
) -> None:
    """Broken connections at once, what is normal on a fast link only beyond a rate."""
    found = named("fabric_errors", ports=[port()], signals=_seen(rates={counter: rate}))

    assert ([] if severity is None else [severity]) == [hit.severity for hit in found]


@pytest.mark.parametrize(
    "peer",
    [
        {"failures": 1, "up": False, "trouble": Trouble.UNREACHABLE},
        {"restarts": 1},
        {"stale": True},
        {"health": 503},
    ],
)
def test_what_a_dead_peer_causes_is_not_held_against_the_fabric(peer: dict[str, Any], named: Named, port: Make) -> None:
    """Acknowledgements stop when the process on the other side dies."""
    rates = {C.RETRANSMIT_TIMEOUTS: 50.0, C.RETRIES_EXHAUSTED: 2.0, C.RNR_NAKS: 90.0}
    decode = dict[str, Any](ports=[port()], signals=_seen(rates=rates))

    assert [] == named("fabric_errors", **decode, changed={"prefill-0": peer})
    assert 1 == len(named("fabric_errors", **decode))


def test_a_dead_peer_excuses_no_broken_link(named: Named, port: Make) -> None:
    """A link that went down may be why the peer does not answer."""
    decode = dict[str, Any](ports=[port()], signals=_seen(rates={C.LINK_DOWNED: 0.02, C.RETRIES_EXHAUSTED: 2.0}))
    found = named("fabric_errors", **decode, changed={"prefill-0": {"failures": 3, "up": False}})

    assert ["Port mlx5_0/1 of node1, used by decode-0: link went down 1.2/min."] == [hit.summary for hit in found]


@pytest.mark.parametrize(("marked", "fires"), [(60_000.0, True), (50_000.0, False), (50.0, False)])
def test_congestion_is_a_share_of_packets(marked: float, fires: bool, named: Named, port: Make) -> None:
    """1.2 % of packets are marked; 1 % is the edge, and a handful never counts."""
    seen = _seen(rates={C.ECN_MARKED: marked, C.RX_PACKETS: 5e6 if marked > 100 else 100.0})

    assert fires == bool(named("fabric_congested", ports=[port()], signals=seen))


@pytest.mark.parametrize(
    ("ratio", "baseline", "fires"), [(3.0, 0.5, True), (3.0, None, False), (3.0, 1.5, False), (0.9, 0.1, False)]
)
def test_waiting_for_credit_is_judged_against_the_ports_own_habit(
    ratio: float, baseline: float | None, fires: bool, named: Named, port: Make
) -> None:
    """Ticks mean different times on different cards."""
    seen = _seen(wait_ratio=ratio, wait_baseline=baseline)

    assert fires == bool(named("fabric_congested", ports=[port()], signals=seen))


@pytest.mark.parametrize(("counter", "severity"), [(C.TX_WAIT_TICKS, Severity.INFO), (C.LINK_DOWNED, Severity.WARNING)])
def test_a_saturated_counter_is_told(counter: C, severity: Severity, named: Named, port: Make) -> None:
    """Blindness matters more where growth alone would be critical."""
    blind: PortReading = port(saturated=frozenset({counter}))
    found = named("counter_saturated", ports=[blind])

    assert [severity] == [hit.severity for hit in found]
    assert counter.value in found[0].summary
