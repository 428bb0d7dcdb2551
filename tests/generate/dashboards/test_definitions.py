"""Mistakes in a definition are told where it is made."""

from __future__ import annotations

import pytest

from pdwatch.catalog import metrics as m
from pdwatch.generate.dashboards.boards import common
from pdwatch.generate.dashboards.colors import Step, above, below
from pdwatch.generate.dashboards.errors import DashboardError
from pdwatch.generate.dashboards.promql import Scope, most, summed
from pdwatch.generate.dashboards.raw import names
from pdwatch.judge.findings import FINDINGS
from pdwatch.model.judgement import Action
from pdwatch.model.reading import Quantity as Q

SCOPE = Scope(("service", "role"))


def test_a_selector_is_narrowed_by_what_metric_and_board_share():
    """The cluster always, the rest where the metric has the label."""
    assert 'pdwatch_pool_workers{cluster=~"$cluster", service=~"$service", role=~"$role"}' == SCOPE.of(m.POOL_WORKERS)
    assert 'pdwatch_snapshot_age_seconds{cluster=~"$cluster"}' == SCOPE.of(m.SNAPSHOT_AGE)


def test_a_matcher_of_the_panel_replaces_that_of_the_board():
    """`role` cannot be asked for twice."""
    expected = 'pdwatch_pool_workers{cluster=~"$cluster", service=~"$service", role!="decode"}'

    assert expected == SCOPE.of(m.POOL_WORKERS, role="!=decode")


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: SCOPE.of(m.ADVICE, role="decode"),
        lambda: SCOPE.of(m.TTFT),
        lambda: SCOPE.of(m.ADVICE, "_bucket"),
        lambda: SCOPE.rate(m.ADVICE),
        lambda: Step("kv_usage_hihg", "red"),
        lambda: names.now(Q.PROMPT_TOKENS),
        lambda: names.rate(Q.KV_CACHE_USAGE),
        lambda: names.rate(Q.QUEUE_TIME, "bucket"),
    ],
)
def test_a_mistake_is_refused(mistake):
    """A label that a metric lacks, a histogram as a number, a rate of a gauge, a threshold that there is not."""
    with pytest.raises(DashboardError):
        mistake()


def test_every_name_that_a_metric_has_had_is_asked_for():
    """Joined by `or`, so that each engine answers by the one it knows."""
    usage, itl = names.now(Q.KV_CACHE_USAGE), names.rate(Q.ITL, "bucket")

    assert usage.startswith("(vllm:kv_cache_usage_perc{")
    assert "} or vllm:gpu_cache_usage_perc{" in usage
    assert "rate(vllm:inter_token_latency_seconds_bucket{" in itl
    assert " or rate(vllm:time_per_output_token_seconds_bucket{" in itl


def test_two_pdwatch_count_once():
    """The same worker told by both is one worker."""
    expected = "sum by (cluster, service) (max by (cluster, service, worker) (x))"

    assert expected == summed("x", ("service", "worker"), "service")
    assert "max by (cluster, service) (x)" == most("x", "service")


def test_every_action_and_every_finding_has_its_words():
    """A new one would be shown as a bare number or an id."""
    assert {action.value.replace("_", " ") for action in Action} == {each.text for each in common.ACTIONS.values()}
    assert {each.id for each in FINDINGS} == set(common.FINDING_WORDS)


def test_good_is_below_or_above():
    """The color of a value follows the side on which it is bad."""
    assert ["green", "yellow", "red"] == [s.color for s in above("pressure_high", warn="pressure_target")]
    assert ["red", "green"] == [s.color for s in below("expert_balancedness_low")]
