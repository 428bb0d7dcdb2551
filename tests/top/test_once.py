"""One look: text for a pager, JSON, CSV; and what it does not load."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pdwatch.model.decode import snapshot_from_json
from pdwatch.top import exit_code, once

STATES = ("healthy", "decode", "fabric", "down", "cannot_tell", "empty", "idle")


@pytest.mark.parametrize("state", STATES)
def test_text(state: str, states, golden) -> None:
    """The text of each state is as it is kept."""
    golden.check(f"top/once-{state}.txt", f"{once(states[state][-1])}\n".encode())


@pytest.mark.parametrize("state", STATES)
def test_text_is_no_wider_than_asked(state: str, states) -> None:
    """Any width, and ASCII where Unicode cannot be shown."""
    for width in (10, 40, 80):
        assert max(map(len, once(states[state][-1], width=width).splitlines())) <= width
    assert once(states[state][-1], unicode=False).isascii()


def test_json_is_the_snapshot(states) -> None:
    """The same line as `/api/v1/snapshot` gives."""
    snapshot = states["down"][-1]

    assert snapshot == snapshot_from_json(json.loads(once(snapshot, "json")))


def test_csv_has_a_row_per_worker(states, golden) -> None:
    """The worst first, in base units."""
    golden.check("top/once-down.csv", f"{once(states['down'][-1], 'csv')}\n".encode())


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("HOLD", "healthy"),
        ("SHIFT TO DECODE", "decode_bound"),
        ("SCALE PREFILL", "prefill_bound"),
        ("FIX", "decode_dies"),
    ],
)
def test_a_simulated_fleet_is_told_as_it_is(words: str, name: str, story) -> None:
    """From pages over signals and judgement to the words of the first line."""
    assert words in once(story(name)[-1]).splitlines()[0]


def test_the_exit_code_of_a_fleet_with_a_dead_worker(story) -> None:
    """Critical."""
    assert 2 == exit_code(story("decode_dies")[-1])


def test_a_look_loads_no_screen() -> None:
    """`--once` and pipes start without Textual and without an HTTP client."""
    code = (
        "import sys, pdwatch.top, pdwatch.top.sources, pdwatch.top.app, pdwatch.top.screen.terminal\n"
        "print([name for name in ('textual', 'rich', 'httpx') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert "[]" == result.stdout.strip()
