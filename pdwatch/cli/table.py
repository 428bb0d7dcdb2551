"""All commands: name, help, an example, and the arguments they take."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from pdwatch.cli.flags import (
    CONNECT,
    FLEET,
    HOST,
    LISTEN,
    SHARD,
    STATE,
    THEME,
    WEB,
    add_choices,
    add_config,
    add_settings,
)

GENERATED = ("dashboards", "alerts", "rules", "docs")


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `pdwatch.cli.commands.NAME` holds its body."""

    name: str
    summary: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]


def _serve(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    add_settings(parser, (*FLEET, SHARD, LISTEN, WEB, STATE, *HOST))


def _agent(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    add_settings(parser, (*[flag for flag in FLEET if flag.name == "--interval"], LISTEN, WEB, *HOST))


def _top(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--connect", metavar="URL", help="a running serve (or PDWATCH_CONNECT; default: the local one)")
    source.add_argument("--replay", metavar="FILE", help="a recording instead of a live fleet")
    source.add_argument("--demo", metavar="SCENARIO", nargs="?", const="", help="a simulated fleet; see demo --list")
    add_settings(parser, CONNECT)
    add_config(parser)
    add_settings(parser, FLEET)
    parser.add_argument("--once", action="store_true", help="print one look and exit")
    parser.add_argument("--at", metavar="TIME", help="begin in the past: -10m, or a time of day such as 03:10")
    parser.add_argument("--record", metavar="FILE", help="record from the start; the record key begins and ends it too")
    parser.add_argument("--keys", metavar="FILE", help="keys of commands in place of the defaults: why: z")
    add_settings(parser, (THEME,))
    parser.add_argument("--ascii", action="store_true", help="draw without Unicode")
    parser.add_argument("--inline", action="store_true", help="draw below the prompt instead of on the whole screen")
    _add_format(parser, "text", "json", "csv")


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connect", metavar="URL", help="a running serve (or PDWATCH_CONNECT; default: the local one)")
    parser.add_argument(
        "--for", dest="duration", metavar="DURATION", default="12s", help="how long to look (default: %(default)s)"
    )
    add_settings(parser, CONNECT)
    add_config(parser)
    add_settings(parser, (*FLEET, *HOST))
    _add_format(parser, "text", "json")


def _record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", metavar="FILE", default="pdwatch.jsonl.zst", help="recording to write (default: %(default)s)"
    )
    parser.add_argument(
        "--max-size", metavar="SIZE", default="256MiB", help="rotate at this size (default: %(default)s)"
    )
    parser.add_argument("--max-age", metavar="DURATION", default="1d", help="rotate at this age (default: %(default)s)")
    parser.add_argument("--redact", metavar="REGEX", help="write pseudonyms for what this matches in label values")
    add_config(parser)
    add_settings(parser, (*FLEET, SHARD))


def _replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="the recording; - reads standard input and answers each tick at once"
    )
    add_config(parser)
    _add_format(parser, "jsonl", "text")


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", metavar="NAME", default="healthy", help="story to play (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="print the scenarios and exit")
    parser.add_argument("--serve", action="store_true", help="also run serve on the fleet")
    parser.add_argument("--top", action="store_true", help="also show the fleet in the terminal")
    parser.add_argument(
        "--port",
        type=int,
        default=18100,
        help="port of the router, workers follow; 0 picks free ones (default: %(default)s)",
    )
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same run (default: %(default)s)")
    parser.add_argument("--for", dest="duration", metavar="DURATION", help="stop after this long (default: Ctrl-C)")
    add_settings(parser, (LISTEN,))


def _generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=GENERATED, metavar="KIND", help="what to write: " + ", ".join(GENERATED))
    parser.add_argument("--output", metavar="DIR", help="folder to write to (default: that of the kind)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the files differ")
    parser.add_argument("--preview", metavar="URL", help="draw the dashboards from a Prometheus as pages for a browser")
    parser.add_argument("--last", metavar="DURATION", default="1h", help="time that is drawn (default: %(default)s)")
    add_choices(parser)


def _add_format(parser: argparse.ArgumentParser, *formats: str) -> None:
    default = formats[0]
    choices = " or ".join(formats)
    parser.add_argument(
        "--format", choices=formats, default=default, metavar="FORMAT", help=f"{choices} (default: {default})"
    )


COMMANDS = (
    Command(
        "serve",
        "Collect, judge and export the fleet for Prometheus and people.",
        "pdwatch serve --prefill http://10.0.0.1:8000 --decode http://10.0.0.2:8000 --router http://10.0.0.3:30000",
        _serve,
    ),
    Command(
        "agent",
        "Export one host: GPUs, fabric ports, engine processes and logs.",
        "pdwatch agent --listen 0.0.0.0:10078",
        _agent,
    ),
    Command(
        "top",
        "Show the fleet in the terminal.",
        "pdwatch top --connect http://monitor:10077",
        _top,
    ),
    Command(
        "check",
        "Look once and say every finding; exit 0 none, 1 warnings, 2 critical, 3 could not tell.",
        "pdwatch check --config pdwatch.yaml",
        _check,
    ),
    Command(
        "record",
        "Write scrapes to a recording until stopped.",
        "pdwatch record --config pdwatch.yaml --output fleet.jsonl.zst",
        _record,
    ),
    Command(
        "replay",
        "Read a recording and print a snapshot for each tick.",
        "pdwatch replay fleet.jsonl.zst --format text",
        _replay,
    ),
    Command(
        "demo",
        "Simulate a fleet on loopback, without a GPU.",
        "pdwatch demo --scenario healthy --serve --top",
        _demo,
    ),
    Command(
        "generate",
        "Write dashboards, alerts, recording rules or docs from the catalogue.",
        "pdwatch generate dashboards --output dashboards --check",
        _generate,
    ),
)
