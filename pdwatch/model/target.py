"""A target: what discovery yields, one URL with the labels that place it in the fleet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit


class Role(StrEnum):
    """What a worker does for its service. `ROUTER` marks a page that speaks about workers and is itself none."""

    PREFILL = "prefill"
    DECODE = "decode"
    BOTH = "both"
    UNKNOWN = "unknown"
    ROUTER = "router"


class RoleSource(StrEnum):
    """Who said what the role is, most trusted first."""

    DECLARED = "declared"
    ROUTER = "router"
    INTROSPECTION = "introspection"
    LABELS = "labels"
    BEHAVIOUR = "behaviour"
    NONE = "none"


DEFAULT_SERVICE = "default"


@dataclass(frozen=True, slots=True)
class Target:
    """One `/metrics` endpoint to scrape.

    `url` is the full URL of the page and the identity of the target: found twice, it is one target.
    `worker` names it to people and in every label; it defaults to `host:port`.
    """

    url: str
    worker: str
    service: str = DEFAULT_SERVICE
    role: Role = Role.UNKNOWN
    role_source: RoleSource = RoleSource.NONE
    replica: str = ""
    host: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """What discovery said beyond the fields above, shown in `/sd/workers` and kept in recordings."""
    source: str = ""
    """Where it was found, for messages: `--prefill`, `targets/a.yaml`, `http://router:8123/workers`."""

    @property
    def base_url(self) -> str:
        """The URL without its path: where `/health` and `/version` live."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_asked(self) -> bool:
        """Whether its page is asked of itself; one that another tells has the other's name behind # in its URL."""
        return "#" not in self.url

    def behind(self, teller: str) -> Self:
        """Return the target as one whose page *teller* tells."""
        return replace(self, url=f"{self.url}#{teller}")

    @property
    def replica_name(self) -> str:
        """The replica it belongs to; without one declared, the worker is its own replica."""
        return self.replica or self.worker


def page_url(text: str, default_path: str = "/metrics") -> str:
    """Return the full page URL for `host:port`, a base URL or a full URL.

    Raises `ValueError` with the mend when *text* has no host or another scheme than http and https.
    """
    url = text if "://" in text else f"http://{text}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{text!r} has scheme {parts.scheme!r}; write http:// or https://")
    try:
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} has no valid port; write host:port with a port from 1 to 65535") from error
    if not host:
        raise ValueError(f"{text!r} has no host; write http://host:port")
    path = parts.path if parts.path not in ("", "/") else default_path
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{path}{query}"


def worker_name(url: str) -> str:
    """Return `host:port` of a page URL, the default name of its worker."""
    return urlsplit(url).netloc.rpartition("@")[2]
