"""A runbook for everything that may wake somebody."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.generate.alerts import ALERTS
from pdwatch.generate.runbooks import runbook_pages
from pdwatch.generate.runbooks.thresholds import APPLIED_BEFORE, thresholds_of
from pdwatch.generate.runbooks.words import linked
from pdwatch.judge.findings import BY_ID, FINDINGS

FOLDER = Path(__file__).parents[2] / "docs" / "runbooks"
SECTIONS = (
    "## What it means and how it was measured",
    "## How to confirm it",
    "## How to fix it",
    "## What it is confused with",
)


def page(finding: str) -> str:
    return runbook_pages()[f"runbooks/{finding}.md"]


@pytest.mark.parametrize("definition", FINDINGS, ids=lambda definition: definition.id)
def test_a_finding_has_a_page_with_every_section_in_order(definition):
    """Somebody who was woken reads: what, how to be sure, what to do, and what else it may be."""
    text = page(definition.id)
    places = [text.index(section) for section in SECTIONS]

    assert sorted(places) == places
    assert text.startswith(f"# {definition.title}\n")
    assert linked(definition.fix) in text


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_has_a_page_that_names_it(alert):
    """The link of an alert ends on a page on which its name can be found: its own, or its finding's."""
    text = page(alert.id)

    assert f"| Alert | `{alert.name}` |" in text
    assert [text.index(section) for section in SECTIONS] == sorted(text.index(section) for section in SECTIONS)


def test_an_alert_that_is_no_finding_shows_what_is_asked_and_the_thresholds_in_it():
    """One can put the same question to Prometheus by hand."""
    text = page("pool_pressure_high")

    assert ">= $pressure_high\n```" in text
    assert "| `pressure_high` | 1 ratio |" in text


def test_what_mutes_an_alert_stands_on_its_page():
    """Who wonders why it was silent finds the finding that said more."""
    assert "- [`role_empty`](role_empty.md)" in page("pool_not_answering")


def test_no_page_is_left_over():
    """A finding or an alert that is gone leaves no runbook behind."""
    made = {Path(path).name for path in runbook_pages()}

    assert made == {path.name for path in FOLDER.iterdir()}


def test_a_threshold_that_decides_stands_on_the_page_with_its_default():
    """The number that was crossed is found without reading code."""
    assert "| `kv_usage_high` | 0.9 ratio | KV-cache usage from which a pool counts as full. |" in page(
        "kv_cache_saturated"
    )


def test_a_threshold_is_found_through_the_helpers_of_a_condition():
    """A condition may leave the comparison to a function that it calls."""
    assert ["gpu_throttled_share", "gpu_power_capped_share"] == thresholds_of(BY_ID["gpu_throttled"])


def test_a_finding_without_a_threshold_has_no_table_of_them():
    """What holds or does not hold needs no number."""
    assert [] == thresholds_of(BY_ID["worker_restarted"])
    assert "Threshold" not in page("worker_restarted")


def test_the_kept_list_names_findings_and_thresholds_that_exist():
    """What code cannot tell is a list, and a list must not outlive what it names."""
    names = {name for names in APPLIED_BEFORE.values() for name in names}

    assert set() == set(APPLIED_BEFORE) - set(BY_ID)
    assert set() == names - {each.name for each in fields(Thresholds)}


def test_causes_and_symptoms_link_to_each_other():
    """From a symptom one comes to its root, and back."""
    assert "- [`worker_down`](worker_down.md)\n" in page("kv_leak")
    assert "- [`kv_leak`](kv_leak.md)\n" in page("worker_down")


def test_a_finding_that_is_named_in_a_text_is_a_link_and_code_is_left_alone():
    """Links help; a changed command line does not."""
    assert "that is [`kv_leak`](kv_leak.md)." == linked("that is kv_leak.")
    assert "`grep kv_leak log`" == linked("`grep kv_leak log`")
    assert "kv_leaks" == linked("kv_leaks")


def test_the_index_lists_every_page():
    """Nobody has to know a name to find a page."""
    index = runbook_pages()["runbooks/README.md"]

    assert [] == [name for name in runbook_pages() if f"({Path(name).name})" not in index and "README" not in name]
