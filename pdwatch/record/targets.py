"""A target as labels of a recording, and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from pdwatch.model.secrets import without_secrets, without_user_info
from pdwatch.model.target import DEFAULT_SERVICE, Role, RoleSource, Target, page_url
from pdwatch.record.errors import LineSkipped

FIELDS = frozenset({"service", "role", "replica", "host", "worker"})
"""Labels that are fields of a target."""

SOURCE = "recording"
SCHEME = "recording"
"""Scheme of the URL that stands in where none was recorded."""


def encode_target(target: Target) -> dict[str, Any]:
    """Return the keys of a line that say which target it is about."""
    labels = {"service": target.service, "replica": target.replica, "host": target.host or ""}
    if target.role is not Role.UNKNOWN:
        labels["role"] = str(target.role)
    labels = {name: value for name, value in labels.items() if value}
    labels |= {name: without_user_info(value) for name, value in target.labels.items() if name not in FIELDS}
    keys: dict[str, Any] = {"target": target.worker, "labels": labels}
    if not target.url.startswith(f"{SCHEME}://"):
        keys["url"] = without_secrets(target.url)
    if "role" in labels and target.role_source is not RoleSource.DECLARED:
        keys["role_source"] = str(target.role_source)
    return keys


def decode_target(record: Mapping[str, Any]) -> Target:
    """Return the target that a line is about. Raises `LineSkipped` where it has no name."""
    name, labels = record.get("target"), record.get("labels") or {}
    if not isinstance(name, str) or not name:
        raise LineSkipped("no name in 'target'; line skipped")
    if not isinstance(labels, dict):
        raise LineSkipped("'labels' is no object; line skipped")
    url, role_source = record.get("url"), record.get("role_source")
    pairs = tuple((label, str(value)) for label, value in labels.items() if value is not None)
    return _target(name, url if isinstance(url, str) else "", str(role_source or ""), pairs)


@lru_cache(maxsize=4096)
def _target(name: str, url: str, role_source: str, pairs: tuple[tuple[str, str], ...]) -> Target:
    labels = dict(pairs)
    role = _role(labels.get("role", "").strip().lower())
    return Target(
        url=url or _address(labels) or _synthetic(name, labels.get("service", "")),
        worker=name,
        service=labels.get("service") or DEFAULT_SERVICE,
        role=role,
        role_source=_source_of(role, role_source),
        replica=labels.get("replica", ""),
        host=labels.get("host") or None,
        labels={label: value for label, value in pairs if label not in FIELDS},
        source=SOURCE,
    )


def _role(word: str) -> Role:
    """Return the role that a label declares; a word that is no role declares none."""
    return Role(word) if word in set(Role) else Role.UNKNOWN


def _source_of(role: Role, recorded: str) -> RoleSource:
    if role is Role.UNKNOWN:
        return RoleSource.NONE
    return RoleSource(recorded) if recorded in set(RoleSource) else RoleSource.DECLARED


def _address(labels: Mapping[str, str]) -> str:
    """Return the URL that Prometheus would make of its own labels, empty where they are not there."""
    if not labels.get("__address__"):
        return ""
    try:
        return page_url(
            f"{labels.get('__scheme__') or 'http'}://{labels['__address__']}",
            labels.get("__metrics_path__") or "/metrics",
        )
    except ValueError:
        return ""


def _synthetic(name: str, service: str) -> str:
    """Return a URL for a worker known by name only; workers of two services may share a name."""
    url = f"{SCHEME}://{quote(name, safe=':[]')}/metrics"
    return url if service in ("", DEFAULT_SERVICE) else f"{url}?service={quote(service, safe='')}"
