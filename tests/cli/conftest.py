"""Fixtures of the command line: the real program in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def python() -> Run:
    """Return what runs the interpreter with some arguments."""

    def run(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        )

    return run


@pytest.fixture(autouse=True)
def _no_settings_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer has set does not reach a test; the width of help does not depend on a terminal."""
    for name in ("PDWATCH_CONFIG", "PDWATCH_CONNECT", "PDWATCH_LISTEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
