"""Balance of experts, and when its number means something."""

from __future__ import annotations

import pytest

from pdwatch.host.logs import BalancednessFold, usable
from pdwatch.model.logline import EplbStep

PLAIN = EplbStep(1, 2, 0.5)
NAMED = EplbStep(1, 2, 0.5, 7, "m")
FULL = EplbStep(1, 2, 0.5, 7, "m", 93)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.9.2", True),
        ("0.10.0", True),
        ("0.10.1", False),
        ("0.10.2", False),
        ("0.11.0", False),
        ("0.20.2.dev3+gabc", False),
        ("0.27.1", False),
        ("0.28.0", True),
        ("v0.28.0rc1", True),
        ("0.33.0", True),
        ("1.0", True),
    ],
)
def test_versions_that_averaged_over_layers_are_not_usable(version: str, expected: bool) -> None:
    """From 0.10.2 to 0.27.1 the number is near 1 whatever happens."""
    assert expected is usable(FULL, version)


def test_without_a_version_the_form_of_the_line_may_tell() -> None:
    """Only one form is from wrong versions alone; the others are from both."""
    assert None is usable(PLAIN, None)
    assert False is usable(NAMED, None)
    assert None is usable(FULL, "unknown")


def test_the_newest_line_of_each_source_and_model_counts() -> None:
    """Main model and draft model are apart, and so are sources."""
    fold = BalancednessFold()
    fold.add("d0", EplbStep(1, 2, 0.5, 1, "main", 9), 100.0)
    fold.add("d0", EplbStep(9, 10, 0.9, 2, "main", 8), 110.0)
    fold.add("d0", EplbStep(1, 4, 0.25, 2, "draft", 8), 105.0)
    fold.add("d1", EplbStep(1, 1, 1.0), 90.0)
    states = fold.states(120.0, {"d0": "0.33.0"})

    assert [
        ("d0", "draft", 0.25, True, 15.0),
        ("d0", "main", 0.9, True, 10.0),
        ("d1", "", 1.0, None, 30.0),
    ] == [(state.source, state.model, state.ratio, state.usable, state.age_seconds) for state in states]


def test_a_step_without_tokens_replaces_nothing() -> None:
    """An idle engine is not perfectly uneven."""
    fold = BalancednessFold()
    fold.add("d0", EplbStep(1, 2, 0.5), 100.0)
    fold.add("d0", EplbStep(0, 0, None), 110.0)

    assert [(0.5, 100.0)] == [(state.ratio, state.at) for state in fold.states(120.0, {})]


def test_no_lines_no_balance() -> None:
    """Silence is not balance."""
    fold = BalancednessFold()
    fold.add("d0", EplbStep(0, 0, None), 110.0)

    assert () == fold.states(120.0, {})
