"""Expert parallelism: balance, its absence, and back ends of the other role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.judgement import Severity
from pdwatch.model.process import Eplb

Named = Callable[..., list[Hit]]
Make = Callable[..., Any]
WIDE = {"expert_parallel": True, "data_parallel": 8}


@pytest.mark.parametrize(("ratio", "fires"), [(0.69, True), (0.7, False), (0.95, False)])
def test_uneven_experts_by_the_log(ratio: float, fires: bool, named: Named) -> None:
    """Mean over maximum of tokens per rank."""
    found = named("experts_imbalanced", service_signals={"experts": {"decode-0": ratio}})

    assert fires == bool(found)
    assert all({"replica", "role", "worker", "host"} == set(hit.scope) for hit in found)


@pytest.mark.parametrize(
    ("config", "experts", "severities"),
    [(WIDE, {}, [Severity.INFO]), (WIDE, {"decode-0": 0.9}, []), ({}, {}, [])],
    ids=["guess", "the log knows better", "no expert parallelism"],
)
def test_ranks_that_differ_are_a_hint_only(
    config: dict[str, Any], experts: dict[str, float], severities: list[Severity], named: Named, group: Make
) -> None:
    """Under a name of its own."""
    signals = {"expert_balance_estimate": {"decode-0": 0.5}, "experts": experts}
    found = named("experts_imbalanced", group=group(**config), service_signals=signals)

    assert severities == [hit.severity for hit in found]
    assert all("expert_balance_estimate" == evidence.signal for hit in found for evidence in hit.evidence)


@pytest.mark.parametrize(
    ("config", "fires"),
    [
        (WIDE, True),
        ({"expert_parallel_size": 8}, True),
        (WIDE | {"eplb": Eplb(enabled=True)}, False),
        (WIDE | {"config_file": True}, False),
        ({"expert_parallel": True}, False),
        ({"data_parallel": 8}, False),
    ],
)
def test_expert_parallelism_without_balancing(config: dict[str, Any], fires: bool, named: Named, group: Make) -> None:
    """On decode with several ranks, where the arguments are all there."""
    assert fires == bool(named("eplb_off", group=group(**config)))


def test_balancing_is_not_asked_of_prefill(named: Named, house: Make, group: Make) -> None:
    """Its large batches even experts out."""
    assert [] == named("eplb_off", prefill=house(group=group(**WIDE)))


def test_missing_balancing_is_a_warning_where_experts_are_uneven(named: Named, group: Make) -> None:
    """Then it is the cause."""
    found = named("eplb_off", group=group(**WIDE), service_signals={"experts": {"decode-0": 0.4}})

    assert [Severity.WARNING] == [hit.severity for hit in found]


@pytest.mark.parametrize(
    ("config", "environment", "fires"),
    [
        ({"all2all_backend": "deepep_high_throughput", "data_parallel": 16, "data_parallel_local": 8}, {}, True),
        ({"all2all_backend": "deepep_high_throughput", "data_parallel": 8, "data_parallel_local": 8}, {}, False),
        ({"nodes": 2}, {"VLLM_ALL2ALL_BACKEND": "deepep_high_throughput"}, True),
        ({"all2all_backend": "deepep_low_latency", "nodes": 2}, {}, False),
        ({"nodes": 2}, {}, False),
    ],
)
def test_decode_over_several_hosts_wants_low_latency(
    config: dict[str, Any], environment: dict[str, str], fires: bool, named: Named, group: Make
) -> None:
    """By argument or by variable; on one host nothing is told."""
    assert fires == bool(named("all2all_backend_mismatch", group=group(environment, **config)))


@pytest.mark.parametrize(("backend", "fires"), [("deepep_low_latency", True), ("deepep_high_throughput", False)])
def test_prefill_wants_high_throughput(backend: str, fires: bool, named: Named, house: Make, group: Make) -> None:
    """On any number of hosts."""
    assert fires == bool(named("all2all_backend_mismatch", prefill=house(group=group(all2all_backend=backend))))
