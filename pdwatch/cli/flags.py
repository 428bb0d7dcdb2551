"""Flags that set a key of the configuration, each stated once for all commands that take it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingFlag:
    """A flag that wins over the key at `path` in file and environment."""

    name: str
    path: tuple[str, ...]
    metavar: str
    help: str
    many: bool = False
    """Whether it takes several values and may be repeated."""
    is_path: bool = False
    """Whether its value is relative to the working directory."""

    @property
    def dest(self) -> str:
        """The attribute of the parsed arguments."""
        return "__".join(self.path)


PREFILL = SettingFlag("--prefill", ("prefill",), "URL", "prefill workers; bootstrap ports may follow", many=True)
DECODE = SettingFlag("--decode", ("decode",), "URL", "decode workers", many=True)
ROUTER = SettingFlag("--router", ("router",), "URL", "vllm-router or sglang-router to ask for its workers")
SERVICE = SettingFlag("--service", ("service",), "NAME", "service that these belong to (default: default)")
INTERVAL = SettingFlag("--interval", ("scrape", "interval"), "DURATION", "time between two scrapes (default: 5s)")
SHARD = SettingFlag(
    "--shard",
    ("shard",),
    "i/n",
    "watch only the services of shard i of n, counted from 1: 1/2 here and 2/2 in another process (default: all)",
)
LISTEN = SettingFlag("--listen", ("listen",), "HOST:PORT", "address to listen on")
WEB = SettingFlag(
    "--web.config.file", ("web", "config_file"), "FILE", "TLS and basic auth of the HTTP side", is_path=True
)
STATE = SettingFlag(
    "--state-file", ("state_file",), "FILE", "keep what was learned over a restart in this file", is_path=True
)
SYSFS = SettingFlag("--path.sysfs", ("path", "sysfs"), "DIR", "where sysfs is mounted (default: /sys)", is_path=True)
PROCFS = SettingFlag(
    "--path.procfs", ("path", "procfs"), "DIR", "where procfs is mounted (default: /proc)", is_path=True
)

NAME = SettingFlag("--host", ("agent", "host"), "NAME", "name of this host in labels (default: its own)")
LOG = SettingFlag(
    "--log",
    ("agent", "logs"),
    "PATH",
    "engine log to read: a file, a folder, a pattern in quotes, or - for standard input",
    many=True,
    is_path=True,
)
JOURNAL = SettingFlag("--journal", ("agent", "journal"), "UNIT", "systemd unit whose journal to read", many=True)

CA = SettingFlag(
    "--connect.ca-file",
    ("connect", "tls", "ca_file"),
    "FILE",
    "authority that signed its certificate",
    is_path=True,
)
USERNAME = SettingFlag("--connect.username", ("connect", "basic_auth", "username"), "NAME", "user name for that serve")
PASSWORD = SettingFlag(
    "--connect.password-file",
    ("connect", "basic_auth", "password_file"),
    "FILE",
    "file with the password for that serve",
    is_path=True,
)
TOKEN = SettingFlag(
    "--connect.credentials-file",
    ("connect", "authorization", "credentials_file"),
    "FILE",
    "file with a token for what stands before that serve",
    is_path=True,
)

THEME = SettingFlag("--theme", ("top", "theme"), "NAME", "colours; the theme key lists the names")

SOURCES = (PREFILL, DECODE, ROUTER)
FLEET = (*SOURCES, SERVICE, INTERVAL)
HOST = (SYSFS, PROCFS, NAME, LOG, JOURNAL)
CONNECT = (CA, USERNAME, PASSWORD, TOKEN)
SETTINGS = (*FLEET, SHARD, LISTEN, WEB, STATE, *HOST, *CONNECT, THEME)


@dataclass(frozen=True, slots=True)
class ChoiceFlag:
    """A flag of `generate` for files of some kinds; its value is text, or none where it has no *metavar*."""

    name: str
    metavar: str | None
    kinds: tuple[str, ...]
    help: str

    @property
    def dest(self) -> str:
        """The attribute of the parsed arguments."""
        return self.name.removeprefix("--").replace("-", "_")


CHOICES = (
    ChoiceFlag("--config", "FILE", ("alerts", "rules", "dashboards"), "take the thresholds of a configuration file"),
    ChoiceFlag("--runbook-base", "URL", ("alerts", "dashboards"), "where the runbooks are"),
    ChoiceFlag("--grafana", "URL", ("alerts",), "where the dashboards are"),
    ChoiceFlag(
        "--scale-for", "FACTOR", ("alerts",), "multiply every `for` and `keep_firing_for`, to try alerts quickly"
    ),
    ChoiceFlag("--without-keep-firing-for", None, ("alerts",), "leave it out, for Prometheus before 2.42"),
    ChoiceFlag("--keep", "LABELS", ("alerts", "rules"), "keep these in every aggregation, such as cluster"),
    ChoiceFlag("--window", "DURATION", ("rules",), "take rates over this: four scrape intervals or more"),
)
"""Flags that choose something of generated files."""


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `CHOICES`; one that is not given stays None."""
    for flag in CHOICES:
        text = f"{' and '.join(flag.kinds)}: {flag.help}"
        if flag.metavar is None:
            parser.add_argument(flag.name, action="store_true", default=None, help=text)
        else:
            parser.add_argument(flag.name, metavar=flag.metavar, help=text)


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `--config`."""
    parser.add_argument("--config", metavar="FILE", help="configuration file (or PDWATCH_CONFIG)")


def add_settings(parser: argparse.ArgumentParser, flags: Iterable[SettingFlag]) -> None:
    """Add flags that set a key; a flag that is not given stays None."""
    for flag in flags:
        if flag.many:
            parser.add_argument(
                flag.name, dest=flag.dest, metavar=flag.metavar, help=flag.help, nargs="+", action="extend"
            )
        else:
            parser.add_argument(flag.name, dest=flag.dest, metavar=flag.metavar, help=flag.help)
