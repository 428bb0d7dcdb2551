"""Workers that do not fit together: what both sides must share, and who counts as whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.symptoms import WORKER_LOST
from pdwatch.judge.homes import Home, homes, log_faults
from pdwatch.judge.words import seconds
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.logline import FaultKind
from pdwatch.model.process import EngineConfig, KvTransfer
from pdwatch.model.snapshot import WorkerState
from pdwatch.model.target import Role

_MILD = frozenset({"max_model_len", "version", "weights"})
"""Differences that fail some requests or none, where the others spoil every transfer."""
_UNRANKED = ("nixl", "lmcache", "offloading", "multi", "mooncakestore")
"""Beginnings of connector names that make no use of kv_rank."""


@dataclass(slots=True)
class _Told:
    """What is known of one worker that its peers must share."""

    worker: WorkerState
    host: str | None = None
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> dict[str, str]:
        scope = {"role": self.worker.role.value, "worker": self.worker.worker}
        return scope if self.host is None else scope | {"host": self.host}


class _Difference(NamedTuple):
    fact: str
    own: str
    others: str


def _mismatch(view: View) -> Iterator[Hit]:
    told = [each for each in _told(view) if each.worker.role in (Role.PREFILL, Role.DECODE)]
    found: dict[str, list[_Difference]] = defaultdict(list)
    for group in _by_model(told):
        for fact in dict.fromkeys(fact for each in group for fact in each.facts):
            for name, difference in _odd_ones(group, fact):
                found[name].append(difference)
    for each in told:
        differences = found.get(each.worker.worker)
        if differences:
            parts = ", ".join(f"{one.fact} {one.own} (others {one.others})" for one in differences)
            evidence = tuple(
                Evidence(f"config_{one.fact}_differs", 1.0, "ratio", 0.0, each.scope) for one in differences
            )
            mild = all(one.fact in _MILD for one in differences)
            text = f"{each.worker.worker} does not fit the other side: {parts}."
            yield Hit(each.scope, text, evidence, Severity.WARNING if mild else None)
    yield from _refused(view, found)


def _refused(view: View, known: Mapping[str, Sequence[_Difference]]) -> Iterator[Hit]:
    """Yield workers whose log says that the two sides do not fit, where nothing else told it."""
    for fault in log_faults(view, FaultKind.COMPATIBILITY_MISMATCH):
        age = fault.seconds_ago
        if fault.scope.get("worker") not in known:
            evidence = (Evidence("log_compatibility_mismatch_seconds_ago", age, "seconds", None, fault.scope),)
            text = (
                f"{fault.who} refused a peer {seconds(age)} ago, says its log: model, cache layout or version of the two sides "
                "differ."
            )
            yield Hit(fault.scope, text, evidence)


def _told(view: View) -> list[_Told]:
    told = {worker.worker: _Told(worker, worker.host, _page_facts(worker)) for worker in view.service.workers}
    for home in homes(view):
        each = told[home.worker.worker]
        each.host = home.host
        if home.config is not None:
            each.facts = _argument_facts(home.config) | each.facts
    return list(told.values())


def _page_facts(worker: WorkerState) -> dict[str, str]:
    facts = {"model": worker.model, "version": worker.version, "block_size": worker.cache.get("block_size")}
    facts["kv_cache_dtype"] = _cache_dtype(worker.cache.get("cache_dtype"))
    facts["mamba_cache_dtype"] = _cache_dtype(worker.cache.get("mamba_cache_dtype"))
    return {name: value for name, value in facts.items() if value}


def _argument_facts(config: EngineConfig) -> dict[str, str]:
    """Return what the arguments tell. What they leave out is the engine's default, of which nothing is known."""
    dtype = _DTYPES.get(config.dtype or "auto", config.dtype)
    facts = {
        "weights": _weights(config.model),
        "dtype": None if dtype == "auto" else dtype,
        "block_size": None if config.block_size is None else str(config.block_size),
        "max_model_len": None if config.max_model_len is None else str(config.max_model_len),
        "kv_cache_dtype": _cache_dtype(config.kv_cache_dtype or (None if config.config_file else "auto")),
    }
    return {name: value for name, value in facts.items() if value}


_DTYPES = {"half": "float16", "float": "float32"}
"""Spellings of one type. Source: vLLM's `--dtype`."""


def _weights(model: str | None) -> str | None:
    """Return the last part of a model's name or path; a cache's path, which ends in a hash, tells nothing."""
    return None if model is None or "snapshots" in model else model.rstrip("/").rpartition("/")[2]


def _cache_dtype(written: str | None) -> str | None:
    """Return `fp8` and its like by one name; everything unquantised as `16 bit`, as `auto` nearly always is."""
    if written is None:
        return None
    if written in ("auto", "bfloat16", "float16", "half"):
        return "16 bit"
    return {"fp8": "fp8_e4m3"}.get(written, written)


def _by_model(told: Sequence[_Told]) -> list[list[_Told]]:
    """Return workers that exchange KV: all, or by model where each model has both sides of its own."""
    groups: dict[str, list[_Told]] = defaultdict(list)
    for each in told:
        if "model" in each.facts:
            groups[each.facts["model"]].append(each)
    if len(groups) < 2:
        return [list(told)]
    both = all({each.worker.role for each in group} == {Role.PREFILL, Role.DECODE} for group in groups.values())
    return list(groups.values()) if both else [list(told)]


def _odd_ones(group: Sequence[_Told], fact: str) -> Iterator[tuple[str, _Difference]]:
    """Yield who differs from what most workers have, prefill's value counting where they are even."""
    known = [each for each in group if fact in each.facts]
    if len({each.worker.role for each in known}) < 2 or len({each.facts[fact] for each in known}) < 2:
        return
    counts = Counter(each.facts[fact] for each in known)
    by_prefill = {each.facts[fact] for each in known if each.worker.role is Role.PREFILL}
    usual = max(counts, key=lambda value: (counts[value], value in by_prefill, value))
    for each in known:
        if each.facts[fact] != usual:
            yield each.worker.worker, _Difference(fact, each.facts[fact], usual)


def _rank_conflict(view: View) -> Iterator[Hit]:
    everyone = [(home, kv) for home in homes(view) if (kv := _ranked(home)) is not None]
    instances: dict[str, list[tuple[Home, KvTransfer]]] = defaultdict(list)
    for home, kv in everyone:
        instances[_instance(home)].append((home, kv))
    complete = sum(home.config is not None for home in homes(view)) == len(view.service.workers)
    holders = Counter(kv.rank for (_, kv), *_ in instances.values() if kv.rank is not None)
    for (home, kv), *_ in instances.values():
        complaints = []
        if kv.rank is not None and holders[kv.rank] > 1:
            complaints.append(f"kv_rank {kv.rank} is given to {holders[kv.rank]} instances")
        if complete and kv.parallel_size not in (None, 1, len(instances)):
            complaints.append(f"kv_parallel_size is {kv.parallel_size} where there are {len(instances)} instances")
        if complaints:
            scope = home.scope()
            evidence = (
                Evidence("kv_rank", kv.rank, "rank", None, scope),
                Evidence("kv_parallel_size", kv.parallel_size, "instances", len(instances), scope),
            )
            severity = Severity.INFO if _ignores_ranks(kv) else None
            yield Hit(scope, f"{home.worker.worker} on {home.host}: {', '.join(complaints)}.", evidence, severity)


def _ranked(home: Home) -> KvTransfer | None:
    """Return the transfer configuration of a worker, where it says something of ranks."""
    kv = home.config.kv if home.config is not None else None
    return kv if kv is not None and (kv.rank is not None or kv.parallel_size is not None) else None


def _ignores_ranks(kv: KvTransfer) -> bool:
    return (kv.connector or "").lower().startswith(_UNRANKED)


def _instance(home: Home) -> str:
    """Return what the endpoints of one engine group share: ranks on several hosts are started with one address."""
    config = home.config
    if config is not None and config.data_parallel_address and (config.data_parallel or 1) > 1:
        return f"{home.worker.role} {config.data_parallel_address}"
    return home.worker.replica


FINDINGS = (
    FindingDef(
        id="config_mismatch",
        severity=Severity.CRITICAL,
        title="Prefill and decode do not fit together",
        meaning="Both sides must run the same model with the same data types and block size, since one reads the other's KV blocks as "
        "they are. The named worker differs from most: answers are garbled, transfers are refused, or (version, maximum length) "
        "some requests fail. Compared are the pages, the versions and, where the host is known, the arguments.",
        confirm="Compare vllm:cache_config_info, /v1/models and /version of both workers, and their arguments.",
        fix="Take the worker out of the router, start it with the arguments and the version of the other side, and only then put "
        "it back. During a rolling upgrade, route prefill of one version only to decode of the same.",
        confused_with="Two models in one service without a `service` label each. Sizes of tensor parallelism may differ.",
        detect=_mismatch,
        onset_seconds=4.0,
        not_capacity=True,
        explains=WORKER_LOST,
    ),
    FindingDef(
        id="kv_rank_conflict",
        severity=Severity.CRITICAL,
        title="KV ranks do not add up",
        meaning="Two instances were started with the same kv_rank, or kv_parallel_size is not the number of instances: the transfer group "
        "does not form, or one instance takes the other's place. Connectors that do not use ranks (NIXL, LMCache) are told "
        "as information.",
        confirm="Read kv_rank and kv_parallel_size in --kv-transfer-config of every instance.",
        fix="Give each instance its own kv_rank, from 0 on, and all of them the same kv_parallel_size; restart them together.",
        confused_with="Endpoints of one engine group on several hosts, which share one rank.",
        detect=_rank_conflict,
        not_capacity=True,
        explains=("worker_down", "worker_not_ready", *WORKER_LOST),
    ),
)
