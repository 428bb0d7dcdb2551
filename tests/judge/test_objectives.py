"""Objectives that are missed, and which hop to the first token grew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.judge.hops import chain_evidence, grown
from pdwatch.model.latency import Attainment, LatencyState, Quantiles, TtftChain
from pdwatch.model.snapshot import ServiceSignals

Hits = Callable[[str, ServiceSignals], list[Hit]]
USUAL = TtftChain(prefill_queue=0.05, prefill=0.3, transfer=0.04, decode_admission=0.05, router=0.01)
QUEUED = replace(USUAL, prefill_queue=1.9)


def _latency(count: float = 400.0, chain: TtftChain = QUEUED, usual: TtftChain = USUAL) -> LatencyState:
    seen = Quantiles(p95=3.0, mean=1.0, count=count)
    return LatencyState(ttft_seconds=seen, itl_seconds=seen, chain=chain, chain_usual=usual)


@pytest.fixture
def missing(healthy: ServiceSignals) -> Callable[..., ServiceSignals]:
    """A service whose objective is met by so much of what it should."""

    def make(ratio: float | None, objective: str = "ttft", latency: LatencyState | None = None) -> ServiceSignals:
        slo = {objective: Attainment(2.0, ratio, 2.5, 0.95)}
        return replace(healthy, slo=slo, latency=_latency() if latency is None else latency)

    return make


def test_slo_ttft_missed_names_the_hop_that_grew(missing: Callable[..., ServiceSignals], hits: Hits) -> None:
    """Prefill's queue, against what it was while the objective was met."""
    (found,) = hits("slo_ttft_missed", missing(0.62))
    miss, hop = found.summary.split("; ")

    assert "62 % of requests have their first token within 2.0 s, 95 % should" == miss
    assert "on the way to the first token prefill's queue takes 1.9 s, usually 50 ms." == hop


def test_it_carries_the_whole_chain(missing: Callable[..., ServiceSignals], hits: Hits) -> None:
    """Every hop is evidence, in the order in which a request meets them."""
    signals = [item.signal for item in hits("slo_ttft_missed", missing(0.62))[0].evidence]

    assert [
        "slo_attainment_ttft",
        "ttft_p95_seconds",
        "ttft_chain_router_seconds",
        "ttft_chain_prefill_queue_seconds",
        "ttft_chain_prefill_seconds",
        "ttft_chain_transfer_seconds",
        "ttft_chain_decode_admission_seconds",
        "ttft_chain_prefill_queue_usual_seconds",
    ] == signals


def test_without_a_usual_the_longest_hop_is_named(missing: Callable[..., ServiceSignals], hits: Hits) -> None:
    """pdwatch has not watched long enough, or it was never met."""
    signals = missing(0.62, latency=_latency(usual=TtftChain()))

    assert hits("slo_ttft_missed", signals)[0].summary.endswith(
        "on the way to the first token prefill's queue takes most, 1.9 s."
    )


def test_where_engines_tell_no_hop_only_the_miss_is_told(missing: Callable[..., ServiceSignals], hits: Hits) -> None:
    """Nothing is made up."""
    signals = missing(0.62, latency=_latency(chain=TtftChain(), usual=TtftChain()))

    assert hits("slo_ttft_missed", signals)[0].summary.endswith("95 % should.")


@pytest.mark.parametrize("objective", ["ttft", "itl"])
@pytest.mark.parametrize(("ratio", "fires"), [(0.929, False), (0.927, True), (None, False), (1.0, False)])
def test_a_miss_by_chance_is_none(
    objective: str, ratio: float | None, fires: bool, missing: Callable[..., ServiceSignals], hits: Hits
) -> None:
    """Of 400 requests 92.8 % is two standard deviations below 95 %."""
    assert fires is bool(hits(f"slo_{objective}_missed", missing(ratio, objective)))


@pytest.mark.parametrize(("count", "fires"), [(19.0, False), (20.0, True)])
def test_a_handful_of_requests_miss_nothing(
    count: float, fires: bool, missing: Callable[..., ServiceSignals], hits: Hits
) -> None:
    """Twenty are needed."""
    assert fires is bool(hits("slo_ttft_missed", missing(0.1, latency=_latency(count))))


def test_without_an_objective_nothing_is_missed(healthy: ServiceSignals, hits: Hits) -> None:
    """However slow it is."""
    slow = replace(healthy, latency=_latency())

    assert [] == hits("slo_ttft_missed", slow) + hits("slo_itl_missed", slow)


def test_slo_itl_missed_tells_how_full_decode_is(missing: Callable[..., ServiceSignals], hits: Hits) -> None:
    """Full batches are the usual reason."""
    assert [
        "70 % of tokens come within 2.0 s of the last, 95 % should. An engine of decode runs 2 requests at a time."
    ] == [hit.summary for hit in hits("slo_itl_missed", missing(0.7, "itl"))]


@pytest.mark.parametrize(
    ("changed", "hop"),
    [
        ({"transfer": 0.4}, "transfer"),
        ({"transfer": 0.08}, None),
        ({"router": 0.029}, None),
        ({"decode_admission": 2.0, "prefill_queue": 1.0}, "decode_admission"),
    ],
)
def test_a_hop_grows_by_half_and_noticeably(changed: dict[str, float], hop: str | None) -> None:
    """And of several the one that costs most is told."""
    found = grown(_latency(chain=replace(USUAL, **changed)))

    assert hop == (found.name if found else None)


def test_a_hop_that_nobody_measures_is_no_evidence() -> None:
    """Absent is not zero."""
    latency = _latency(chain=TtftChain(prefill=0.3), usual=TtftChain())

    assert ["ttft_chain_prefill_seconds"] == [item.signal for item in chain_evidence(latency)]
