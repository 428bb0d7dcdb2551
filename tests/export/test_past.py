"""What a serve remembers of its snapshots."""

from __future__ import annotations

import json
from dataclasses import replace

from pdwatch.export.past import Past


def test_every_snapshot_of_a_small_fleet_is_kept_in_order(fleet):
    """A screen can go back to each."""
    past = Past()
    for step in range(3):
        past.keep(replace(fleet, t=fleet.t + step))

    assert [fleet.t, fleet.t + 1, fleet.t + 2] == [json.loads(line)["t"] for line in past.lines()]


def test_a_large_fleet_is_remembered_once_a_minute(fleet):
    """Encoding a thousand workers each cycle would cost as much as judging them."""
    past = Past()
    large = replace(fleet, self_state=replace(fleet.self_state, workers=1000))
    for step in range(0, 125, 5):
        past.keep(replace(large, t=fleet.t + step))

    assert [fleet.t, fleet.t + 60, fleet.t + 120] == [json.loads(line)["t"] for line in past.lines()]


def test_the_past_is_served_as_lines(site, fleet):
    """A terminal asks for it once, when it attaches."""
    site.publish(fleet)
    answer = site.client.get("/api/v1/history")

    assert "application/x-ndjson" == answer.headers["content-type"]
    assert [fleet.t] == [json.loads(line)["t"] for line in answer.text.splitlines()]
