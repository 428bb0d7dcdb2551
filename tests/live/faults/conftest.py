"""Workers that misbehave on demand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

TIMEOUT = 0.6
"""Of a scrape, in seconds."""


@pytest.fixture(scope="module")
def program(start):
    """The server of workers that misbehave on demand: its address, and their names."""
    path = Path(__file__).with_name("hostile.py")
    return json.loads(start(sys.executable, str(path), f"{TIMEOUT:g}").line(r"^\{.*", "out").group())


@pytest.fixture(scope="module")
def hostile(program):
    """The address of that server."""
    return program["url"]
