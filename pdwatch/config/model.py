"""The configuration as a whole, one frozen model for the YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.config.access import HttpAccess
from pdwatch.config.schema import Kind
from pdwatch.config.services import Service
from pdwatch.config.sources import Source
from pdwatch.config.thresholds import ThresholdValues
from pdwatch.config.types import (
    Count,
    Duration,
    File,
    Folder,
    KeyNames,
    Listen,
    LogPath,
    ServiceUrl,
    Settings,
    ShardText,
    Size,
    TargetUrls,
    Text,
)
from pdwatch.model.target import DEFAULT_SERVICE

DEFAULT_INTERVAL_SECONDS = 5.0
DEFAULT_TIMEOUT_SECONDS = 3.0
DEFAULT_WINDOW_SECONDS = 60.0

DEFAULT_LISTEN = "127.0.0.1:10077"

_TIMEOUT_SHARE = 0.6
_WINDOW_INTERVALS = 4


class Scrape(HttpAccess):
    """How the pages of workers and hosts are fetched."""

    interval: Duration = DEFAULT_INTERVAL_SECONDS
    """Time between two scrapes of one target."""
    timeout: Duration = Field(
        default=None,
        validate_default=True,
        json_schema_extra={"default": "`3s`; three fifths of an interval below `5s`"},
    )
    """Longest wait for one page; must be shorter than the interval."""
    max_body: Size = 16 * 1024**2
    """Largest page that is read."""
    max_samples: Count = 200_000
    """Most samples of one page that are read."""
    concurrency: Count = 1024
    """Most pages that are fetched at the same time; a slow target holds its place until the timeout."""

    @field_validator("timeout", mode="before")
    @classmethod
    def _fit_interval(cls, value: Any, info: ValidationInfo) -> Any:
        interval: float = info.data.get("interval", DEFAULT_INTERVAL_SECONDS)
        return min(DEFAULT_TIMEOUT_SECONDS, _TIMEOUT_SHARE * interval) if value is None else value


class Connect(HttpAccess):
    """The running serve that `top` and `check` ask."""

    url: ServiceUrl | None = None
    """Its address, where no worker is named on the command line; `--connect` or PDWATCH_CONNECT."""


class Top(Settings):
    """How the terminal looks and is used."""

    keys: Annotated[dict[Text, KeyNames], Kind("keys by command")] = Field(default_factory=dict)
    """Keys in place of the defaults, such as `{why: z, quit: [q, ctrl+c]}`; those of `--keys FILE` come first."""
    theme: Text | None = None
    """Name of the colours; `--theme`."""


class Web(Settings):
    """The HTTP side of `serve` and `agent`."""

    config_file: File | None = None
    """TLS and basic auth in the format of the Prometheus exporter-toolkit."""


class Paths(Settings):
    """Where the kernel shows the host."""

    sysfs: Folder = Path("/sys")
    """Where sysfs is mounted."""
    procfs: Folder = Path("/proc")
    """Where procfs is mounted."""


class Agent(Settings):
    """What `agent` watches on its host, and `serve` on its own."""

    host: Text | None = None
    """Name of the host in labels; what the system calls itself unless set. `--host`."""
    logs: Annotated[tuple[LogPath, ...], Kind("list of files, folders or patterns")] = ()
    """Engine logs to read: files, folders, patterns such as `logs/*.log`, or `-` for standard input; `--log`."""
    journal: Annotated[tuple[Text, ...], Kind("list of text")] = ()
    """systemd units whose journal to read; `--journal`."""


class Config(Settings):
    """Everything that can be set."""

    scrape: Scrape = Scrape()
    """How pages are fetched."""
    services: dict[Text, Service] = Field(default_factory=dict)
    """Services by name, as the label `service` of their targets has it."""
    discovery: Annotated[tuple[Source, ...], Kind("list")] = ()
    """Where workers are found."""
    hosts: Annotated[tuple[Source, ...], Kind("list")] = ()
    """Where pages about hosts are found: pdwatch agent, dcgm-exporter, node_exporter."""
    thresholds: ThresholdValues = Thresholds()
    """Numbers that divide fine from not fine."""
    window: Duration = Field(
        default=None,
        validate_default=True,
        json_schema_extra={"default": "`60s`; four intervals where that is longer"},
    )
    """Time over which rates and quantiles are taken; at least two intervals."""
    prefill: TargetUrls = ()
    """Prefill workers, the short form of a `static` entry; `--prefill`."""
    decode: TargetUrls = ()
    """Decode workers, the short form of a `static` entry; `--decode`."""
    router: ServiceUrl | None = None
    """Router to ask for its workers, the short form of a `router` entry; `--router`."""
    service: Text = DEFAULT_SERVICE
    """Service of `prefill`, `decode` and `router`; `--service`."""
    shard: ShardText | None = None
    """Watch only the services that fall to shard i of n, counted from 1, such as `1/2`; `--shard`."""
    listen: Listen = DEFAULT_LISTEN
    """Address of the HTTP side; `agent` listens on port 10078 unless this is set; `--listen`."""
    state_file: File | None = None
    """File that keeps over a restart of `serve` what it learned and advised; `--state-file`."""
    connect: Connect = Connect()
    """The running serve that `top` and `check` ask."""
    top: Top = Top()
    """How the terminal looks and is used."""
    web: Web = Web()
    """The HTTP side of `serve` and `agent`."""
    path: Paths = Paths()
    """Where the kernel shows the host."""
    agent: Agent = Agent()
    """What is watched on the host that pdwatch runs on."""

    @field_validator("window", mode="before")
    @classmethod
    def _fit_interval(cls, value: Any, info: ValidationInfo) -> Any:
        scrape: Scrape = info.data.get("scrape", Scrape())
        return max(DEFAULT_WINDOW_SECONDS, _WINDOW_INTERVALS * scrape.interval) if value is None else value
