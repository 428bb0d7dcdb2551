"""Findings take time to begin and to end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings import BY_ID
from pdwatch.judge.standing import StandingFindings
from pdwatch.model.snapshot import ServiceSignals, TransferState

FAILING = TransferState(failures_per_second=1.0)


def _fires(view: View) -> Iterator[Hit]:
    if view.service.transfer.failures_per_second:
        yield Hit({}, "it fails")


def _entry(onset: float, clear: float) -> FindingDef:
    return replace(BY_ID["kv_transfer_failing"], detect=_fires, onset_seconds=onset, clear_seconds=clear)


def _names(standing: StandingFindings, signals: ServiceSignals, now: float) -> list[float]:
    return [finding.since for finding in standing.update(View(signals, Thresholds()), now)]


def test_a_condition_must_hold_before_it_is_a_finding(healthy: ServiceSignals) -> None:
    """It is given after its onset, with the time it began."""
    standing, failing = StandingFindings((_entry(10.0, 0.0),)), replace(healthy, transfer=FAILING)

    assert [[], [], [0.0]] == [_names(standing, failing, now) for now in (0.0, 5.0, 10.0)]


def test_an_interrupted_condition_starts_anew(healthy: ServiceSignals) -> None:
    """Five seconds, a pause, five seconds are not ten."""
    standing, failing = StandingFindings((_entry(10.0, 0.0),)), replace(healthy, transfer=FAILING)
    seen = [_names(standing, signals, now) for now, signals in ((0.0, failing), (5.0, healthy), (10.0, failing))]

    assert [[], [], []] == seen


def test_a_finding_stays_a_while_after_its_condition(healthy: ServiceSignals) -> None:
    """It does not flicker when a window misses it once."""
    standing, failing = StandingFindings((_entry(0.0, 15.0),)), replace(healthy, transfer=FAILING)
    seen = [
        _names(standing, signals, now)
        for now, signals in ((0.0, failing), (5.0, healthy), (10.0, failing), (20.0, healthy), (25.0, healthy))
    ]

    assert [[0.0], [0.0], [0.0], [0.0], []] == seen


def test_who_looks_for_a_short_while_is_less_patient(healthy: ServiceSignals) -> None:
    """A tenth of the onset is enough where the thresholds say so."""
    standing, failing = StandingFindings((_entry(10.0, 0.0),)), replace(healthy, transfer=FAILING)
    hasty = Thresholds(onset_factor=0.1)

    assert [0, 1] == [len(standing.update(View(failing, hasty), now)) for now in (0.0, 1.0)]
