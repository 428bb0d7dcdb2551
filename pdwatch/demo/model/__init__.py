"""A deterministic discrete-event model of a prefill/decode fleet: no clock, no I/O, hours of fleet time in seconds.

fleet = Fleet(FleetSpec(load=Load.steady(rate=11, input_tokens=1900, output_tokens=320)), seed=1)
fleet.run_until(60.0)
print(fleet.page("decode-0"))
"""

from pdwatch.demo.model.faults import Do, Fault, apply_fault, plan_fault
from pdwatch.demo.model.fleet import Fleet
from pdwatch.demo.model.load import Load, Phase
from pdwatch.demo.model.request import Finished, Outcome
from pdwatch.demo.model.spec import FleetSpec, LoadFailure, NetworkSpec, Performance, Policy, PoolSpec, Role
from pdwatch.demo.model.worker import State, Worker

__all__ = [
    "Do",
    "Fault",
    "Finished",
    "Fleet",
    "FleetSpec",
    "Load",
    "LoadFailure",
    "NetworkSpec",
    "Outcome",
    "Performance",
    "Phase",
    "Policy",
    "PoolSpec",
    "Role",
    "State",
    "Worker",
    "apply_fault",
    "plan_fault",
]
