"""Which labels of a pod tell what: the role, the service, the replica, and the engine that runs in it.

llm-d, NVIDIA Dynamo, AIBrix, LeaderWorkerSet and DisaggregatedSet, Grove, Kthena, RoleBasedGroup and KServe each have
labels of their own; the first of a list that tells something counts. Labels of pdwatch's own come first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pdwatch.discover.groups import role_named
from pdwatch.model.target import Role

Labels = Mapping[str, str]

ROLE_LABELS = (
    "pdwatch.io/role",
    "llm-d.ai/role",
    "nvidia.com/dynamo-sub-component-type",
    "nvidia.com/dynamo-component-type",
    "disaggregatedset.x-k8s.io/role",
    "role-name",  # AIBrix
    "rbg.workloads.x-k8s.io/role-name",
    "rolebasedgroup.workloads.x-k8s.io/role",
    "modelserving.volcano.sh/role",
    "role",
    "app.kubernetes.io/component",
    "component",
)
"""A value that names no role, such as Dynamo's `backend` (decode, or aggregated), is left to the worker's own page."""

SERVICE_LABELS = (
    "pdwatch.io/service",
    "llm-d.ai/inference-service",
    "llm-d.ai/model",
    "nvidia.com/dynamo-graph-deployment-name",
    "disaggregatedset.x-k8s.io/name",
    "model.aibrix.ai/name",
    "storm-service-name",  # AIBrix
    "rbg.workloads.x-k8s.io/group-name",
    "rolebasedgroup.workloads.x-k8s.io/name",
    "modelserving.volcano.sh/name",
)
"""Only labels that prefill and decode of one service share."""

ENGINE_LABELS = ("llm-d.ai/engine-type", "inference.networking.k8s.io/engine-type", "model.aibrix.ai/engine")
PORT_LABELS = ("model.aibrix.ai/metric-port", "model.aibrix.ai/port")

_LWS = "leaderworkerset.sigs.k8s.io/"
_GROVE = "grove.io/podcliquescalinggroup"
_AIBRIX = "stormservice.orchestration.aibrix.ai/"
_FOLLOWS = (f"{_LWS}worker-index", f"{_AIBRIX}pod-group-index")
_WORDS = {
    "frontend": Role.ROUTER,
    "decoder": Role.DECODE,
    "encode-prefill": Role.PREFILL,
    "encode-prefill-decode": Role.BOTH,
}
"""Roles by words that only labels of pods use."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Where an engine serves its page unless it is told otherwise."""

    port: int
    path: str = "/metrics"


ENGINES = {
    "vllm": Usual(8000),
    "sglang": Usual(30000),
    "trtllm": Usual(8000, "/prometheus/metrics"),
    "dynamo": Usual(9090),
}
"""vLLM's is the one of an engine that is not known."""


def role_of(labels: Labels) -> tuple[Role, bool]:
    """Return the role that the labels of a pod name, and whether they declare it: a word in the name of a
    LeaderWorkerSet is less than a label for the role.
    """
    for label in ROLE_LABELS:
        word = labels.get(label, "").strip().lower()
        role = _WORDS.get(word) or role_named(word)
        if role is not None and role is not Role.UNKNOWN:
            return role, True
    parts = set(re.split(r"[^a-z]+", labels.get(f"{_LWS}name", "").lower()))
    named = [role for role in (Role.PREFILL, Role.DECODE) if role in parts]
    return (named[0], False) if len(named) == 1 else (Role.UNKNOWN, False)


def first_of(labels: Labels, names: Iterable[str]) -> str:
    """Return the value of the first of these labels that has one, empty where none has."""
    return next((value for name in names if (value := labels.get(name, "").strip())), "")


def replica_of(labels: Labels) -> str:
    """Return the group of pods that make up one replica; empty where the labels know of none."""
    for group, index in ((f"{_LWS}name", f"{_LWS}group-index"), (_GROVE, f"{_GROVE}-replica-index")):
        if labels.get(group) and labels.get(index):
            return f"{labels[group]}-{labels[index]}"
    roleset, number = labels.get("roleset-name"), labels.get(f"{_AIBRIX}role-replica-index")
    if roleset and number:
        return f"{roleset}/{labels.get('role-name', 'role')}-{number}"
    if serving := labels.get("modelserving.volcano.sh/group-name"):
        return f"{serving}/{labels.get('modelserving.volcano.sh/role-id', 'role')}"
    return ""


def follows(labels: Labels) -> bool:
    """Tell whether the pod is one of several that make up an engine, and not the first."""
    return any(labels.get(name, "0") != "0" for name in _FOLLOWS)


def engine_of(labels: Labels, image: str) -> str:
    """Return the engine that runs in a pod, by its labels or its image; vLLM where neither tells."""
    told = first_of(labels, ENGINE_LABELS).lower().replace("-", "").replace("_", "")
    if any(name.startswith("nvidia.com/dynamo-") for name in labels):
        return "dynamo"
    by_image = re.sub(r"[^a-z]", "", image.lower())
    names = {"sglang": "sglang", "trtllm": "trtllm", "tensorrtllm": "trtllm", "vllm": "vllm"}
    return next((name for part, name in names.items() if part in told or (not told and part in by_image)), "vllm")
