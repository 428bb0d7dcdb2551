"""Fleets to test with, and numbers read off their pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pdwatch.demo import SCENARIOS
from pdwatch.demo.model import Fleet, FleetSpec, Load

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def data() -> Path:
    """The folder of what was recorded for these tests alone."""
    return Path(__file__).parent / "data"


@pytest.fixture
def pages() -> Path:
    """The folder of recorded pages that all tests share."""
    return Path(__file__).parent.parent / "pages"


@pytest.fixture
def play() -> Callable[[str, float], Fleet]:
    """Play a scenario with seed 1 up to a simulated second."""

    def to(name: str, seconds: float) -> Fleet:
        fleet = SCENARIOS[name].fleet(seed=1)
        fleet.run_until(seconds)
        return fleet

    return to


@pytest.fixture
def small() -> Callable[..., Fleet]:
    """A fleet of one prefill and one decode worker under light load; keywords go to its spec."""

    def make(rate: float = 4.0, seed: int = 1, **changes: object) -> Fleet:
        load = Load.steady(rate=rate, input_tokens=1500, output_tokens=150)
        return Fleet(FleetSpec(**({"load": load} | changes)), seed)

    return make


@pytest.fixture
def numbers() -> Callable[[str], Numbers]:
    """Every sample of a page by name and labels, as prometheus_client reads it."""

    def parse(page: str) -> Numbers:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }

    return parse


@pytest.fixture
def value(numbers: Callable[[str], Numbers]) -> Callable[..., float]:
    """The sum of the samples of one `vllm:` name on a worker's page whose labels include the given ones."""

    def of(fleet: Fleet, worker: str, name: str, **labels: str) -> float:
        found = [
            number
            for (sample, pairs), number in numbers(fleet.page(worker)).items()
            if sample == f"vllm:{name}" and labels.items() <= dict(pairs).items()
        ]
        assert found, f"{worker} has no {name} {labels}"
        return sum(found)

    return of
