"""Places that know where workers run: Kubernetes, DNS, Dynamo's discovery, Ray, and a Prometheus that scrapes them."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pdwatch.config.access import HttpAccess
from pdwatch.config.errors import shown
from pdwatch.config.schema import Kind
from pdwatch.config.types import Duration, File, Folder, ServiceUrl, Settings, Text
from pdwatch.config.urls import listen_address
from pdwatch.model.target import Role

_MATCHER = re.compile(r'\s*(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"\s*')
_DNS_TYPES = ("SRV", "A", "AAAA")


def _role(text: str) -> str:
    if text not in (Role.PREFILL, Role.DECODE, Role.BOTH):
        raise ValueError(f"{shown(text)} is no role of a worker; write prefill, decode or both")
    return text


def _matcher(text: str) -> str:
    match = _MATCHER.fullmatch(text)
    if match is None:
        raise ValueError(f'{shown(text)} is no matcher; write it like job="vllm" or namespace=~"llm-.*"')
    if match["name"] == "__name__":
        raise ValueError("a matcher names the metrics; leave it out, pdwatch asks for those that it reads")
    return text.strip()


def _server(text: str) -> str:
    try:
        host, port = listen_address(text)
    except ValueError:
        host, port = "", 0
    if not host or not port:
        raise ValueError(f"{shown(text)} is no name server; write IP:PORT such as 10.0.0.2:53 or [fd00::2]:53")
    return text


def _dns_type(value: object) -> object:
    if isinstance(value, str) and value.upper() not in _DNS_TYPES:
        raise ValueError(f"{shown(value)} is no type of record that names workers; write SRV, A or AAAA")
    return value.upper() if isinstance(value, str) else value


Port = Annotated[int, Field(ge=1, le=65535), Kind("port")]
RoleText = Annotated[str, AfterValidator(_role), Kind("prefill, decode or both")]
Matchers = Annotated[tuple[Annotated[Text, AfterValidator(_matcher)], ...], Kind("list of label matchers")]


class KubernetesSource(Settings):
    """Pods of a Kubernetes cluster, with the role from `llm-d.ai/role` and its peers."""

    namespaces: Annotated[tuple[Text, ...], Kind("list of text")] = ()
    """Namespaces to look in; all of the cluster where it is left out."""
    selector: Text | None = None
    """Label selector of the pods, such as `llm-d.ai/inferenceServing=true`."""
    port: Port | None = None
    """Port of the pages; left out, it comes from annotation, label or container, else it is the engine's usual one."""
    role: RoleText | None = None
    """Role of all these pods, in place of their labels."""
    service: Text | None = None
    """Service of all these pods, in place of their labels."""
    service_label: Text | None = None
    """Label of the pods that names their service; the usual ones of llm-d, Dynamo and others where it is left out."""
    kubeconfig_file: File | None = None
    """How to reach the cluster from outside; inside, the pod's own service account is used."""
    context: Text | None = None
    """Context of the kubeconfig; its current one where it is left out."""


class DnsSource(Settings):
    """Names that DNS resolves to workers, such as a headless Service of Kubernetes or a service of Consul."""

    names: Annotated[tuple[Text, ...], Field(min_length=1), Kind("list of names")]
    """Names to look up; an SRV record brings its port with it."""
    type: Annotated[Literal["SRV", "A", "AAAA"], BeforeValidator(_dns_type), Kind("SRV, A or AAAA")] = "SRV"
    """Type of the records."""
    port: Port | None = None
    """Port of the pages; needed for A and AAAA."""
    role: RoleText | None = None
    """Role of all these workers."""
    service: Text | None = None
    """Service of all these workers."""
    servers: Annotated[tuple[Annotated[Text, AfterValidator(_server)], ...], Kind("list of IP:PORT")] = ()
    """Name servers to ask in place of those of the system."""
    refresh: Duration = 30.0
    """Time between two look-ups."""

    @model_validator(mode="after")
    def _port_of_addresses(self) -> Self:
        if self.type != "SRV" and self.port is None:
            raise ValueError(f"{self.type} records bring no port; add port: with that of the pages")
        return self


class DynamoSource(HttpAccess):
    """Workers that register with NVIDIA Dynamo's discovery, in files or in etcd; roles from their model cards."""

    path: Folder | None = None
    """Folder of the file backend: `DYN_FILE_KV` of the workers."""
    etcd: ServiceUrl | None = None
    """URL of etcd, version 3.4 or later; not beside `path`. `basic_auth` is the user of etcd."""
    namespaces: Annotated[tuple[Text, ...], Kind("list of text")] = ()
    """Namespaces of Dynamo to look in; all where it is left out."""
    service: Text | None = None
    """Service of these workers; the name of the model where it is left out."""
    refresh: Duration = 10.0
    """Time between two looks."""

    @model_validator(mode="after")
    def _one_backend(self) -> Self:
        if (self.path is None) == (self.etcd is None):
            raise ValueError("needs exactly one of path and etcd; name where the workers register")
        return self


class RaySource(HttpAccess):
    """Nodes of a Ray cluster that run replicas of Ray Serve; which, and their roles, is on the page of each node."""

    url: ServiceUrl
    """Address of the dashboard, without `/api`."""
    port: Port = 8080
    """Port of the metrics agents: `--metrics-export-port` of `ray start`."""
    applications: Annotated[tuple[Text, ...], Kind("list of text")] = ()
    """Applications of Ray Serve to look for; all where it is left out."""
    service: Text | None = None
    """Service of these workers."""
    refresh: Duration = 30.0
    """Time between two requests."""


class PrometheusSource(HttpAccess):
    """A Prometheus that scrapes the workers: their metrics are read from it, and they are not asked themselves."""

    url: ServiceUrl
    """Address of Prometheus, or of anything with its HTTP API."""
    matchers: Matchers = ()
    """Labels of the targets, such as `job="vllm"`; all must match."""
    refresh: Duration | None = Field(default=None, json_schema_extra={"default": "`scrape.interval`"})
    """Time between two queries."""
    lookback: Duration = 60.0
    """Age from which a sample is no longer read; two intervals of that Prometheus or more."""
    service: Text | None = None
    """Service of all these workers, in place of their labels."""
    service_label: Text | None = None
    """Label of the targets that names their service; `service` where it is left out."""
