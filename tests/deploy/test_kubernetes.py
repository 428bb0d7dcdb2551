"""The manifests of deploy/kubernetes say what a cluster understands, and ask for no more than is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import pdwatch
from pdwatch.config.load import load
from pdwatch.discover.build import worker_discovery

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
NO_MANIFESTS = {"kustomization.yaml", "pdwatch.yaml", "prometheus-adapter-values.yaml"}
MANIFESTS = sorted(path for path in FOLDER.rglob("*.yaml") if path.name not in NO_MANIFESTS)
KUSTOMIZATIONS = sorted(path for path in FOLDER.rglob("kustomization.yaml"))
BUILT = [path.parent for path in KUSTOMIZATIONS if "kind: Kustomization" in path.read_text()]

Json = dict[str, Any]


def name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


@pytest.fixture(scope="module")
def base(read) -> list[Json]:
    return [
        manifest
        for path in sorted((FOLDER / "base").glob("*.yaml"))
        if path.name not in NO_MANIFESTS
        for manifest in read(path)
    ]


@pytest.fixture(scope="module")
def monitors(read) -> list[Json]:
    return read(FOLDER / "monitoring" / "monitors.yaml")


def only(manifests: list[Json], kind: str, part: str) -> Json:
    (found,) = (each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, f"pdwatch-{part}"))
    return found


def pods(manifests: list[Json]) -> list[Json]:
    return [each["spec"]["template"] for each in manifests if each["kind"] in ("Deployment", "DaemonSet")]


@pytest.mark.parametrize("path", MANIFESTS, ids=name)
def test_a_manifest_fits_the_schema_of_its_kind(path, read, valid):
    """An unknown key, a wrong type or a missing field is found here and not in a cluster."""
    for manifest in read(path):
        valid(manifest)


def test_a_misspelt_key_does_not_fit(base, valid):
    """The schemas refuse what a cluster would silently drop, at any depth."""
    daemon_set = yaml.safe_load(yaml.safe_dump(only(base, "DaemonSet", "agent")))
    daemon_set["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFileSystem"] = True

    with pytest.raises(jsonschema.ValidationError, match="readOnlyRootFileSystem"):
        valid(daemon_set)


def test_a_key_that_stands_twice_is_refused(read):
    """YAML would take the last one and say nothing."""
    with pytest.raises(yaml.YAMLError, match=r"'b'.* twice"):
        read("a: {b: 1, b: 2}")


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=name)
def test_what_a_kustomization_names_is_there(path, read):
    """A file, a folder or a component that was renamed is missed before somebody applies it."""
    (document,) = read(path)
    made = [generator["files"] for generator in document.get("configMapGenerator", [])]
    named = [
        *document.get("resources", []),
        *document.get("components", []),
        *(each for files in made for each in files),
    ]

    assert named or document["patches"]
    assert [] == [each for each in named if not (path.parent / each).exists()]


@pytest.mark.parametrize("folder", BUILT, ids=name)
def test_a_folder_builds_into_valid_manifests(folder, kustomize, valid):
    """What `kubectl apply -k` sends fits the schemas, with patches, labels and generated names in it."""
    built = kustomize(folder)

    assert built
    for manifest in built:
        valid(manifest)


def test_pod_discovery_gives_serve_a_token_and_the_right_to_look_at_pods_and_nothing_else(read, kustomize, tmp_path):
    """An overlay that takes the component: reading pods of the workers' namespace is all that there is."""
    relative = Path("../" * len(tmp_path.parts)) / FOLDER.relative_to("/")
    overlay = {"resources": [str(relative / "base")], "components": [str(relative / "pod-discovery")]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    built = kustomize(tmp_path)
    (role,) = (each for each in built if each["kind"] == "Role")

    assert [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}] == role["rules"]
    assert "llm" == role["metadata"]["namespace"]
    assert only(built, "Deployment", "serve")["spec"]["template"]["spec"]["automountServiceAccountToken"] is True
    assert only(built, "DaemonSet", "agent")["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_every_container_is_shut_in(base):
    """No root, no rights, nothing to write to, no token."""
    for pod in pods(base):
        spec, (container,) = pod["spec"], pod["spec"]["containers"]
        inner = container["securityContext"]

        assert (True, "RuntimeDefault") == (
            spec["securityContext"]["runAsNonRoot"],
            spec["securityContext"]["seccompProfile"]["type"],
        )
        assert {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        } == inner
        assert spec["automountServiceAccountToken"] is False
        assert "memory" in container["resources"]["limits"]
        assert all(mount["readOnly"] for mount in container["volumeMounts"])


def test_of_the_host_only_processes_and_sysfs_are_seen(base):
    """Serve sees nothing of its node; the agent sees processes and /sys, reads only, and takes no port of the node."""
    serve, agent = (
        only(base, kind, part)["spec"]["template"]["spec"]
        for kind, part in (("Deployment", "serve"), ("DaemonSet", "agent"))
    )
    host = {"hostPID", "hostNetwork", "hostIPC"}

    assert set() == host & set(serve)
    assert {"hostPID"} == host & set(agent)
    assert [] == [volume for volume in serve["volumes"] if "hostPath" in volume]
    assert [{"name": "sys", "hostPath": {"path": "/sys", "type": "Directory"}}] == agent["volumes"]
    assert [] == [port for port in agent["containers"][0]["ports"] if "hostPort" in port]


def test_seeing_all_users_takes_two_rights_and_no_more(kustomize):
    """The example takes the component; nothing else of the pod changes."""
    agent = only(kustomize(FOLDER / "example"), "DaemonSet", "agent")["spec"]["template"]["spec"]
    (container,) = agent["containers"]

    assert {"drop": ["ALL"], "add": ["SYS_PTRACE", "DAC_READ_SEARCH"]} == container["securityContext"]["capabilities"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert 0 == agent["securityContext"]["runAsUser"]


def test_all_who_select_find_their_pods(base, monitors):
    """Deployment, DaemonSet, Service, NetworkPolicy and monitors choose the pods they are meant for, by port too."""
    for part, kind in (("serve", "Deployment"), ("agent", "DaemonSet")):
        workload = only(base, kind, part)
        labels, (port,) = (
            workload["spec"]["template"]["metadata"]["labels"],
            workload["spec"]["template"]["spec"]["containers"][0]["ports"],
        )
        policy = only(base, "NetworkPolicy", part)["spec"]
        monitor = only(monitors, "ServiceMonitor" if part == "serve" else "PodMonitor", part)["spec"]
        (endpoint,) = monitor.get("endpoints") or monitor["podMetricsEndpoints"]

        for selector in (workload["spec"]["selector"], policy["podSelector"], monitor["selector"]):
            assert selector["matchLabels"].items() <= labels.items()
        assert {port["name"]} == {each["port"] for rule in policy["ingress"] for each in rule["ports"]} | {
            endpoint["port"]
        }
    service = only(base, "Service", "serve")["spec"]
    assert (
        service["selector"].items()
        <= only(base, "Deployment", "serve")["spec"]["template"]["metadata"]["labels"].items()
    )
    assert ["http"] == [port["targetPort"] for port in service["ports"]]


def test_the_labels_of_pdwatch_win_over_those_of_the_cluster(monitors):
    """Else `service` would be the Kubernetes Service, and every board and alert would be empty."""
    for monitor in monitors:
        (endpoint,) = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]

        assert endpoint["honorLabels"] is True


def test_the_image_has_the_version_of_the_package(read):
    """A release changes both."""
    (kustomization,) = read(FOLDER / "base" / "kustomization.yaml")

    assert pdwatch.__version__ == kustomization["images"][0]["newTag"]


@pytest.mark.parametrize("folder", ["base", "example"])
def test_the_configuration_is_one_that_pdwatch_takes(folder):
    """Each key is known and discovery of each kind is there."""
    config = load(FOLDER / folder / "pdwatch.yaml", {})

    assert worker_discovery(config).states


def test_the_command_of_serve_runs_and_answers_the_probes(base, runs, here):
    """The arguments of the manifest are taken by the program as it is; the workers are named elsewhere here."""
    (container,) = only(base, "Deployment", "serve")["spec"]["template"]["spec"]["containers"]
    config = str(FOLDER / "base" / "pdwatch.yaml")
    client = runs(here(container["args"], config=config), PDWATCH_DISCOVERY='[{static: [{targets: ["127.0.0.1:1"]}]}]')

    assert 200 == client.get(container["livenessProbe"]["httpGet"]["path"]).status_code
    assert "/-/ready" == container["readinessProbe"]["httpGet"]["path"]
    assert "pdwatch_build_info" in client.get("/metrics").text


def test_the_command_of_the_agent_runs_and_takes_the_name_of_its_node(base, runs, here, tmp_path):
    """The variable of the manifest is one that the program knows."""
    (container,) = only(base, "DaemonSet", "agent")["spec"]["template"]["spec"]["containers"]
    (variable,) = (each["name"] for each in container["env"] if "valueFrom" in each)
    given = {"path.sysfs": str(tmp_path)}
    client = runs(here(container["args"], **given), **{variable: "node7"})

    assert 'pdwatch_host_up{host="node7"} 1.0' in client.get("/metrics").text
    assert [200, 200] == [
        client.get(container[probe]["httpGet"]["path"]).status_code for probe in ("livenessProbe", "readinessProbe")
    ]
