"""Objectives that are missed, with what is in their way."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.hops import way
from pdwatch.judge.words import percent, seconds
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.latency import Attainment, Quantiles
from pdwatch.model.target import Role

_SURE = 2.0
"""Standard deviations of a share by which it must miss its target."""


def _missed(slo: Attainment | None, seen: Quantiles, thresholds: Thresholds) -> float | None:
    """Return the share that met an objective, where that is surely below the target; chance alone is no miss."""
    if slo is None or slo.ratio is None or seen.count < thresholds.slo_requests:
        return None
    chance = _SURE * sqrt(slo.target * (1.0 - slo.target) / seen.count)
    return slo.ratio if slo.ratio < slo.target - chance else None


def _ttft(view: View) -> Iterator[Hit]:
    slo, latency = view.service.slo.get("ttft"), view.service.latency
    met = _missed(slo, latency.ttft_seconds, view.thresholds)
    if slo is None or met is None:
        return
    evidence = (
        Evidence("slo_attainment_ttft", met, "ratio", slo.target),
        Evidence("ttft_p95_seconds", latency.ttft_seconds.p95, "seconds", slo.objective_seconds),
        *way(view).evidence,
    )
    text = (
        f"{percent(met)} of requests have their first token within {seconds(slo.objective_seconds)}, "
        f"{percent(slo.target)} should{way(view).grew or way(view).longest}."
    )
    yield Hit({}, text, evidence)


def _itl(view: View) -> Iterator[Hit]:
    slo, seen = view.service.slo.get("itl"), view.service.latency.itl_seconds
    met = _missed(slo, seen, view.thresholds)
    if slo is None or met is None:
        return
    pool = next((p for role in (Role.DECODE, Role.BOTH) if (p := view.service.pools.get(role)) is not None), None)
    evidence = [
        Evidence("slo_attainment_itl", met, "ratio", slo.target),
        Evidence("itl_p95_seconds", seen.p95, "seconds", slo.objective_seconds),
    ]
    text = f"{percent(met)} of tokens come within {seconds(slo.objective_seconds)} of the last, {percent(slo.target)} should."
    if pool is not None and pool.requests_running is not None and pool.engines:
        scope, batch = {"role": pool.role.value}, pool.requests_running / pool.engines
        evidence += [
            Evidence("requests_running_per_engine", batch, "requests", None, scope),
            Evidence("kv_cache_usage_ratio", pool.kv_cache_usage_ratio, "ratio", None, scope),
        ]
        text += f" An engine of {pool.role} runs {batch:.0f} requests at a time."
    yield Hit({}, text, tuple(evidence))


FINDINGS = (
    FindingDef(
        id="slo_ttft_missed",
        severity=Severity.WARNING,
        title="First token later than promised",
        meaning="Fewer requests than the target have their first token within the objective, by more than chance, over the "
        "window. The chain of hops to the first token is the evidence: what the router adds, the queue of prefill, prefill, the "
        "transfer, the admission on decode. A hop is said to grow against what it took while the objective was met.",
        confirm="histogram_quantile over the sum of the two sides' vllm:time_to_first_token_seconds buckets, or the client's own "
        "measure.",
        fix="Look at the named hop. Queue of prefill: add prefill or look for a full decode. Prefill: longer prompts, fewer prefix-cache "
        "hits or a slow GPU. Transfer: links and fabric. Admission on decode: decode is full or slow.",
        confused_with="An objective below what an idle service takes for these prompts.",
        detect=_ttft,
        onset_seconds=30.0,
        clear_seconds=30.0,
    ),
    FindingDef(
        id="slo_itl_missed",
        severity=Severity.WARNING,
        title="Tokens slower than promised",
        meaning="Fewer gaps between tokens than the target stay within the objective, by more than chance, over the window. Batches "
        "that are too full, preemptions, prompts computed on decode and slow GPUs make tokens slow.",
        confirm="histogram_quantile over vllm:inter_token_latency_seconds buckets of decode.",
        fix="Where all decode workers are alike, add decode replicas or lower --max-num-seqs. Where one is slower, look at that one.",
        confused_with="An objective below the step time of an idle engine; speculative decoding, where a gap carries several tokens.",
        detect=_itl,
        onset_seconds=30.0,
        clear_seconds=30.0,
    ),
)
