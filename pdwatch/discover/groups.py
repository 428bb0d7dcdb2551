"""From target groups with labels to targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

from pdwatch.config.errors import shown
from pdwatch.config.sources import TargetGroup
from pdwatch.config.urls import worker_url
from pdwatch.discover.source import Found
from pdwatch.model.target import DEFAULT_SERVICE, Role, RoleSource, Target, worker_name

FIELDS = frozenset({"service", "role", "replica", "worker", "host"})
"""Labels that are fields of a target."""

_PARAMETER = "__param_"

_ROLES: Mapping[str, Role] = {
    **{str(role): role for role in Role},
    **dict.fromkeys(("prefill-decode", "aggregated", "regular", "mixed"), Role.BOTH),
}
"""Roles by the words that llm-d, routers and engines use for them."""


def role_named(text: str) -> Role | None:
    """Return the role of a word, None for a word that names none."""
    return _ROLES.get(text.strip().lower())


def found_in(groups: Iterable[TargetGroup], source: str) -> Found:
    """Return the targets of groups. A role that is none leaves its targets without a role and is a problem."""
    targets: list[Target] = []
    problem = None
    for group in groups:
        label = group.labels.get("role", "")
        if label and role_named(label) is None:
            problem = f"{source}: {shown(label)} is no role; write prefill, decode or both"
        targets += [_target(address, group.labels, source) for address in group.targets]
    return Found(tuple(targets), problem)


def _target(address: str, labels: Mapping[str, str], source: str) -> Target:
    url = _with_parameters(worker_url(address, _scheme(labels), labels.get("__metrics_path__") or "/metrics"), labels)
    role = role_named(labels.get("role", ""))
    return Target(
        url=url,
        worker=labels.get("worker") or worker_name(url),
        service=labels.get("service") or DEFAULT_SERVICE,
        role=role or Role.UNKNOWN,
        role_source=RoleSource.DECLARED if role not in (None, Role.UNKNOWN) else RoleSource.NONE,
        replica=labels.get("replica", ""),
        host=labels.get("host") or None,
        labels={name: value for name, value in labels.items() if name not in FIELDS and not name.startswith("__")},
        source=source,
    )


def _scheme(labels: Mapping[str, str]) -> str:
    return "https" if labels.get("__scheme__") == "https" else "http"


def _with_parameters(url: str, labels: Mapping[str, str]) -> str:
    """Return the URL with the parameters that Prometheus takes from labels `__param_NAME`."""
    parameters = {
        name.removeprefix(_PARAMETER): value for name, value in sorted(labels.items()) if name.startswith(_PARAMETER)
    }
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(parameters))))
    return urlunsplit(parts._replace(query=query))
