"""What is typed, what it means, and what a wrong call is told."""

from __future__ import annotations

import pytest

from pdwatch.cli.errors import UsageError
from pdwatch.cli.parser import command_parser, parse
from pdwatch.cli.table import COMMANDS

NAMES = ["serve", "agent", "top", "check", "record", "replay", "demo", "generate"]


def test_commands() -> None:
    """The commands are those that others rely on."""
    assert NAMES == [command.name for command in COMMANDS]


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_help_has_an_example(command: object, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command explains itself on standard output, every flag with a text, and shows a call that is right."""
    assert command in COMMANDS
    (entry,) = (one for one in COMMANDS if one is command)

    with pytest.raises(SystemExit) as caught:
        parse([entry.name, "--help"])

    out = capsys.readouterr().out
    assert 0 == caught.value.code
    assert entry.summary in " ".join(out.split())
    assert f"example:\n  {entry.example}\n" in out
    assert entry.example.startswith(f"pdwatch {entry.name} ")
    assert entry.name == parse(entry.example.split()[1:]).command
    assert all(action.help for action in command_parser(entry)._actions)


def test_flags_that_routers_take() -> None:
    """URLs may stand behind one flag or behind several of them."""
    args = parse(["serve", "--prefill", "a:1", "8998", "--prefill", "b:1", "--decode", "c:1", "d:1"])

    assert (["a:1", "8998", "b:1"], ["c:1", "d:1"]) == (args.prefill, args.decode)


def test_flag_that_is_not_given_is_none() -> None:
    """Only what was typed wins over file and environment."""
    args = parse(["serve"])

    assert {None} == {value for name, value in vars(args).items() if name != "command"}


def test_standard_input_is_a_recording() -> None:
    """A dash stands for standard input."""
    assert ("-", "jsonl") == ((args := parse(["replay", "-"])).file, args.format)


def test_demo_of_top_needs_no_scenario() -> None:
    """`--demo` alone is the demo, `--demo NAME` a scenario, and without it there is none."""
    assert (None, "", "decode_saturated") == (
        parse(["top"]).demo,
        parse(["top", "--demo"]).demo,
        parse(["top", "--demo", "decode_saturated"]).demo,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("", "a command is missing; see pdwatch --help"),
        ("serv", "'serv' is no command; did you mean serve?"),
        ("xyz", "'xyz' is no command; choose from agent, check, demo, generate, record, replay, serve, top"),
        ("--config a serve", "--config stands before the command; write the command first, such as pdwatch serve"),
        ("serve --lisen :1", "--lisen is no flag; did you mean --listen?"),
        ("serve --conf a", "--conf is no flag; did you mean --config?"),
        ("serve --password=hunter2", "--password is no flag; see pdwatch serve --help"),
        ("serve --listen", "--listen has no value; write one behind it"),
        ("serve --prefill", "--prefill has no value; write one or more behind it"),
        ("serve a:1", "'a:1' is one argument too many; see pdwatch serve --help"),
        ("replay", "FILE is missing; write it behind the command"),
        ("replay a --format jsnl", "--format: 'jsnl' is not one of them; did you mean jsonl?"),
        ("top --format xml", "--format: 'xml' is not one of them; choose from csv, json, text"),
        ("top --replay a --connect b", "--connect and --replay exclude each other; give one"),
        ("generate alert", "KIND: 'alert' is not one of them; did you mean alerts?"),
        ("demo --port x", "--port: 'x' is no whole number; write one such as 4"),
        ("demo --speed x", "--speed: 'x' is no number; write one such as 0.5"),
    ],
)
def test_wrong_call_is_explained(call: str, message: str) -> None:
    """What is wrong and the mend, in one line, without a value that may be a secret."""
    with pytest.raises(UsageError) as caught:
        parse(call.split())

    assert message == str(caught.value)


def test_a_time_in_the_past_is_no_flag() -> None:
    """`--at -10m` begins with a dash and is a value all the same."""
    assert "-10m" == parse(["top", "--at", "-10m"]).at
