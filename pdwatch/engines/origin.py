"""Pages that speak for several workers: which worker a series belongs to.

- sglang-router's `/engine_metrics` prints the pages of all workers as one and adds `worker_addr`;
- Ray's agent prints all replicas of a node on one page, told apart by `ReplicaId`; the name of the `deployment` begins
  with the role;
- AIBrix' gateway prints what it read from each pod, with `pod`, `role` and its own `gateway_pod`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from pdwatch.engines.table import View
from pdwatch.model.page import Layout, Series
from pdwatch.model.target import page_url, worker_name

_ROLES = ("prefill", "decode")


@dataclass(frozen=True, slots=True)
class Origin:
    """One worker among those of a page."""

    name: str
    url: str = ""
    replica: str = ""
    role: str | None = None


def origin_of(labels: Mapping[str, str]) -> Origin | None:
    """Return the worker that a series with these labels is about; `None` where the page speaks for itself."""
    if address := labels.get("worker_addr"):
        return _by_address(address)
    if replica := labels.get("ReplicaId"):
        deployment = labels.get("deployment", "").lower()
        return Origin(replica, replica=replica, role=next((r for r in _ROLES if deployment.startswith(r)), None))
    if (pod := labels.get("pod")) and "gateway_pod" in labels:
        role, unit = labels.get("role", ""), labels.get("roleset", "")
        number = labels.get("role_replica_index", "")
        replica = f"{unit}/{role}-{number}" if unit and number else pod
        return Origin(pod, replica=replica, role=role if role in _ROLES else None)
    return None


def _by_address(address: str) -> Origin:
    try:
        url = page_url(address)
    except ValueError:
        return Origin(address)
    return Origin(worker_name(url), url)


def parts(layout: Layout, without: Container[int] = ()) -> tuple[View, Mapping[Origin, View]]:
    """Return the series in which the page speaks for itself, and those of each worker behind it; none at the places
    *without*."""
    own: list[tuple[int, Series]] = []
    behind: dict[Origin, list[tuple[int, Series]]] = {}
    for index, series in enumerate(layout.series):
        if index in without:
            continue
        origin = origin_of(series.labels)
        (own if origin is None else behind.setdefault(origin, [])).append((index, series))
    return own, behind
