"""What a worker of Dynamo registers: a model card, `v1/mdc/NAMESPACE/COMPONENT/ENDPOINT/INSTANCE` in every backend.

The card names the role (`worker_type`) and the model. The address of the worker's page is not in it as such, but the
files of the model are served on the same port (`DYN_SYSTEM_PORT`), and their URLs are. Recorded from 1.6.1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pdwatch.config.urls import worker_url
from pdwatch.discover.groups import role_named
from pdwatch.model.target import DEFAULT_SERVICE, Role, RoleSource, Target, worker_name

CARDS = "v1/mdc/"
"""Where the cards are, in files and in etcd."""


def is_of(text: bytes, namespaces: tuple[str, ...]) -> bool:
    """Tell whether a card is of one of these namespaces; with none given, each is. Raises `ValueError`."""
    return not namespaces or _card(text).get("namespace") in namespaces


def target_of(text: bytes, service: str | None, source: str) -> Target:
    """Return the target of a card. Raises `ValueError` with the mend for one that leads to no page."""
    record = _card(text)
    card = record.get("card_json")
    if not isinstance(card, dict):
        raise ValueError("has no card_json; see whether this is Dynamo's discovery, 1.0 or later")
    component, number = str(record.get("component")), record.get("instance_id")
    worker = f"{number:x}" if isinstance(number, int) else str(number)
    address = next(_addresses(card), None)
    if address is None:
        raise ValueError(f"worker {worker} of {component} tells no port of its page; set DYN_SYSTEM_PORT for it")
    url = worker_url(address)
    role = role_named(str(card.get("worker_type", ""))) or Role.UNKNOWN
    return Target(
        url=url,
        worker=worker_name(url),
        service=service or str(card.get("display_name") or "") or DEFAULT_SERVICE,
        role=role,
        role_source=RoleSource.NONE if role is Role.UNKNOWN else RoleSource.ROUTER,
        labels={
            "dynamo_namespace": str(record.get("namespace")),
            "dynamo_component": component,
            "worker_id": worker,
        },
        source=source,
    )


def _card(text: bytes) -> Mapping[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("is no JSON; see whether this is Dynamo's discovery") from error
    if not isinstance(record, dict):
        raise ValueError("is no card of a model; see whether this is Dynamo's discovery")
    return record


def _addresses(card: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses under which files of the model are served: `KEY.FORMAT.path` of each of them."""
    for part in card.values():
        for file in part.values() if isinstance(part, dict) else ():
            path = file.get("path") if isinstance(file, dict) else None
            if isinstance(path, str) and path.startswith(("http://", "https://")):
                parts = urlsplit(path)
                yield f"{parts.scheme}://{parts.netloc}"
