"""The loads of the closed loop, scaled so that their peak needs a handful of workers of each role."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from benchmarks.judging.tables import azure_trace, mooncake_trace
from pdwatch.demo.model import FleetSpec, Load, Performance, Phase, PoolSpec

PERFORMANCE = Performance(pass_base=0.008, per_token=110e-6, attention=7e-9, alpha=0.0208, beta=1.6e-4, gamma=6e-8)
"""One GPU of the H200 class that serves a 32B model: half the prefill speed of the published tables, so that an hour
needs few requests."""
POOL = PoolSpec(gpus=1, kv_blocks=14_000)
TOKENS_IN, TOKENS_OUT, RATE = 2500.0, 350.0, 6.0


def _phase(at: float, rate: float = 1.0, tokens_in: float = 1.0, tokens_out: float = 1.0) -> Phase:
    return Phase(at, RATE * rate, TOKENS_IN * tokens_in, TOKENS_OUT * tokens_out)


def _flat(_: float) -> Load:
    return Load(phases=(_phase(0.0),))


def _drift(seconds: float) -> Load:
    """Prompts grow to double while answers shrink to half, over the whole run."""
    ends = (_phase(0.0, 1.0, 0.7, 1.5), _phase(seconds, 1.0, 1.6, 0.6))
    return Load(phases=ends, smooth=True)


def _diurnal(seconds: float) -> Load:
    """One day in one run: a trough at the ends, a peak of four times it in the middle."""
    steps = 24
    shape = [(seconds * i / steps, 0.9 - 0.6 * math.cos(2 * math.pi * i / steps)) for i in range(steps + 1)]
    return Load(phases=tuple(_phase(at, rate) for at, rate in shape), smooth=True)


def _flash(seconds: float) -> Load:
    """Two crowds of two and a half times the load, of three minutes and of one."""
    phases = [_phase(0.0, 0.6)]
    for share, length in ((0.3, 180.0), (0.7, 60.0)):
        phases += [_phase(share * seconds, 1.5), _phase(share * seconds + length, 0.6)]
    return Load(phases=tuple(phases))


def _flip(seconds: float) -> Load:
    """From long prompts to long answers and back, in thirds."""
    prompts, answers = (1.0, 1.5, 0.5), (1.0, 0.6, 2.5)
    return Load(
        phases=(_phase(0.0, *prompts), _phase(seconds / 3, *answers), _phase(2 * seconds / 3, *prompts)),
    )


def _long(seconds: float) -> Load:
    """Heavy-tailed long answers with a slow swell."""
    middle = _phase(seconds / 2, 0.55, 0.5, 6.0)
    phases = (_phase(0.0, 0.3, 0.5, 6.0), middle, _phase(seconds, 0.3, 0.5, 6.0))
    return Load(phases=phases, smooth=True, output_sigma=0.9)


def _azure(seconds: float, folder: Path) -> Load | None:
    trace = azure_trace(folder, seconds, 4)
    return None if trace is None else Load(trace=trace, phases=(Phase(0.0, 20.0, 1150.0, 210.0),))


def _mooncake(seconds: float, folder: Path) -> Load | None:
    trace = mooncake_trace(folder, seconds)
    return None if trace is None else Load(trace=trace, phases=(Phase(0.0, 3.4, 8000.0, 350.0),))


LOADS: dict[str, Callable[[float], Load]] = {
    "drift": _drift,
    "diurnal": _diurnal,
    "flash": _flash,
    "flat": _flat,
    "flip": _flip,
    "long": _long,
}
"""Each makes a load for a run of so many seconds."""
TRACES: dict[str, Callable[[float, Path], Load | None]] = {"azure": _azure, "mooncake": _mooncake}
"""Loads from files in a folder; None where the file is not there. As a phase they say what the trace begins with, to
size the first fleet."""


def find_load(name: str, seconds: float, folder: Path | None) -> Load | None:
    """Return the load called *name*; None for a trace that is not in *folder*."""
    if name in LOADS:
        return LOADS[name](seconds)
    return None if folder is None else TRACES[name](seconds, folder)


def fleet_spec(load: Load, performance: Performance | None = None) -> FleetSpec:
    """Return a fleet for *load*, its worker counts still to be chosen."""
    return FleetSpec(load=load, prefill=POOL, decode=POOL, performance=performance or PERFORMANCE)
