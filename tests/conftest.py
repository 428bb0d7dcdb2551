"""Golden files: `pytest --golden-update` rewrites them, and the diff is reviewed like code."""

from __future__ import annotations

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--golden-update`."""
    parser.addoption("--golden-update", action="store_true", help="rewrite the golden files with what the code gives")


class Golden:
    """Compares whole outputs with the files below `tests/golden`."""

    def __init__(self, folder: Path, update: bool) -> None:
        self.folder = folder
        self.update = update

    def check(self, name: str, content: bytes) -> None:
        """Hold that *content* is the file *name*, byte for byte."""
        path = self.folder / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        expected = path.read_bytes() if path.exists() else b""

        assert expected.decode() == content.decode(), f"{name} differs; if that is meant, run pytest --golden-update"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The golden files."""
    return Golden(GOLDEN, update=bool(request.config.getoption("--golden-update")))
