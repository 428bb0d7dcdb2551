"""A cause takes its symptoms with it: they stay, but under it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pdwatch.judge.causes import Causes, fits
from pdwatch.judge.definition import Reach
from pdwatch.judge.findings import BY_ID, FINDINGS
from pdwatch.model.judgement import Cause, Finding, Severity

PREFILL, DECODE = {"role": "prefill"}, {"role": "decode"}
DEAD = {"role": "decode", "worker": "decode-1"}


def _finding(name: str, scope: Mapping[str, str], severity: Severity | None = None, since: float = 0.0) -> Finding:
    return Finding(name, BY_ID[name].severity if severity is None else severity, scope, since, name, "do")


def _told(*findings: Finding, hosts: Mapping[str, str] | None = None) -> list[tuple[str, str | None]]:
    """Return each finding in order with the name of its root."""
    ordered = Causes(FINDINGS).ordered(findings, hosts or {})
    return [(f.finding, f.because_of.finding if f.because_of else None) for f in ordered]


def test_explanations_name_only_findings_that_exist() -> None:
    """A renamed finding takes its name along everywhere."""
    assert {symptom for definition in FINDINGS for symptom in definition.explains} <= BY_ID.keys()


def test_an_explanation_is_named_once() -> None:
    """However many groups of symptoms it is in."""
    assert [] == [definition.id for definition in FINDINGS if len(set(definition.explains)) != len(definition.explains)]


def test_nothing_explains_itself_over_any_number_of_steps() -> None:
    """Following the causes of a symptom ends at a root."""

    def beyond(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"{' -> '.join((*path, name))} is a circle"
        for symptom in BY_ID[name].explains:
            beyond(symptom, (*path, name))

    for definition in FINDINGS:
        beyond(definition.id, ())


def test_what_a_dead_decode_worker_leaves_behind_is_told_under_it() -> None:
    """KV that stays on prefill, failing requests, failing transfers: one root."""
    leak = _finding("kv_leak", {"role": "prefill", "worker": "prefill-0", "engine": "0"})
    told = _told(
        leak,
        _finding("requests_failing", DECODE),
        _finding("kv_transfer_failing", {}),
        _finding("kv_blocks_expired", PREFILL),
        _finding("worker_down", DEAD, since=5.0),
    )

    assert ("worker_down", None) == told[0]
    assert {"worker_down"} == {root for _, root in told[1:]}


def test_a_symptom_names_the_scope_of_its_root() -> None:
    """So that a face can lead from one to the other."""
    found = Causes(FINDINGS).ordered([_finding("kv_transfer_failing", {}), _finding("worker_down", DEAD)], {})

    assert [None, Cause("worker_down", DEAD)] == [finding.because_of for finding in found]


def test_a_symptom_without_its_cause_is_a_root() -> None:
    """A leak for which nobody died is told by itself."""
    assert [("kv_leak", None)] == _told(_finding("kv_leak", {"role": "prefill", "worker": "prefill-0"}))


def test_a_dead_prefill_worker_does_not_explain_what_another_one_holds() -> None:
    """KV is held for the other side."""
    held = _finding("kv_leak", {"role": "prefill", "worker": "prefill-0", "engine": "0"})

    assert ("kv_leak", None) in _told(held, _finding("worker_down", {"role": "prefill", "worker": "prefill-1"}))


def test_a_chain_of_causes_ends_at_its_beginning() -> None:
    """A throttled GPU slows its worker, and a slow worker is the fullest of its pool."""
    scope = {"role": "decode", "worker": "decode-1", "host": "node1", "gpu": "2"}
    told = _told(
        _finding("queue_imbalanced", DEAD | {"engine": "0"}),
        _finding("worker_slow", DEAD),
        _finding("gpu_throttled", scope),
        hosts={"decode-1": "node1"},
    )

    assert [("gpu_throttled", None), ("queue_imbalanced", "gpu_throttled"), ("worker_slow", "gpu_throttled")] == told


def test_what_is_told_as_information_by_exception_explains_nothing() -> None:
    """A GPU at its power limit is normal; the worker is slow for another reason."""
    capped = _finding("gpu_throttled", DEAD | {"host": "node1", "gpu": "2"}, Severity.INFO)

    assert ("worker_slow", None) in _told(_finding("worker_slow", DEAD), capped)


def test_a_restart_explains_what_it_broke_although_it_is_information_itself() -> None:
    """The group is as grave as its worst finding, so it comes first."""
    told = _told(
        _finding("kv_cache_saturated", DECODE),
        _finding("requests_failing", DECODE),
        _finding("worker_restarted", DEAD),
    )

    assert [("worker_restarted", None), ("requests_failing", "worker_restarted"), ("kv_cache_saturated", None)] == told


def test_the_gravest_root_comes_first_and_the_older_of_two() -> None:
    """What is worst and has lasted longest is read first."""
    told = _told(
        _finding("worker_down", DEAD, since=9.0),
        _finding("worker_down", {"role": "decode", "worker": "decode-2"}, since=3.0),
        _finding("preempting", PREFILL),
        _finding("kv_transfer_failing", {}),
    )

    assert [("worker_down", None), ("kv_transfer_failing", "worker_down"), ("worker_down", None)] == told[:3]


@pytest.mark.parametrize(
    ("reach", "symptom", "cause", "near"),
    [
        (Reach.PLACE, {"worker": "a", "role": "decode"}, {"worker": "a", "role": "decode", "gpu": "1"}, True),
        (Reach.PLACE, {"worker": "a", "role": "decode"}, {"worker": "b", "role": "decode"}, False),
        (Reach.PLACE, {"role": "decode"}, {"worker": "b", "role": "decode"}, True),
        (Reach.PLACE, {"worker": "a", "host": "h1"}, {"host": "h1", "gpu": "0"}, True),
        (Reach.PLACE, {"worker": "a", "host": "h2"}, {"host": "h1", "gpu": "0"}, False),
        (Reach.PLACE, {"worker": "a"}, {"host": "h1", "gpu": "0"}, False),
        (Reach.PLACE, {"worker": "a", "port": "m/1"}, {"worker": "a", "port": "m/2"}, False),
        (Reach.POOL, {"worker": "a", "role": "decode"}, {"worker": "b", "role": "decode"}, True),
        (Reach.POOL, {"worker": "a", "role": "prefill"}, {"worker": "b", "role": "decode"}, False),
        (Reach.SIDES, {"worker": "a", "role": "prefill"}, {"worker": "b", "role": "decode"}, True),
        (Reach.SIDES, {"worker": "a", "role": "prefill"}, {"worker": "b", "role": "prefill"}, False),
        (Reach.SERVICE, {"role": "prefill"}, {"worker": "b", "role": "decode"}, True),
    ],
)
def test_how_near_a_cause_must_be(
    reach: Reach, symptom: Mapping[str, str], cause: Mapping[str, str], near: bool
) -> None:
    """Same place, same pool, the other side, or anywhere."""
    assert near is fits(reach, symptom, cause)
