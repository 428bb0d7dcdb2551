"""From words to parsed arguments. A wrong call is one line that says what, where and how to mend it."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from pdwatch import __version__
from pdwatch.cli.errors import UsageError
from pdwatch.cli.table import COMMANDS, Command

EXIT_CODES = "Standard output is data, standard error is narration. Exit 2 is a wrong call or configuration."


class LineParser(argparse.ArgumentParser):
    """A parser whose errors are raised, not printed with the usage."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        text = message.removeprefix("argument ")
        for pattern, explain in _EXPLAINED:
            match = pattern.fullmatch(text)
            if match:
                raise UsageError(explain(match))
        raise UsageError(f"{text}; see {self.prog} --help")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of a command, its name in `command`.

    Raises `UsageError` for a wrong call, and `SystemExit` with 0 after `--help` or `--version` was answered.
    """
    if not argv:
        raise UsageError("a command is missing; see pdwatch --help")
    head, *rest = argv
    command = next((command for command in COMMANDS if command.name == head), None)
    if command is None:
        return _parse_top_level(head, argv)
    parser = command_parser(command)
    args, unknown = parser.parse_known_args(_with_past_times(rest))
    if unknown:
        raise _unknown(unknown[0], parser)
    return args


def program(argv: Sequence[str]) -> str:
    """Return what messages about a call begin with: `pdwatch serve`, or `pdwatch` where no command is named."""
    named = argv and any(command.name == argv[0] for command in COMMANDS)
    return f"pdwatch {argv[0]}" if named else "pdwatch"


def command_parser(command: Command) -> LineParser:
    """Return the parser of one command."""
    parser = LineParser(
        prog=program([command.name]),
        description=command.summary,
        epilog=f"example:\n  {command.example}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_version(parser)
    command.add_arguments(parser)
    parser.set_defaults(command=command.name)
    return parser


def _with_past_times(words: Sequence[str]) -> list[str]:
    """Join `--at -10m`, whose value argparse would take for a flag."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--at" and re.match(r"-\d", word):
            joined[-1] = f"--at={word}"
        else:
            joined.append(word)
    return joined


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the mend of an unknown word: the known one that it resembles, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f"did you mean {near[0]}?" if near else f"choose from {', '.join(names)}"


def _choice(match: re.Match[str]) -> str:
    known = [word.strip(" '") for word in match["known"].split(",")]
    return f"{match['where']}: {match['word']} is not one of them; {nearest(match['word'].strip(_QUOTE), known)}"


_QUOTE = "'"

_EXPLAINED: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(?P<where>.+?): invalid choice: (?P<word>.+) \(choose from (?P<known>.+)\)"), _choice),
    (re.compile(r"(.+?): not allowed with argument (.+)"), lambda m: f"{m[1]} and {m[2]} exclude each other; give one"),
    (re.compile(r"(.+?): expected one argument"), lambda m: f"{m[1]} has no value; write one behind it"),
    (
        re.compile(r"(.+?): expected at least one argument"),
        lambda m: f"{m[1]} has no value; write one or more behind it",
    ),
    (
        re.compile(r"(.+?): invalid int value: (.+)"),
        lambda m: f"{m[1]}: {m[2]} is no whole number; write one such as 4",
    ),
    (re.compile(r"(.+?): invalid float value: (.+)"), lambda m: f"{m[1]}: {m[2]} is no number; write one such as 0.5"),
    (
        re.compile(r"the following arguments are required: (.+)"),
        lambda m: f"{m[1]} is missing; write it behind the command",
    ),
)
"""What argparse says of a wrong call, and the same with the mend."""


def _parse_top_level(head: str, argv: Sequence[str]) -> argparse.Namespace:
    if not head.startswith("-"):
        raise UsageError(f"{head!r} is no command; {nearest(head, (command.name for command in COMMANDS))}")
    lines = "\n".join(f"  {command.name:<10} {command.summary}" for command in COMMANDS)
    parser = LineParser(
        prog="pdwatch",
        usage="pdwatch COMMAND [FLAGS]",
        description="Observability and health for prefill/decode disaggregated LLM serving.",
        epilog=f"commands:\n{lines}\n\nexample:\n  {COMMANDS[0].example}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_version(parser)
    parser.parse_known_args(argv)
    raise UsageError(f"{_flag(head)} stands before the command; write the command first, such as pdwatch serve")


def _add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--version", action="version", version=f"pdwatch {__version__}", help="print the version and exit"
    )


def _unknown(word: str, parser: LineParser) -> UsageError:
    if not word.startswith("-"):
        return UsageError(f"{word!r} is one argument too many; see {parser.prog} --help")
    flag = _flag(word)
    known = [name for name in parser._option_string_actions if name.startswith("--")]  # noqa: SLF001
    near = difflib.get_close_matches(flag, known, n=1)
    return UsageError(f"{flag} is no flag; " + (f"did you mean {near[0]}?" if near else f"see {parser.prog} --help"))


def _flag(word: str) -> str:
    """Return the flag without its value, which may be a secret."""
    return word.partition("=")[0]
