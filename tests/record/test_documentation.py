"""docs/recording.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pdwatch.model.page import Scrape
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.record.codec import decode, encode
from pdwatch.record.events import Advised, Event, Header, LogLine, Tick
from pdwatch.record.rotation import Rotation

TEXT = (Path(__file__).parents[2] / "docs" / "recording.md").read_text(encoding="utf-8")


def test_the_example_is_a_recording() -> None:
    """One line of each kind, and a failure."""
    example = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    kinds = [type(decode(line.encode())) for line in example[1].splitlines()]

    assert [Header, Scrape, Scrape, LogLine, Advised, Tick] == kinds


def test_each_key_that_is_written_has_a_row() -> None:
    """No key is left to guess, and no row tells of one that is never written."""
    learnt = Target("http://w/metrics", "w", role=Role.DECODE, role_source=RoleSource.ROUTER)
    everything: list[Event] = [
        Header(1, 1.0, {}),
        Scrape(learnt, 1.0, 0.0, 200, "", content_type="text/plain"),
        Scrape(learnt, 1.0, 0.0, error="refused"),
        LogLine(1.0, "w", ""),
        Advised(1.0, "s", {}),
        Tick(1.0),
    ]
    written = {key for event in everything for key in json.loads(encode(event))}
    explained = set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))

    assert explained == written


def test_the_limits_of_rotation_are_those_of_the_code() -> None:
    """256 MiB, one day, sixteen files."""
    assert Rotation(256 * 1024**2, 24 * 3600.0, 16) == Rotation()
    assert "256 MiB" in TEXT
    assert "one day" in TEXT
    assert "Sixteen" in TEXT
