"""Who takes part in the closed loop, and the settings of each one's knob from thrifty to generous."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.judging.capacity import Capacity, capacity
from benchmarks.judging.loop import Setting
from benchmarks.judging.policies.advice import SETTINGS, FollowAdvice
from benchmarks.judging.policies.aibrix import Apa
from benchmarks.judging.policies.base import Policy
from benchmarks.judging.policies.dynamo import LATENCY, THROUGHPUT, DynamoLoad, DynamoThroughput, load_bands
from benchmarks.judging.policies.fixed import Hold
from benchmarks.judging.policies.heteroscale import HeteroScale
from benchmarks.judging.policies.kubernetes import Hpa, Keda
from benchmarks.judging.policies.ray_serve import RayServe
from benchmarks.judging.policies.wva import WvaV1, WvaV2
from pdwatch.demo.model import Role


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a policy may be tuned with before a run: its knob, the setting, and what a worker carries at second 0."""

    name: str
    knob: float
    setting: Setting
    able: Capacity


@dataclass(frozen=True, slots=True)
class Entry:
    """A policy, how to make it, and its knob; the first value is the documented default where there is one."""

    name: str
    make: Callable[[Tuning], Policy]
    knobs: tuple[float, ...] = (1.0,)


def _heteroscale(t: Tuning) -> Policy:
    first = t.setting.spec.load.at(0.0)
    prefill, decode = t.able.needed(first.rate, t.knob, t.knob)
    target = t.knob * t.able.decode * first.output_tokens
    return HeteroScale(t.name, target, prefill / decode, t.setting.objective.tpot)


def _ray_serve(t: Tuning) -> Policy:
    return RayServe(t.name, {Role.PREFILL: 3.0 * t.knob, Role.DECODE: t.knob * t.able.decode_requests})


def _dynamo_sla(t: Tuning) -> Policy:
    return DynamoThroughput(t.name, t.setting.objective, t.knob, 180.0 if t.knob == 1.0 else 60.0)


LINEUP = (
    Entry("pdwatch", lambda t: FollowAdvice(t.name, int(t.knob)), tuple(map(float, range(len(SETTINGS))))),
    Entry("hold", lambda t: Hold(t.name)),
    Entry("hpa", lambda t: Hpa(t.name, t.knob), (2.0, 8.0, 0.5, 0.2)),
    Entry("keda", lambda t: Keda(t.name, t.knob), (5.0, 20.0, 1.0)),
    Entry("wva-v1", lambda t: WvaV1(t.name, t.knob), (0.8, 0.6, 0.4)),
    Entry("wva-v1-roles", lambda t: WvaV1(t.name, t.knob, by_role=True), (0.8, 0.6, 0.4)),
    Entry("wva-v2", lambda t: WvaV2(t.name, t.knob), (0.85, 0.65, 0.45, 0.3)),
    Entry("heteroscale", _heteroscale, (0.7, 0.5, 0.35, 0.25)),
    Entry("aibrix-apa", lambda t: Apa(t.name, t.knob), (0.5, 0.7, 0.3, 0.2)),
    Entry("ray-serve", _ray_serve, (0.6, 0.9, 0.35, 0.25)),
    Entry("dynamo-throughput", lambda t: DynamoLoad(t.name, THROUGHPUT)),
    Entry("dynamo-latency", lambda t: DynamoLoad(t.name, LATENCY)),
    Entry("dynamo-load", lambda t: DynamoLoad(t.name, load_bands(t.knob)), (0.5, 0.2)),
    Entry("dynamo-sla", _dynamo_sla, (1.0, 0.7, 0.5)),
)


def policy(entry: Entry, knob: float, setting: Setting) -> Policy:
    """Return a fresh policy of *entry* for one run of *setting*."""
    able = capacity(setting.spec, setting.spec.load.at(0.0), setting.objective)
    return entry.make(Tuning(entry.name, knob, setting, able))
