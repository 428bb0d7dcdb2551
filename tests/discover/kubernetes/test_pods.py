"""From the labels, annotations and containers of a pod to its target."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pdwatch.config.places import KubernetesSource
from pdwatch.discover.kubernetes.labels import ENGINE_LABELS, PORT_LABELS, ROLE_LABELS, SERVICE_LABELS
from pdwatch.discover.kubernetes.pods import Pod, PodTarget, target_of
from pdwatch.model.target import Role, RoleSource, Target

LWS = "leaderworkerset.sigs.k8s.io/"


def look(description: Any, **entry: Any) -> PodTarget:
    """Return what a pod gives by an entry."""
    return target_of(Pod.model_validate(description), KubernetesSource(**entry), "kubernetes")


@pytest.fixture
def found(pod: Any) -> Any:
    """Return the target of a pod with these labels and more; there must be one."""

    def find(labels: dict[str, str] | None = None, entry: dict[str, Any] | None = None, **more: Any) -> Target:
        target = look(pod("vllm-0", labels=labels or {}, **more), **(entry or {})).target
        assert target is not None
        return target

    return find


def test_a_pod_of_llm_d(found: Any) -> None:
    """The role and the model are labels; the engine's own port is its container's, not the routing sidecar's."""
    labels = {"llm-d.ai/inferenceServing": "true", "llm-d.ai/role": "decode", "llm-d.ai/model": "qwen"}
    target = found(labels, ports={"": 8200}, ip="10.1.2.3", node="gpu-7")

    assert (
        Target(
            url="http://10.1.2.3:8200/metrics",
            worker="vllm-0",
            service="qwen",
            role=Role.DECODE,
            role_source=RoleSource.DECLARED,
            replica="vllm-0",
            host="gpu-7",
            labels={"namespace": "llm"},
            source="kubernetes",
        )
        == target
    )


@pytest.mark.parametrize(
    ("labels", "role"),
    [
        ({"llm-d.ai/role": "prefill"}, Role.PREFILL),
        ({"llm-d.ai/role": "prefill-decode"}, Role.BOTH),
        ({"llm-d.ai/role": "both"}, Role.BOTH),
        ({"llm-d.ai/role": "encode-prefill"}, Role.PREFILL),
        ({"llm-d.ai/role": "encode-prefill-decode"}, Role.BOTH),
        ({"llm-d.ai/role": "encode"}, Role.UNKNOWN),
        ({"nvidia.com/dynamo-sub-component-type": "decode", "nvidia.com/dynamo-component-type": "worker"}, Role.DECODE),
        ({"nvidia.com/dynamo-sub-component-type": "prefill"}, Role.PREFILL),
        ({"nvidia.com/dynamo-component-type": "frontend"}, Role.ROUTER),
        ({"nvidia.com/dynamo-sub-component-type": "backend"}, Role.UNKNOWN),
        ({"role-name": "prefill", "roleset-name": "r-abc"}, Role.PREFILL),
        ({"disaggregatedset.x-k8s.io/role": "decode"}, Role.DECODE),
        ({"rolebasedgroup.workloads.x-k8s.io/role": "prefill"}, Role.PREFILL),
        ({"modelserving.volcano.sh/role": "decode"}, Role.DECODE),
        ({"role": "Prefill"}, Role.PREFILL),
        ({"role": "leader", "app.kubernetes.io/component": "decode"}, Role.DECODE),
        ({"component": "decoder"}, Role.DECODE),
        ({"pdwatch.io/role": "decode", "llm-d.ai/role": "prefill"}, Role.DECODE),
        ({"role": "leader"}, Role.UNKNOWN),
        ({}, Role.UNKNOWN),
    ],
)
def test_role_by_label(found: Any, labels: dict[str, str], role: Role) -> None:
    """Each platform has its label; a value that is no role is left to the worker's own page."""
    target = found(labels)

    assert role is target.role
    assert (RoleSource.NONE if role is Role.UNKNOWN else RoleSource.DECLARED) is target.role_source


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("vllm-deepseek-prefill", Role.PREFILL),
        ("decode", Role.DECODE),
        ("decoder-only", Role.UNKNOWN),
        ("prefill-decode", Role.UNKNOWN),
        ("vllm", Role.UNKNOWN),
    ],
)
def test_role_by_the_name_of_a_leaderworkerset(found: Any, name: str, role: Role) -> None:
    """A LeaderWorkerSet has no label for roles; a whole word in its name counts, and for less than a label."""
    target = found({f"{LWS}name": name, f"{LWS}group-index": "0"})

    assert role is target.role
    assert (RoleSource.NONE if role is Role.UNKNOWN else RoleSource.LABELS) is target.role_source
    assert Role.BOTH is found({f"{LWS}name": name, "llm-d.ai/role": "both"}).role


def test_the_entry_comes_before_the_labels(found: Any) -> None:
    """Role, service and port of an entry hold for all its pods."""
    labels = {"llm-d.ai/role": "decode", "llm-d.ai/model": "m", "model.aibrix.ai/port": "8000"}
    target = found(labels, {"role": "prefill", "service": "chat", "port": 9000})

    assert (Role.PREFILL, RoleSource.DECLARED, "chat") == (target.role, target.role_source, target.service)
    assert target.url.endswith(":9000/metrics")


@pytest.mark.parametrize(
    ("labels", "entry", "service"),
    [
        ({}, {}, "default"),
        ({"nvidia.com/dynamo-graph-deployment-name": "qwen-prod"}, {}, "qwen-prod"),
        ({"model.aibrix.ai/name": "m", "storm-service-name": "s"}, {}, "m"),
        ({"disaggregatedset.x-k8s.io/name": "d"}, {}, "d"),
        ({"pdwatch.io/service": "mine", "llm-d.ai/model": "m"}, {}, "mine"),
        ({"team": "search", "llm-d.ai/model": "m"}, {"service_label": "team"}, "search"),
        ({"llm-d.ai/model": "m"}, {"service_label": "team"}, "default"),
    ],
)
def test_service(found: Any, labels: dict[str, str], entry: dict[str, str], service: str) -> None:
    """The label that the entry names, else one that prefill and decode share."""
    assert service == found(labels, entry).service


@pytest.mark.parametrize(
    ("labels", "owner", "replica"),
    [
        (
            {f"{LWS}name": "prefill", f"{LWS}group-index": "3", f"{LWS}worker-index": "0"},
            ("StatefulSet", "p"),
            "prefill-3",
        ),
        (
            {"grove.io/podcliquescalinggroup": "g-0-main", "grove.io/podcliquescalinggroup-replica-index": "1"},
            None,
            "g-0-main-1",
        ),
        (
            {
                "roleset-name": "r-abc",
                "role-name": "decode",
                "stormservice.orchestration.aibrix.ai/role-replica-index": "2",
            },
            None,
            "r-abc/decode-2",
        ),
        (
            {"modelserving.volcano.sh/group-name": "g-0", "modelserving.volcano.sh/role-id": "decode-1"},
            None,
            "g-0/decode-1",
        ),
        ({}, ("Job", "train-1"), "train-1"),
        ({}, ("PyTorchJob", "p-1"), "p-1"),
        ({}, ("StatefulSet", "vllm"), "vllm-0"),
        ({}, ("ReplicaSet", "vllm-7d9f"), "vllm-0"),
    ],
)
def test_replica(found: Any, labels: dict[str, str], owner: tuple[str, str] | None, replica: str) -> None:
    """Pods of one group are one replica; those of a Deployment or a StatefulSet are each their own."""
    assert replica == found(labels, **({"owner": owner} if owner else {})).replica


@pytest.mark.parametrize(
    ("more", "page"),
    [
        ({"annotations": {"prometheus.io/port": "9123", "prometheus.io/path": "stats"}}, "http://10.0.0.9:9123/stats"),
        ({"annotations": {"prometheus.io/scheme": "https"}, "ports": {"http": 8443}}, "https://10.0.0.9:8443/metrics"),
        ({"ports": {"nixl": 5600, "http": 8080}}, "http://10.0.0.9:8080/metrics"),
        ({"ports": {"http": 8000, "metrics": 9400}}, "http://10.0.0.9:9400/metrics"),
        ({"ports": {"http": 8000, "system": 9090}}, "http://10.0.0.9:9090/metrics"),
        ({"ports": {"odd": 7000, "other": 7001}}, "http://10.0.0.9:7000/metrics"),
        ({"labels": {"model.aibrix.ai/port": "8001"}}, "http://10.0.0.9:8001/metrics"),
        ({}, "http://10.0.0.9:8000/metrics"),
        ({"image": "lmsysorg/sglang:v0.5.23"}, "http://10.0.0.9:30000/metrics"),
        ({"labels": {"llm-d.ai/engine-type": "sglang"}}, "http://10.0.0.9:30000/metrics"),
        ({"image": "nvcr.io/nvidia/tensorrt-llm/release:1.2"}, "http://10.0.0.9:8000/prometheus/metrics"),
        ({"labels": {"nvidia.com/dynamo-component-type": "worker"}}, "http://10.0.0.9:9090/metrics"),
        ({"ip": "fd00::9", "ports": {"http": 8000}}, "http://[fd00::9]:8000/metrics"),
    ],
)
def test_page(found: Any, more: dict[str, Any], page: str) -> None:
    """Annotations, a label, a container port by its name, the first one, or the engine's usual place."""
    assert page == found(**{"ip": "10.0.0.9", **more}).url


def test_a_pod_that_wants_no_scrape_gives_no_target(pod: Any) -> None:
    """`prometheus.io/scrape: "false"` is heeded and is no problem."""
    assert PodTarget() == look(pod("a", annotations={"prometheus.io/scrape": "false"}))


@pytest.mark.parametrize("label", [f"{LWS}worker-index", "stormservice.orchestration.aibrix.ai/pod-group-index"])
def test_only_the_first_of_a_group_is_taken_to_have_the_usual_page(pod: Any, label: str) -> None:
    """The others of an engine over several nodes serve nothing, unless they say where."""
    assert PodTarget() == look(pod("a-1", labels={label: "1"}))
    assert None is not look(pod("a-0", labels={label: "0"})).target
    assert None is not look(pod("a-1", labels={label: "1"}, ports={"http": 8000})).target


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_a_wrong_port_is_named(pod: Any, port: str) -> None:
    """An annotation that is no port is told with the pod, and nothing is guessed in its place."""
    assert PodTarget(
        problem=f"kubernetes: pod llm/a: annotation prometheus.io/port is {port!r}; write a port from 1 to 65535"
    ) == look(pod("a", annotations={"prometheus.io/port": port}))


KNOWN = [*ROLE_LABELS, *SERVICE_LABELS, *ENGINE_LABELS, *PORT_LABELS, f"{LWS}name", f"{LWS}worker-index"]
WORDS = st.text(max_size=20) | st.sampled_from(["prefill", "decode", "0", "8000", "sglang", "null"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(KNOWN), WORDS), st.dictionaries(st.sampled_from(["port", "path", "scheme"]), WORDS)
)
def test_whatever_labels_say_there_is_a_target_or_a_word(labels: dict[str, str], notes: dict[str, str]) -> None:
    """Labels and annotations of any text give a target with a whole URL, a problem of one line, or nothing."""
    description = {
        "metadata": {
            "name": "a",
            "uid": "u",
            "labels": labels,
            "annotations": {f"prometheus.io/{name}": value for name, value in notes.items()},
        },
        "status": {"phase": "Running", "podIP": "10.0.0.9"},
    }
    seen = look(description)

    assert seen.target is None or seen.target.url.startswith(("http://10.0.0.9:", "https://10.0.0.9:"))
    assert seen.problem is None or 1 == len(seen.problem.splitlines())


@given(st.sampled_from(["metadata", "spec", "status"]), JSON)
def test_any_shape_is_a_pod_or_a_validation_error(part: str, value: Any) -> None:
    """What a server may answer in place of a part of a pod never ends the watch."""
    description = {"metadata": {"name": "a", "uid": "u"}, "status": {"podIP": "10.0.0.9"}, part: value}
    try:
        read = Pod.model_validate(description)
    except ValidationError:
        return
    target_of(read, KubernetesSource(), "kubernetes")
