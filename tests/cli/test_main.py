"""The program as the shell sees it: streams, exit statuses, and what it costs to start."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import pytest

from pdwatch import __version__
from pdwatch.cli.main import main

HELP_CPU_SECONDS = 0.12
HEAVY = ("httpx", "pydantic", "textual", "grafanalib", "yaml", "asyncio", "aiohttp", "starlette")


def test_wrong_call_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong call names the command, exits with 2 and writes no data."""
    status = main(["serve", "--lisen", ":1"])

    out, err = capsys.readouterr()
    assert (2, "") == (status, out)
    assert "pdwatch serve: --lisen is no flag; did you mean --listen?\n" == err


def test_wrong_command_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command the program itself speaks."""
    assert 2 == main(["serv"])
    assert "pdwatch: 'serv' is no command; did you mean serve?\n" == capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is data, for the program and for each command."""
    assert [0, 0] == [main(["--version"]), main(["top", "--version"])]
    assert f"pdwatch {__version__}\n" * 2 == capsys.readouterr().out


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Help is on standard output, exits with 0 and leaves standard error alone."""
    status = main(["--help"])

    out, err = capsys.readouterr()
    assert (0, "") == (status, err)
    assert "  check      Look once and say every finding; exit 0 none, 1 warnings, 2 critical" in out


@pytest.mark.parametrize("module", ["pdwatch.cli.main", "pdwatch.cli.parser"])
def test_parsing_loads_nothing_heavy(python: Any, module: str) -> None:
    """A call is parsed, and refused, without the libraries of the commands."""
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"

    assert "[]\n" == python("-c", code).stdout


def test_help_is_quick(python: Any) -> None:
    """The help of the program costs a shell no noticeable time."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert 0 == python("-m", "pdwatch", "--help").returncode
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert HELP_CPU_SECONDS >= min(spent)


BODY = """
import os, signal, sys, types
body = types.ModuleType("pdwatch.cli.commands.top")
body.run = lambda args: {action}
sys.modules[body.__name__] = body
sys.argv = ["pdwatch", "top"]
from pdwatch.cli.main import run
run()
"""


@pytest.mark.parametrize("call", [("-m", "pdwatch", "--help"), ("-c", BODY.format(action="print('data') or 0"))])
def test_reader_that_went_away_is_no_error(python: Any, call: tuple[str, ...]) -> None:
    """`pdwatch … | head -0` ends in silence."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = python(*call, stdout=writer)
    finally:
        os.close(writer)

    assert (141, "") == (ended.returncode, ended.stderr)


def test_interrupt_is_no_traceback(python: Any) -> None:
    """Ctrl-C ends a command in silence, with the status that shells give it."""
    ended = python("-c", BODY.format(action="os.kill(os.getpid(), signal.SIGINT) or 0"))

    assert (130, "", "") == (ended.returncode, ended.stdout, ended.stderr)


def test_wrong_configuration_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A mistake in the file is told with the command, the file and the line."""
    path = tmp_path / "pdwatch.yaml"
    path.write_text("windw: 60s\n", encoding="utf-8")

    status = main(["serve", "--config", str(path)])

    assert (2, f"pdwatch serve: {path}:1: windw: unknown key; did you mean window?\n") == (
        status,
        capsys.readouterr().err,
    )
