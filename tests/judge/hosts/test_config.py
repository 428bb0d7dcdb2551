"""Workers that do not fit together, and ranks that do not add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.hostsignals import HostSignals
from pdwatch.model.judgement import Severity
from pdwatch.model.logline import FaultKind
from pdwatch.model.process import KvTransfer
from pdwatch.model.snapshot import ServiceSignals
from pdwatch.model.target import Role

Named = Callable[..., list[Hit]]
Make = Callable[..., Any]
RANKED = KvTransfer("P2pNcclConnector", rank=0, parallel_size=2)


@pytest.mark.parametrize(
    ("prefill", "decode", "severity"),
    [
        ({"model": "a"}, {"model": "b"}, None),
        ({"cache": {"block_size": "16"}}, {"cache": {"block_size": "64"}}, None),
        ({"cache": {"cache_dtype": "auto"}}, {"cache": {"cache_dtype": "fp8"}}, None),
        ({"version": "0.33.0"}, {"version": "0.32.0"}, Severity.WARNING),
    ],
)
def test_pages_tell_a_mismatch_without_any_host(
    *,
    prefill: dict[str, Any],
    decode: dict[str, Any],
    severity: Severity | None,
    hits: Callable[[str, ServiceSignals], list[Hit]],
    worker: Make,
    service: Make,
) -> None:
    """One worker of each: decode is told to differ from prefill."""
    found = hits("config_mismatch", service([worker(Role.PREFILL, **prefill), worker(Role.DECODE, **decode)]))

    assert [({"role": "decode", "worker": "decode-0"}, severity)] == [(hit.scope, hit.severity) for hit in found]


@pytest.mark.parametrize(
    ("prefill", "decode"),
    [
        ({"model": "a", "version": "0.33.0"}, {"model": "a", "version": "0.33.0"}),
        ({"cache": {"cache_dtype": "fp8"}}, {"cache": {"cache_dtype": "fp8_e4m3"}}),
        ({"cache": {"cache_dtype": "auto"}}, {"cache": {"cache_dtype": "bfloat16"}}),
        ({"version": "0.33.0"}, {"version": None}),
        ({"cache": {"block_size": "16"}}, {"cache": {}}),
    ],
    ids=["equal", "one spelling", "auto", "version not known", "page not read"],
)
def test_what_is_equal_or_not_known_does_not_mismatch(
    prefill: dict[str, Any],
    decode: dict[str, Any],
    hits: Callable[[str, ServiceSignals], list[Hit]],
    worker: Make,
    service: Make,
) -> None:
    """Absent is not different."""
    both = [worker(Role.PREFILL, **prefill), worker(Role.DECODE, **decode)]

    assert [] == hits("config_mismatch", service(both))


def test_the_one_that_differs_from_most_is_named(
    hits: Callable[[str, ServiceSignals], list[Hit]], worker: Make, service: Make
) -> None:
    """Two decode workers agree with each other, prefill with nobody."""
    sized = [worker(Role.DECODE, f"decode-{n}", cache={"block_size": "64"}) for n in range(2)]
    found = hits("config_mismatch", service([worker(Role.PREFILL, cache={"block_size": "16"}), *sized]))

    assert ["prefill-0 does not fit the other side: block_size 16 (others 64)."] == [hit.summary for hit in found]


def test_two_models_with_both_sides_each_are_two_services_in_one(
    hits: Callable[[str, ServiceSignals], list[Hit]], worker: Make, service: Make
) -> None:
    """Nobody labelled them; they do not exchange KV. A worker that gave no page yet changes nothing."""
    roles = (Role.PREFILL, Role.DECODE)
    workers = [
        worker(role, f"{role}-{model}", model=model, cache={"block_size": size})
        for model, size in (("a", "16"), ("b", "64"))
        for role in roles
    ]

    assert [] == hits("config_mismatch", service([*workers, worker(Role.DECODE, "new")]))


@pytest.mark.parametrize(
    ("prefill", "decode", "words"),
    [
        ({"dtype": "bfloat16"}, {"dtype": "half"}, "dtype float16 (others bfloat16)"),
        ({"max_model_len": 32768}, {"max_model_len": 8192}, "max_model_len 8192 (others 32768)"),
        ({"kv_cache_dtype": "fp8"}, {}, "kv_cache_dtype 16 bit (others fp8_e4m3)"),
        ({"model": "/models/R1"}, {"model": "org/R1-0528"}, "weights R1-0528 (others R1)"),
        ({"dtype": "bfloat16"}, {"dtype": "auto"}, None),
        ({"kv_cache_dtype": "fp8"}, {"config_file": True}, None),
        ({"model": "/models/R1"}, {"model": "org/R1"}, None),
        ({"tensor_parallel": 8}, {"tensor_parallel": 4}, None),
    ],
)
def test_arguments_are_compared_where_hosts_are_known(
    *, prefill: dict[str, Any], decode: dict[str, Any], words: str | None, named: Named, house: Make, group: Make
) -> None:
    """A default that nobody wrote down is not compared, and sizes of parallelism may differ."""
    found = named("config_mismatch", prefill=house(group=group(**prefill)), group=group(**decode))

    assert ([] if words is None else [f"decode-0 does not fit the other side: {words}."]) == [h.summary for h in found]


def test_what_the_page_tells_counts_before_the_arguments(named: Named, house: Make, group: Make) -> None:
    """The engine resolved its block size itself."""
    changed = {name: {"cache": {"block_size": "16"}} for name in ("prefill-0", "decode-0")}
    found = named(
        "config_mismatch", changed=changed, prefill=house(group=group(block_size=64)), group=group(block_size=16)
    )

    assert [] == found


def test_a_refusal_in_the_log_is_a_mismatch(named: Named, group: Make) -> None:
    """Both sides hash what they must share and compare."""
    signals = HostSignals(faults={FaultKind.COMPATIBILITY_MISMATCH: {"vllm.log": 8.0}})

    assert ["decode-0"] == [h.scope["worker"] for h in named("config_mismatch", group=group(), signals=signals)]


@pytest.mark.parametrize(
    ("prefill", "decode", "severities"),
    [
        (RANKED, replace(RANKED, rank=1), []),
        (RANKED, RANKED, [None, None]),
        (replace(RANKED, parallel_size=3), replace(RANKED, rank=1, parallel_size=3), [None, None]),
        (replace(RANKED, connector="NixlConnector"),) * 2 + ([Severity.INFO] * 2,),
        (KvTransfer("P2pNcclConnector"),) * 2 + ([],),
    ],
    ids=["adds up", "one rank twice", "three of two", "connector without ranks", "nothing said"],
)
def test_kv_ranks_must_add_up(
    *,
    prefill: KvTransfer,
    decode: KvTransfer,
    severities: list[Severity | None],
    named: Named,
    house: Make,
    group: Make,
) -> None:
    """Each instance a rank of its own, and their number known to all."""
    found = named("kv_rank_conflict", prefill=house(group=group(kv=prefill)), group=group(kv=decode))

    assert severities == [hit.severity for hit in found]


def test_endpoints_of_one_group_share_a_rank(named: Named, worker: Make, house: Make, group: Make) -> None:
    """Hybrid load balancing gives each host of an instance its own endpoint."""
    spread = {"data_parallel": 16, "data_parallel_address": "10.0.0.1", "kv": replace(RANKED, rank=1)}
    second = worker(Role.DECODE, "decode-1"), "node2", house(group=group(**spread))
    found = named("kv_rank_conflict", prefill=house(group=group(kv=RANKED)), group=group(**spread), more=[second])

    assert [] == found


def test_the_number_of_instances_is_judged_only_when_all_are_known(named: Named, group: Make) -> None:
    """Prefill's process is not to be seen."""
    assert [] == named("kv_rank_conflict", group=group(kv=RANKED))
