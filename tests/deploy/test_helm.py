"""The Helm chart says the same as the folders for kustomize."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import pdwatch
from pdwatch.config.load import from_mapping

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "pdwatch"
KUBERNETES = ROOT / "deploy" / "kubernetes"

Json = dict[str, Any]

ROLES = [
    {
        "service": "default",
        "role": role,
        "min": 1,
        "max": most,
        "target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"vllm-{role}"},
    }
    for role, most in (("prefill", 12), ("decode", 6))
]
OF_HELM = {"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"}


def same(manifest: Json) -> Json:
    """Return a manifest without what only one of the two ways has: Helm's labels, namespaces, generated names."""
    found: Json = yaml.safe_load(yaml.safe_dump(_without(manifest)))
    metadata = found["metadata"]
    metadata.pop("namespace", None)
    if found["kind"] == "ConfigMap" and metadata["name"].startswith("pdwatch-serve"):
        metadata = found["metadata"] = {"name": "pdwatch-serve"}
        found["data"] = {name: yaml.safe_load(text) for name, text in found["data"].items()}
    if found["kind"] == "Deployment":
        pod = found["spec"]["template"]
        pod["metadata"].pop("annotations", None)
        pod["spec"]["volumes"][0]["configMap"]["name"] = "pdwatch-serve"
    if found["kind"] in ("ScaledObject", "HorizontalPodAutoscaler"):
        metadata.pop("labels", None)
        for trigger in found["spec"].get("triggers", []):
            trigger["metadata"]["query"] = " ".join(trigger["metadata"]["query"].split())
    return found


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(each) for key, each in value.items() if key not in {*OF_HELM, "imagePullPolicy"}}
    return [_without(each) for each in value] if isinstance(value, list) else value


def by_name(manifests: list[Json]) -> dict[tuple[str, str], Json]:
    found = [same(manifest) for manifest in manifests if manifest["kind"] != "Namespace"]
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in found}


def test_without_values_it_is_the_base(helm, kustomize):
    """Who installs the chart as it is gets what `kubectl apply -k deploy/kubernetes/base` gives."""
    assert by_name(kustomize(KUBERNETES / "base")) == by_name(helm())


def test_with_everything_on_it_is_all_folders_together(helm, kustomize):
    """Monitors, boards, rules and autoscalers are the same in both."""
    folders = ("base", "monitoring", "autoscaling/keda")
    on = {"monitors": True, "rules": True, "dashboards": True}
    rendered = helm({"monitoring": on, "autoscaling": {"roles": ROLES}})

    assert by_name([each for folder in folders for each in kustomize(KUBERNETES / folder)]) == by_name(rendered)


def test_hpas_are_the_same_in_both(helm, kustomize):
    """The other kind of autoscaler."""
    rendered = helm({"autoscaling": {"kind": "hpa", "roles": ROLES}})

    assert by_name(kustomize(KUBERNETES / "autoscaling" / "hpa")).items() <= by_name(rendered).items()


def test_an_agent_that_sees_all_users_is_the_same_in_both(helm, kustomize):
    """The overlay `example` takes the component, the chart a value."""
    key = ("DaemonSet", "pdwatch-agent")
    rendered = helm({"agent": {"allUsers": True}, "image": {"repository": "registry.example/monitoring/pdwatch"}})

    assert by_name(kustomize(KUBERNETES / "example"))[key] == by_name(rendered)[key]


def test_rights_to_look_at_pods_are_given_where_they_are_asked_for(helm, read):
    """Without a namespace there is neither a role nor a token."""
    rendered = helm({"podDiscovery": {"namespaces": ["llm"]}})
    expected = by_name(read(KUBERNETES / "pod-discovery" / "rbac.yaml"))
    found = by_name(rendered)

    for key, manifest in expected.items():
        assert manifest == {**found[key], "metadata": {"name": key[1]}}
    assert found["Deployment", "pdwatch-serve"]["spec"]["template"]["spec"]["automountServiceAccountToken"] is True
    assert set() == {key for key in by_name(helm()) if key[0] in ("Role", "RoleBinding")}


def test_whatever_is_rendered_fits_the_schemas(helm, valid):
    """Every value that changes a manifest, at once."""
    values = {
        "imagePullSecrets": [{"name": "registry"}],
        "serve": {
            "env": [{"name": "PDWATCH_WINDOW", "value": "2m"}],
            "nodeSelector": {"a": "b"},
            "affinity": {"podAntiAffinity": {}},
        },
        "agent": {
            "allUsers": True,
            "runtimeClassName": "nvidia",
            "logs": {"path": "/var/log/pods", "patterns": ["llm_*/*/*.log"]},
        },
        "podDiscovery": {"namespaces": ["llm", "chat"]},
        "monitoring": {"monitors": True, "rules": True, "dashboards": True, "labels": {"release": "prometheus"}},
        "autoscaling": {"roles": ROLES},
    }
    rendered = helm(values, name="eu")

    for manifest in rendered:
        valid(manifest)
    assert "eu-pdwatch-serve" in {manifest["metadata"]["name"] for manifest in rendered}
    assert {"prometheus"} == {
        m["metadata"]["labels"]["release"] for m in rendered if "Monitor" in m["kind"] or "Rule" in m["kind"]
    }
    (agent,) = (m["spec"]["template"]["spec"]["containers"][0] for m in rendered if m["kind"] == "DaemonSet")
    assert ["--log", "/host/logs/llm_*/*/*.log"] == agent["args"][-2:]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"agent": {"enabld": True}}, "enabld"),
        ({"serve": {"replicas": "two"}}, "/serve/replicas"),
        ({"autoscaling": {"roles": [{**ROLES[0], "role": "router"}]}}, "/autoscaling/roles/0/role"),
        ({"monitoring": {"interval": "15"}}, "/monitoring/interval"),
    ],
)
def test_a_wrong_value_is_refused_and_named(values, told, helm):
    """A misspelt value is not silently the default."""
    with pytest.raises(ValueError, match=told):
        helm(values)


def test_an_agent_that_is_switched_off_leaves_nothing(helm):
    """Neither its account nor its policy nor its monitor."""
    rendered = helm({"agent": {"enabled": False}, "monitoring": {"monitors": True}})

    assert [] == [m["kind"] for m in rendered if m["metadata"]["name"].endswith("-agent")]


def test_the_chart_has_the_version_of_the_package(read):
    """A release changes both."""
    (chart,) = read(CHART / "Chart.yaml")

    assert {pdwatch.__version__} == {chart["version"], chart["appVersion"]}


def test_the_configuration_in_the_values_is_one_that_pdwatch_takes(read):
    """As it is written into the ConfigMap."""
    (values,) = read(CHART / "values.yaml")

    assert {"default"} == set(from_mapping(values["serve"]["config"], "values.yaml").services)
