"""Every worker as Prometheus HTTP service discovery, so that Prometheus itself scrapes the engines.

Form: https://prometheus.io/docs/prometheus/latest/http_sd/
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from pdwatch.model.secrets import MASK, without_secrets
from pdwatch.model.snapshot import ServiceState, Snapshot, WorkerState
from pdwatch.model.target import worker_name

_LABEL = re.compile("[A-Za-z0-9_]+")
TargetGroup = dict[str, list[str] | dict[str, str]]


def target_groups(snapshot: Snapshot) -> list[TargetGroup]:
    """Return one group per worker or router: plain labels stay on its series, `__meta_` ones are for relabelling.

    A worker that is only known by a page it shares with others has no page of its own to scrape.
    """
    return [
        _group(service, worker)
        for _, service in sorted(snapshot.services.items())
        for worker in service.workers
        if not urlsplit(worker.url).fragment
    ]


def _group(service: ServiceState, worker: WorkerState) -> TargetGroup:
    named = {
        "service": service.service,
        "role": worker.role.value,
        "replica": worker.replica,
        "worker": worker.worker,
        "host": worker.host or "",
    }
    meta = named | {"model": worker.model or "", "version": worker.version or "", "family": worker.family or ""}
    labels = {f"__meta_pdwatch_{key}": value for key, value in meta.items() if value}
    return {
        "targets": [worker_name(worker.url)],
        "labels": _address(worker.url) | labels | {key: value for key, value in named.items() if value},
    }


def _address(url: str) -> dict[str, str]:
    """Scheme, path and query of the page, without which Prometheus would ask for http and `/metrics`. A parameter that
    is a secret is left to its own configuration.
    """
    parts = urlsplit(url)
    query = {f"__param_{key}": value for key, value in parse_qsl(parts.query) if _is_told(key)}
    return {"__scheme__": parts.scheme, "__metrics_path__": parts.path or "/metrics"} | query


def _is_told(key: str) -> bool:
    return _LABEL.fullmatch(key) is not None and MASK not in without_secrets(f"?{key}=value")
