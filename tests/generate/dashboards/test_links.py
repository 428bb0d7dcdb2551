"""Every link leads somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pdwatch.judge.findings import FINDINGS

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
_BOARD = re.compile(r'"/d/([^"?]+)(?:\?([^"]*))?"')


def names(board: dict) -> set[str]:
    return {variable["name"] for variable in board["templating"]["list"]}


def test_links_lead_to_boards_that_there_are(boards):
    """A variable that a link sets exists where it leads, and one that it keeps where it starts."""
    for uid, board in boards.items():
        for target, query in _BOARD.findall(json.dumps(board)):
            assert target in boards, uid
            assert set(re.findall(r"var-(\w+)=", query)) <= names(boards[target]), (uid, target)
            assert set(re.findall(r"\$\{(\w+):queryparam\}", query)) <= names(board), uid


def test_each_board_links_to_the_others_of_its_set(boards):
    """With the time and the choices that both have."""
    for uid, board in boards.items():
        folder = uid.split("-")[0]
        others = [f"/d/{other}" for other in boards if other != uid and other.split("-")[0] == folder]

        assert others == [link["url"] for link in board["links"]]
        assert all(link["keepTime"] and link["includeVars"] for link in board["links"])


def test_a_click_on_a_service_a_host_or_a_finding_goes_on(boards):
    """From the overview into the service, from the service to the GPUs, from a finding to its runbook."""
    fleet, service = json.dumps(boards["pdwatch-fleet"]), json.dumps(boards["pdwatch-service"])

    assert "var-service=${__data.fields.service}" in fleet
    assert "var-service=${__field.labels.service}" in fleet
    assert "var-host=${__data.fields.host}" in service
    assert "/${__data.fields.finding}.md" in fleet


def test_each_finding_has_the_runbook_that_is_linked():
    """The link is made of the finding's name."""
    assert [] == [each.id for each in FINDINGS if not (RUNBOOKS / f"{each.id}.md").is_file()]
