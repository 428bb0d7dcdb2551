"""What an engine did between two pages, made by hand; the benchmarks are imported from the root of the project."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pdwatch.signals.capacity.step import Step

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

MakeStep = Callable[..., Step]


@pytest.fixture
def make_step() -> MakeStep:
    """Build a step of ten seconds in which nothing happened but what is named."""

    def make(**changed: Any) -> Step:
        names = [name for name in Step.__dataclass_fields__ if name not in ("at", "seconds", "waited", "usage")]
        nothing = dict.fromkeys(names, 0.0) | {"at": 10.0, "seconds": 10.0, "waited": False, "usage": None}
        return Step(**(nothing | changed))

    return make
