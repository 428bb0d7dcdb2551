"""The JSON is what present Grafanas write themselves: nothing for a migration to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

PROMETHEUS_MARKS = {"titleFormat", "textFormat"}
"""Keys of annotations that Grafana's Prometheus source reads and its general types do not list."""
KINDS = {"timeseries", "stat", "table", "heatmap", "state-timeline", "bargauge"}


def lost(ours: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """Yield where *theirs* lacks something of *ours* or has it otherwise."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key not in theirs:
                yield f"{where}.{key}"
            else:
                yield from lost(value, theirs[key], f"{where}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(one, other, f"{where}[{index}]")
    elif ours != theirs:
        yield f"{where}: {ours!r} became {theirs!r}"


def test_grafanas_own_types_know_every_key(boards):
    """Read and written by Grafana's types, nothing is lost: no unknown, misspelt or outdated key."""
    register_default_plugins()
    for uid, board in boards.items():
        known = {key: value for key, value in board.items() if value is not None}
        back = json.loads(JSONEncoder(sort_keys=True, indent=0).encode(Dashboard.from_json(board)))
        missing = [where for where in lost(known, back) if where.rpartition(".")[2] not in PROMETHEUS_MARKS]

        assert [] == missing, uid


def test_the_reader_of_types_is_strict(boards):
    """The test above can fail: a key of old Grafanas is told."""
    register_default_plugins()
    old = json.loads(json.dumps(boards["pdwatch-fleet"]))
    old["panels"][1]["nullPointMode"] = "connected"
    old["panels"][1]["options"]["legendMode"] = "list"
    back = json.loads(JSONEncoder(sort_keys=True, indent=0).encode(Dashboard.from_json(old)))

    assert {".panels[1].nullPointMode", ".panels[1].options.legendMode"} <= set(lost(old, back))


def test_schema_41_and_no_panel_of_old_grafanas(boards, panels_of):
    """No Angular panel, no plugin to install."""
    assert {41} == {board["schemaVersion"] for board in boards.values()}
    assert KINDS == {panel["type"] for board in boards.values() for panel in panels_of(board)}
    assert {None} == {board["id"] for board in boards.values()}


def test_thresholds_begin_with_a_base_and_rise(boards, panels_of):
    """Grafana wants a first step without a value, and colors by the last that is reached."""
    for board in boards.values():
        for panel in panels_of(board):
            if panel["type"] == "heatmap":
                continue
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            values = [step["value"] for step in steps]

            assert values[0] is None, panel["title"]
            assert values[1:] == sorted(values[1:]), panel["title"]
