"""A simulated prefill/decode fleet: `model` is the simulation, `start_fleet` and `run` put it behind real HTTP.

Only `run` and `start_fleet` need aiohttp; it is loaded when one of them is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pdwatch.demo.options import Options
from pdwatch.demo.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from pdwatch.demo.command import run
    from pdwatch.demo.server import Place, RunningFleet, start_fleet

__all__ = ["SCENARIOS", "Options", "Place", "RunningFleet", "Scenario", "run", "start_fleet"]

_NEED_HTTP = {"run": "command", "RunningFleet": "server", "Place": "server", "start_fleet": "server"}


def __getattr__(name: str) -> object:
    if name not in _NEED_HTTP:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"pdwatch.demo.{_NEED_HTTP[name]}"), name)
