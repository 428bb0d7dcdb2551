"""`pdwatch generate dashboards`, as it is called."""

from __future__ import annotations

import pytest

from pdwatch.cli.commands.generate import run
from pdwatch.cli.errors import UsageError
from pdwatch.cli.parser import parse


def call(*words: str) -> int:
    return run(parse(["generate", "dashboards", *words]))


def test_every_file_is_written_and_then_none(tmp_path, capsys):
    """Paths on standard output; a second call changes nothing."""
    folder = tmp_path / "boards"
    first = (call("--output", str(folder)), capsys.readouterr().out.split())
    second = (call("--output", str(folder)), capsys.readouterr().out.split())

    assert (0, sorted(str(path) for path in folder.rglob("*") if path.is_file())) == (first[0], sorted(first[1]))
    assert (0, []) == second


def test_a_board_changed_by_hand_is_told(tmp_path, capsys):
    """With the mend, and exit 1."""
    call("--output", str(tmp_path))
    board = tmp_path / "pdwatch" / "pdwatch-fleet.json"
    board.write_text("{}")
    capsys.readouterr()

    assert 1 == call("--output", str(tmp_path), "--check")
    assert f"{board} differs; write it anew with: pdwatch generate dashboards" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "generate docs --preview http://x",
            "--preview draws dashboards; write: pdwatch generate dashboards --preview URL",
        ),
        (
            "generate dashboards --check --preview http://x",
            "--preview draws dashboards; write: pdwatch generate dashboards --preview URL",
        ),
        (
            "generate dashboards --preview http://x --last week",
            "--last week: 'week' is not a duration; write it like 500ms, 5s or 1h30m",
        ),
        (
            "generate dashboards --preview http://[::1",
            "--preview http://[::1 cannot be asked: Invalid port: ':1'; give the URL of a Prometheus",
        ),
    ],
)
def test_a_wrong_call_is_one_line_with_the_mend(words, message):
    """And exit 2, as of every command."""
    with pytest.raises(UsageError) as caught:
        run(parse(words.split()))

    assert message == str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """A file where a folder should be."""
    (tmp_path / "pdwatch").write_text("a file")
    with pytest.raises(UsageError, match="name a folder that can be written with --output"):
        call("--output", str(tmp_path))
