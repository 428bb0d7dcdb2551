"""Faults as data, so that a scenario can plan them and a test can ask for them by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pdwatch.demo.model.fleet import Fleet


class Do(StrEnum):
    """What can be done to a fleet while it runs."""

    KILL = "kill"
    STOP = "stop"
    START = "start"
    RESTART = "restart"
    SLOW = "slow"
    WEIGHT = "weight"
    BANDWIDTH = "bandwidth"
    FAIL_TRANSFERS = "fail_transfers"
    RECOMPUTE = "recompute"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something done at `at` simulated seconds; `worker` is empty where it concerns the whole fleet."""

    do: Do
    worker: str = ""
    factor: float = 1.0
    """Of `slow`, `weight` and `bandwidth`; the share of requests for `fail_transfers` and `recompute`."""
    at: float = 0.0


_ACTIONS: dict[Do, Callable[[Fleet, Fault], None]] = {
    Do.KILL: lambda fleet, fault: fleet.kill(fault.worker),
    Do.STOP: lambda fleet, fault: fleet.stop(fault.worker),
    Do.START: lambda fleet, fault: fleet.start(fault.worker),
    Do.RESTART: lambda fleet, fault: fleet.restart(fault.worker),
    Do.SLOW: lambda fleet, fault: fleet.slow(fault.worker, fault.factor),
    Do.WEIGHT: lambda fleet, fault: fleet.set_weight(fault.worker, fault.factor),
    Do.BANDWIDTH: lambda fleet, fault: fleet.set_bandwidth(fault.factor, [fault.worker] if fault.worker else []),
    Do.FAIL_TRANSFERS: lambda fleet, fault: fleet.set_transfer_failure(fault.factor),
    Do.RECOMPUTE: lambda fleet, fault: fleet.set_recompute_share(fault.factor),
}


def apply_fault(fleet: Fleet, fault: Fault) -> None:
    """Do it, whatever the time. Raises `ValueError` for an unknown worker."""
    _ACTIONS[fault.do](fleet, fault)


def plan_fault(fleet: Fleet, fault: Fault) -> None:
    """Do it when the fleet reaches its time."""
    fleet.timeline.at(fault.at, apply_fault, fleet, fault)
