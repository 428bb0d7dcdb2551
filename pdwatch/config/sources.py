"""Where targets are found: the kinds of entries under `discovery` and `hosts`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pdwatch.config.access import HttpAccess
from pdwatch.config.places import DnsSource, DynamoSource, KubernetesSource, PrometheusSource, RaySource
from pdwatch.config.schema import Kind
from pdwatch.config.types import Duration, File, Labels, PageUrl, ServiceUrl, Settings, TargetText, Text


class TargetGroup(Settings):
    """One entry of a Prometheus target file: addresses and the labels that hold for each of them."""

    targets: Annotated[tuple[TargetText, ...], Kind("list of host:port or URL")]
    """Addresses of the pages, with or without `/metrics`."""
    labels: Labels = Field(default_factory=dict)
    """`service`, `role`, `replica`, `worker`, `host`, `__scheme__`, `__metrics_path__`; others are kept as they are."""


class StaticGroup(TargetGroup):
    """Targets written down, with labels that hold for each of them."""

    targets: Annotated[tuple[TargetText, ...], Field(min_length=1), Kind("list of host:port or URL")]
    """Addresses of the pages, with or without `/metrics`."""


def _target_file(path: File) -> File:
    if path.suffix not in (".json", ".yml", ".yaml"):
        raise ValueError(f"{path.name!r} is no file of targets; name files that end in .json, .yml or .yaml")
    return path


class FileSource(Settings):
    """Prometheus `file_sd`: files of target groups, read again when they change."""

    paths: Annotated[
        tuple[Annotated[File, AfterValidator(_target_file)], ...], Field(min_length=1), Kind("list of file patterns")
    ]
    """Files or patterns such as `targets/*.yaml`."""
    refresh: Duration = 30.0
    """Time between two looks at the files."""


class HttpSource(HttpAccess):
    """Prometheus `http_sd`: a URL that answers with target groups as JSON."""

    url: ServiceUrl
    """Where the target groups are."""
    refresh: Duration = 60.0
    """Time between two requests."""


class RouterSource(HttpAccess):
    """`GET /workers` of vllm-router or sglang-router, which names its workers and their roles."""

    url: ServiceUrl
    """Address of the router, without `/workers`."""
    refresh: Duration = 30.0
    """Time between two requests."""
    service: Text | None = None
    """Service that the router and its workers belong to."""
    metrics_url: PageUrl | None = None
    """Page of the router itself, which both routers serve on a port of its own (29000 unless set otherwise)."""


class Source(Settings):
    """One entry of `discovery` or `hosts`: exactly one of the kinds."""

    static: Annotated[tuple[StaticGroup, ...], Kind("list")] | None = None
    """Targets written down, with labels that hold for each of them."""
    file: FileSource | None = None
    """Prometheus `file_sd`: files of target groups."""
    http: HttpSource | None = None
    """Prometheus `http_sd`: a URL that answers with target groups."""
    router: RouterSource | None = None
    """`GET /workers` of vllm-router or sglang-router."""
    kubernetes: KubernetesSource | None = None
    """Pods of a Kubernetes cluster."""
    dns: DnsSource | None = None
    """Names that DNS resolves to workers."""
    dynamo: DynamoSource | None = None
    """Workers that register with NVIDIA Dynamo's discovery."""
    ray: RaySource | None = None
    """Nodes of a Ray cluster that run replicas of Ray Serve."""
    prometheus: PrometheusSource | None = None
    """A Prometheus that scrapes the workers, read in place of them."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(f"has {len(kinds)} kinds of source; give each its own entry that begins with -")
        return self
