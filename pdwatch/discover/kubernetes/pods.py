"""From a pod, as the API server describes it, to the target of its page.

A pod becomes a target when it is Ready, and is none once it terminates: then it drains, and its end is no fault.
Between the two it stays one, also while it is not Ready: a worker that falls ill is told, not forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from pdwatch.config.places import KubernetesSource
from pdwatch.config.sources import TargetGroup
from pdwatch.config.urls import worker_url
from pdwatch.discover.groups import found_in
from pdwatch.discover.kubernetes.labels import (
    ENGINES,
    PORT_LABELS,
    SERVICE_LABELS,
    engine_of,
    first_of,
    follows,
    replica_of,
    role_of,
)
from pdwatch.model.target import Role, RoleSource, Target

_ANNOTATION = "prometheus.io/"
_PORT_NAMES = ("metrics", "http-metrics", "prometheus", "system", "http", "api", "serve", "vllm", "sglang", "server")
"""Names of container ports that have the page, the most telling first."""


class _Part(BaseModel):
    """A part of the answer; what pdwatch does not read is left out, and null is nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _drop_null(cls, values: Any) -> Any:
        return {key: one for key, one in values.items() if one is not None} if isinstance(values, dict) else values


class _Owner(_Part):
    kind: str = ""
    name: str = ""


class _Metadata(_Part):
    name: str
    namespace: str = "default"
    uid: str
    labels: Mapping[str, str] = Field(default_factory=dict)
    annotations: Mapping[str, str] = Field(default_factory=dict)
    deletion_timestamp: str = ""
    owner_references: tuple[_Owner, ...] = ()


class _Port(_Part):
    name: str = ""
    container_port: int = 0
    protocol: str = "TCP"


class _Container(_Part):
    image: str = ""
    ports: tuple[_Port, ...] = ()


class _Spec(_Part):
    node_name: str = ""
    containers: tuple[_Container, ...] = ()


class _Condition(_Part):
    type: str = ""
    status: str = ""


class _Status(_Part):
    phase: str = ""
    pod_ip: str = Field(default="", alias="podIP")
    conditions: tuple[_Condition, ...] = ()


class Pod(_Part):
    """What is read of a pod. Making one raises `pydantic.ValidationError` for what is none."""

    metadata: _Metadata
    spec: _Spec = _Spec()
    status: _Status = _Status()

    @property
    def name(self) -> str:
        """Namespace and name."""
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def runs(self) -> bool:
        """Whether its containers run and are to go on."""
        return self.status.phase == "Running" and not self.metadata.deletion_timestamp and bool(self.status.pod_ip)

    @property
    def ready(self) -> bool:
        """Whether it takes requests."""
        return any(one.type == "Ready" and one.status == "True" for one in self.status.conditions)


@dataclass(frozen=True, slots=True)
class PodTarget:
    """The target of a pod, or why it has none."""

    target: Target | None = None
    problem: str | None = None


def target_of(pod: Pod, entry: KubernetesSource, source: str) -> PodTarget:
    """Return the target of a pod that runs; none for one that says that it is not to be scraped, or has no page."""
    notes, labels = pod.metadata.annotations, pod.metadata.labels
    if notes.get(f"{_ANNOTATION}scrape", "").lower() == "false":
        return PodTarget()
    usual = ENGINES[engine_of(labels, pod.spec.containers[0].image if pod.spec.containers else "")]
    try:
        port = _port(pod, entry) or (None if follows(labels) else usual.port)
        if port is None:
            return PodTarget()
        address = _address(pod, port)
    except ValueError as error:
        return PodTarget(problem=f"{source}: pod {pod.name}: {error}")
    role, declared = (Role(entry.role), True) if entry.role is not None else role_of(labels)
    about = {
        **_placed(pod, entry),
        "role": str(role),
        "__scheme__": notes.get(f"{_ANNOTATION}scheme", "").lower(),
        "__metrics_path__": _path(notes.get(f"{_ANNOTATION}path", ""), usual.path),
    }
    (target,) = found_in([TargetGroup(targets=(address,), labels=about)], source).targets
    if not declared and role is not Role.UNKNOWN:
        target = replace(target, role_source=RoleSource.LABELS)
    return PodTarget(target)


def _placed(pod: Pod, entry: KubernetesSource) -> dict[str, str]:
    """Return the labels that say which worker it is and where."""
    labels = pod.metadata.labels
    names = (entry.service_label,) if entry.service_label else SERVICE_LABELS
    return {
        "service": entry.service or first_of(labels, names),
        "worker": pod.metadata.name,
        "replica": replica_of(labels) or _job(pod),
        "host": pod.spec.node_name,
        "namespace": pod.metadata.namespace,
    }


def _address(pod: Pod, port: int) -> str:
    """Return host and port. Raises `ValueError`."""
    address = f"[{pod.status.pod_ip}]:{port}" if ":" in pod.status.pod_ip else f"{pod.status.pod_ip}:{port}"
    worker_url(address)
    return address


def _port(pod: Pod, entry: KubernetesSource) -> int | None:
    """Return the port that the entry, an annotation, a label or a container names. Raises `ValueError`."""
    if entry.port is not None:
        return entry.port
    written = pod.metadata.annotations.get(f"{_ANNOTATION}port", "").strip()
    where = f"annotation {_ANNOTATION}port" if written else "its port label"
    text = written or first_of(pod.metadata.labels, PORT_LABELS)
    if text:
        if not text.isdecimal() or not 0 < int(text) <= 65535:
            raise ValueError(f"{where} is {text[:40]!r}; write a port from 1 to 65535")
        return int(text)
    ports = list(_ports(pod))
    named = {port.name: port.container_port for port in reversed(ports)}
    return next((named[name] for name in _PORT_NAMES if name in named), ports[0].container_port if ports else None)


def _ports(pod: Pod) -> Iterator[_Port]:
    return (port for one in pod.spec.containers for port in one.ports if port.protocol == "TCP" and port.container_port)


def _path(written: str, usual: str) -> str:
    path = written.strip() or usual
    return path if path.startswith("/") else f"/{path}"


def _job(pod: Pod) -> str:
    """Return the owner whose pods together are one replica: a job of any kind. Those of other owners are one each."""
    owners = pod.metadata.owner_references
    job = next((owner for owner in owners if owner.kind.endswith("Job") and owner.name), None)
    return job.name if job is not None else pod.metadata.name
