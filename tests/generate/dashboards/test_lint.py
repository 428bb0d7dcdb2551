"""The rules of Grafana's dashboard-linter, and some of the house.

Its rules on `job` and `instance` variables are left out: pdwatch's series are told apart by service, role, replica and
worker, and one pdwatch watches many jobs.
"""

from __future__ import annotations

import json
import re

from grafana_foundation_sdk.models import units

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
UIDS = [
    *("pdwatch-fleet", "pdwatch-service", "pdwatch-transfer", "pdwatch-experts", "pdwatch-gpus", "pdwatch-self"),
    *("raw-vllm-fleet", "raw-vllm-request", "raw-vllm-transfer"),
]
MOST_PANELS = 32
LIFETIME = {"pdwatch_gpu_xid_errors_total", "pdwatch_gpu_ecc_uncorrected_volatile_total"}
"""Counts since the driver or pdwatch started, which are themselves the news: none is wanted."""


def test_the_uids_never_change(boards):
    """They are in bookmarks, alerts and run books of other people."""
    assert UIDS == list(boards)


def test_the_data_source_is_a_variable(boards):
    """Exactly one, by the name that everybody uses."""
    for uid, board in boards.items():
        sources = [each for each in board["templating"]["list"] if each["type"] == "datasource"]

        assert [("datasource", "Data source", "prometheus")] == [
            (each["name"], each["label"], each["query"]) for each in sources
        ], uid


def test_nothing_names_a_data_source_of_its_own(boards, panels_of):
    """Panels, targets, variables and marks ask the chosen one."""
    for board in boards.values():
        asked = [panel["datasource"] for panel in panels_of(board)]
        asked += [target["datasource"] for panel in panels_of(board) for target in panel["targets"]]
        asked += [each["datasource"] for each in board["templating"]["list"] if each["type"] == "query"]
        asked += [each["datasource"] for each in board["annotations"]["list"] if not each.get("builtIn")]

        assert [] == [each for each in asked if each != SOURCE]


def test_variables_follow_the_time_range(boards):
    """A worker of last week can be chosen while last week is shown."""
    queried = [each for board in boards.values() for each in board["templating"]["list"] if each["type"] == "query"]

    assert {2} == {each["refresh"] for each in queried}
    assert {".*"} == {each["allValue"] for each in queried if each["includeAll"]}


def test_each_panel_says_what_it_shows(boards, panels_of):
    """A title in plain words that no other panel of the board has, and a description that ends as a sentence."""
    for uid, board in boards.items():
        titles = [panel["title"] for panel in panels_of(board)]
        bad = [p["title"] for p in panels_of(board) if not re.search(r"[.)]$", p["description"])]

        assert len(titles) == len(set(titles)), uid
        assert [] == bad
        assert all(len(title) > 8 and title[0].isupper() and not title.endswith(".") for title in titles)


def test_narrow_panels_have_short_titles(boards, panels_of):
    """What does not fit is cut off."""
    long = [p["title"] for b in boards.values() for p in panels_of(b) if len(p["title"]) > 9.5 * p["gridPos"]["w"]]

    assert [] == long


def test_each_panel_has_a_unit_that_grafana_knows(boards, panels_of):
    """Also each column of a table."""
    used = set()
    for board in boards.values():
        for panel in panels_of(board):
            if panel["type"] == "heatmap":
                used |= {panel["options"]["yAxis"]["unit"], panel["options"]["cellValues"]["unit"]}
                continue
            used.add(panel["fieldConfig"]["defaults"]["unit"])
            properties = [prop for each in panel["fieldConfig"]["overrides"] for prop in each["properties"]]
            used |= {prop["value"] for prop in properties if prop["id"] == "unit"}

    assert set() == used - UNITS


def test_every_panel_asks_something(boards, panels_of):
    """Each target has a letter of its own."""
    for board in boards.values():
        for panel in panels_of(board):
            letters = [target["refId"] for target in panel["targets"]]

            assert letters, panel["title"]
            assert len(letters) == len(set(letters)), panel["title"]


def test_ranges_follow_the_scrape_interval(expressions, selectors):
    """A literal range is empty where somebody scrapes less often."""
    windows = {selector.window for _, expr in expressions for selector in selectors(expr)}

    assert {"", "$__rate_interval"} == windows


def test_counters_are_never_shown_as_they_are(expressions, selectors):
    """A lifetime count says nothing of now. Histograms' parts are counters too; so are the XIDs that a table lists."""
    raw = [
        (where, selector.metric)
        for where, expr in expressions
        for selector in selectors(expr)
        if re.search(r"_(total|bucket|sum|count)$", selector.metric) and not selector.window
    ]

    assert [] == [each for each in raw if each[1] not in LIFETIME]


def test_boards_are_changed_at_their_source(boards):
    """An edit in the browser would be lost with the next release."""
    assert {False} == {board["editable"] for board in boards.values()}


def test_boards_stay_small(boards):
    """Each panel asks Prometheus when a board is opened; those of a folded row only once it is unfolded."""
    opened = {uid: sum(panel["type"] != "row" for panel in board["panels"]) for uid, board in boards.items()}

    assert {} == {uid: count for uid, count in opened.items() if count > MOST_PANELS}


def test_words_for_nothing_are_chosen(boards, panels_of):
    """An empty panel of what should be there says more than nothing."""
    silent = [
        panel["title"]
        for board in boards.values()
        for panel in panels_of(board)
        if panel["type"] != "heatmap" and not panel["fieldConfig"]["defaults"]["noValue"]
    ]

    assert [] == silent


def test_nothing_secret_or_private_is_in_a_board(boards):
    """No address of anybody's own network."""
    text = json.dumps(boards)

    assert [] == re.findall(r"\b(?:10|127|192\.168)\.\d+\.\d+\.\d+", text)
