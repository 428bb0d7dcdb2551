"""How much lengths vary, from sums and counts alone."""

from __future__ import annotations

from math import exp, log
from random import Random

import pytest

from pdwatch.signals.capacity.spread import UNKNOWN_SCV, Spread


def watched(sigma: float, looks: int, mean: float = 1000.0, seed: int = 1) -> list[float]:
    """Return the estimate after each of so many looks at three to forty lognormal lengths."""
    draw, spread, told = Random(seed), Spread(), []
    for _ in range(looks):
        lengths = [draw.lognormvariate(log(mean) - sigma**2 / 2, sigma) for _ in range(draw.randint(3, 40))]
        spread.add(sum(lengths), float(len(lengths)))
        told.append(spread.squared_variation)
    return told


@pytest.mark.parametrize("sigma", [0.3, 0.6, 0.9])
def test_the_variation_of_lengths_is_found(sigma: float) -> None:
    """Lognormal lengths vary by exp(sigma²) - 1; the estimate hovers around that, on average within 25 %."""
    told = watched(sigma, 3000)[200:]

    assert exp(sigma**2) - 1.0 == pytest.approx(sum(told) / len(told), rel=0.25)


def test_equal_lengths_do_not_vary() -> None:
    """Every request has a thousand tokens, whatever their number."""
    assert watched(0.0, 200)[-1] < 0.05


def test_nothing_is_told_of_a_few_looks() -> None:
    """Something usual is taken until enough was seen."""
    assert UNKNOWN_SCV == Spread().squared_variation
    assert [UNKNOWN_SCV] * 3 == watched(0.0, 3)


def test_looks_without_a_request_count_for_nothing() -> None:
    """Neither as zero nor as a look."""
    spread, quiet = Spread(), Spread()
    for index in range(200):
        spread.add(1000.0 * (1 + index % 3), 2.0)
        quiet.add(1000.0 * (1 + index % 3), 2.0)
        quiet.add(0.0, 0.0)
        quiet.add(0.0, 3.0)

    assert spread.squared_variation == quiet.squared_variation


def test_lengths_that_changed_once_do_not_vary_for_ever() -> None:
    """All prompts become four times as long: that is a change of the mean, and is over after a while."""
    spread = Spread()
    for length in [500.0] * 100 + [2000.0] * 600:
        spread.add(10 * length, 10.0)

    assert spread.squared_variation < 0.2


def test_an_estimate_stays_within_bounds() -> None:
    """One prompt of a million tokens among short ones does not make every other number senseless."""
    spread = Spread()
    for index in range(100):
        spread.add(1e6 if index % 20 == 10 else 10.0, 1.0)

    assert 0.0 < spread.squared_variation <= 10.0
