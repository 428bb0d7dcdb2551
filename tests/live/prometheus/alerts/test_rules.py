"""The generated rules in a real Prometheus and Alertmanager: numbers agree, and of a fault people hear once."""

from __future__ import annotations

import time
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.live

STEADY = 17
"""Scrapes until windows are full and both sides have told them for a while."""
MEAN = "6s"
"""Over which both sides are averaged: they scrape the same pages, up to a second apart."""
TOLERANCE = 0.1
"""Share by which the two may differ: the skew of scrapes, and Prometheus' extrapolation to the ends of its windows."""
GAUGE = 0.3
"""The same for what is told of one instant, which changes from one to the next."""
LITTLE = 0.02
"""Difference of usage and of small gauges that is always allowed."""


GROUP_INTERVAL = 1.0
"""Seconds within which Alertmanager tells what has changed."""


class Pair(NamedTuple):
    """A record, what pdwatch exports of the same thing, and the labels that both have."""

    record: str
    pdwatch: str
    by: tuple[str, ...] = ("service",)
    share: float = TOLERANCE
    slack: float = 1e-6
    """Difference that is allowed whatever the share."""


POOL = ("service", "role")


def by_pool(metric: str) -> str:
    """Return the sum over engines."""
    return f"sum by (service, role) ({metric})"


def quantile(q: float, metric: str, by: str) -> str:
    """Return a quantile of a histogram of pdwatch's over the same window."""
    return f"histogram_quantile({q}, sum by ({by}, le) (rate({metric}_bucket[10s])))"


PAIRS = (
    Pair("service_role:vllm_kv_cache_usage:avg", "pdwatch_pool_kv_cache_usage_ratio", POOL, GAUGE, LITTLE),
    Pair("service_role:vllm_kv_cache_usage:max", "pdwatch_pool_kv_cache_usage_worst_ratio", POOL, GAUGE, LITTLE),
    Pair("service_role:vllm_queue_imbalance:ratio", "pdwatch_queue_imbalance_ratio", POOL),
    Pair("service_role:vllm_requests_running:sum", by_pool("pdwatch_requests_running"), POOL, GAUGE, 1.0),
    Pair("service_role:vllm_requests_finished:rate", "pdwatch_pool_requests_per_second", POOL),
    Pair("service_role:vllm_prompt_tokens:rate", by_pool("pdwatch_engine_prompt_tokens_per_second"), POOL),
    Pair("service_role:vllm_generation_tokens:rate", by_pool("pdwatch_engine_generation_tokens_per_second"), POOL),
    Pair("service_role:vllm_preemptions:rate", by_pool("pdwatch_preemptions_per_second"), POOL),
    Pair("service_role:vllm_prefix_cache_hit:ratio", "pdwatch_pool_prefix_cache_hit_ratio", POOL),
    Pair("service_role:vllm_external_cache_hit:ratio", "pdwatch_pool_external_cache_hit_ratio", POOL),
    Pair("service_role:vllm_requests_failed:ratio", by_pool("pdwatch_errors_per_second"), POOL),
    Pair("service_role:vllm_ttft_seconds:p50", quantile(0.5, "pdwatch_ttft_seconds", "service, role"), POOL),
    Pair("service_role:vllm_ttft_seconds:p95", quantile(0.95, "pdwatch_ttft_seconds", "service, role"), POOL),
    Pair("service:vllm_itl_seconds:p50", 'sum by (service) (pdwatch_itl_window_seconds{percentile="p50"})'),
    Pair("service:vllm_itl_seconds:p95", 'sum by (service) (pdwatch_itl_window_seconds{percentile="p95"})'),
    Pair(
        'sum by (service) (service_role:vllm_queue_seconds:mean{role="prefill"})',
        'sum by (service) (pdwatch_ttft_chain_seconds{hop="prefill_queue"})',
        share=GAUGE,
    ),
    Pair(
        'sum by (service) (service_role:vllm_prefill_seconds:mean{role="prefill"})',
        'sum by (service) (pdwatch_ttft_chain_seconds{hop="prefill"})',
    ),
    Pair("service:vllm_kv_transfers:rate", "pdwatch_kv_transfers_per_second"),
    Pair("service:vllm_kv_transfer_bytes:rate", "pdwatch_kv_transfer_bytes_per_second"),
    Pair("service:vllm_kv_transfer_seconds:mean", "pdwatch_kv_transfer_mean_seconds"),
    Pair("service:vllm_kv_transfer_seconds:p95", "pdwatch_kv_transfer_p95_seconds"),
    Pair("service:vllm_kv_transfer_bandwidth:bytes_per_second", "pdwatch_kv_transfer_bandwidth_bytes_per_second"),
    Pair("service:vllm_kv_transfer_prefill:ratio", "pdwatch_kv_transfer_prefill_ratio"),
    Pair("service:vllm_kv_transfer_failures:rate", "pdwatch_kv_transfer_failures_per_second"),
    Pair("service:vllm_kv_expired:rate", "pdwatch_kv_transfer_expired_per_second"),
    Pair("service:vllm_kv_recomputed:ratio", "pdwatch_kv_recomputed_share_ratio"),
)


def values(prometheus, expression, by):
    """Return the mean of an expression over the last seconds, by labels."""
    found = prometheus.query(f"avg_over_time(({expression})[{MEAN}:1s])")
    return {tuple(labels.get(name, "") for name in by): value for labels, value in found}


@pytest.fixture(scope="module")
def steady(prometheus):
    """Prometheus after windows are full."""
    prometheus.wait_for(f"count_over_time(pdwatch_snapshot_age_seconds[5m]) >= {STEADY}")
    return prometheus


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.record)
def test_a_record_is_what_pdwatch_derives(steady, pair):
    """From the same pages, within the tolerance; for every service and pool that either knows."""
    recorded, derived = (values(steady, expression, pair.by) for expression in (pair.record, pair.pdwatch))

    assert derived.keys() == recorded.keys() != set()
    assert derived == pytest.approx(recorded, rel=pair.share, abs=pair.slack)


def told(inbox, after, *receivers):
    """Return who was told what since a Unix time: receiver, alert, and whether it is firing or resolved."""
    return [
        (each.receiver, name, status)
        for each in inbox.to(*receivers)
        if each.at > after
        for status in ("firing", "resolved")
        for name in sorted(each.told(status))
    ]


def suppressed(alertmanager):
    """Return the alerts that Alertmanager mutes because of others."""
    return {each["labels"]["alertname"] for each in alertmanager.alerts() if each["status"]["inhibitedBy"]}


@pytest.mark.usefixtures("steady")
def test_of_a_fault_people_hear_once_and_not_of_its_symptoms(alertmanager, inbox, fleet, eventually):
    """A dead decode worker pages somebody, with its service, its place and its links. KV that expires on prefill
    because of it is muted while it lasts. When the worker is back, that is told too.
    """
    began = fleet.do("kill", "decode-1")
    eventually(lambda: ("pager", "PDWatchWorkerDown", "firing") in told(inbox, began, "pager"))
    eventually(lambda: "PDWatchKvBlocksExpired" in suppressed(alertmanager))
    meanwhile = told(inbox, began, "pager", "tickets", "log")
    page = next(each for each in inbox.to("pager") if each.at > began)
    fleet.do("start", "decode-1")
    eventually(lambda: ("pager", "PDWatchWorkerDown", "resolved") in told(inbox, began, "pager"))
    (alert,) = page.alerts

    assert {("pager", "PDWatchWorkerDown", "firing")} == set(meanwhile)
    assert {"service": "demo"} == page.group
    assert alert["annotations"]["description"].startswith("Standing: decode decode-1 for ")
    assert alert["annotations"]["runbook_url"].endswith("/docs/runbooks/worker_down.md")
    assert alert["annotations"]["dashboard_url"].endswith("/d/pdwatch-service?var-service=demo")
    assert ("tickets", "PDWatchKvBlocksExpired", "firing") not in told(inbox, began, "tickets")


@pytest.mark.usefixtures("steady")
def test_nobody_hears_that_all_is_well_because_nobody_looks(alertmanager, inbox, fleet, serve, eventually):
    """pdwatch ends while a worker is down: that it is absent is told, and not that the worker is back."""
    began = fleet.do("kill", "decode-1")
    eventually(lambda: ("pager", "PDWatchWorkerDown", "firing") in told(inbox, began, "pager"))
    serve.stop()
    eventually(lambda: ("pager", "PDWatchAbsent", "firing") in told(inbox, began, "pager"))
    eventually(lambda: {"PDWatchWorkerDown"}.isdisjoint(each["labels"]["alertname"] for each in alertmanager.alerts()))
    time.sleep(2 * GROUP_INTERVAL)

    assert ("pager", "PDWatchWorkerDown", "resolved") not in told(inbox, began, "pager")
