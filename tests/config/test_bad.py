"""Each mistake has a file `bad/NAME.yaml` and the line that people see in `bad/NAME.txt`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdwatch.config.errors import ConfigError
from pdwatch.config.load import load

BAD = Path(__file__).parent / "bad"
MISTAKES = sorted(path.stem for path in BAD.glob("*.yaml"))


def test_there_is_a_message_for_each_mistake() -> None:
    """No mistake lacks its message and no message its mistake."""
    assert MISTAKES == sorted(path.stem for path in BAD.glob("*.txt"))
    assert 25 <= len(MISTAKES)


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_explained_in_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names file, line and key, what is wrong and the mend, and nothing more."""
    monkeypatch.chdir(BAD)

    with pytest.raises(ConfigError) as caught:
        load(Path(f"{name}.yaml"), {})

    assert (BAD / f"{name}.txt").read_text(encoding="utf-8") == f"{caught.value}\n"


@pytest.mark.parametrize("name", MISTAKES)
def test_no_message_shows_a_secret(name: str) -> None:
    """A password in a file is never repeated."""
    assert "hunter2" not in (BAD / f"{name}.txt").read_text(encoding="utf-8")
