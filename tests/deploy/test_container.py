"""The image and the compose file: nothing of root's, nothing to write to, and their commands run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import pdwatch

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
COMPOSE = ROOT / "deploy" / "compose"
SCHEMAS = Path(__file__).parent / "schemas"
INSTRUCTIONS = {"FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "EXPOSE", "ENTRYPOINT", "CMD"}

Json = dict[str, Any]


def instructions() -> list[tuple[str, str]]:
    lines = [line for line in DOCKERFILE.read_text().splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def last(word: str) -> str:
    return [rest for name, rest in instructions() if name == word][-1]


@pytest.fixture(scope="module")
def compose(read) -> Json:
    (found,) = read(COMPOSE / "compose.yaml")
    return found


def test_the_image_is_built_in_two_stages_and_runs_as_a_number(read):
    """What builds is left behind, and Kubernetes can tell from the number that it is not root."""
    assert {word for word, _ in instructions()} <= INSTRUCTIONS
    assert 2 == len([rest for word, rest in instructions() if word == "FROM"])
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last("USER"))


def test_no_shell_is_asked_for():
    """Each command is a list, so that it runs in an image without a shell, and no variable is ever taken apart."""
    for word, rest in instructions():
        if word in ("RUN", "ENTRYPOINT", "CMD"):
            assert all(isinstance(part, str) for part in json.loads(rest))


def test_what_is_copied_is_there_and_is_let_through():
    """The ignore file lets in what the image is made of and nothing else."""
    copied = {
        each for word, rest in instructions() if word == "COPY" and "--from" not in rest for each in rest.split()[:-1]
    }
    ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()

    assert [] == [each for each in copied if not (ROOT / each).exists()]
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored


def test_the_entry_point_runs_with_its_usual_arguments(runs, here):
    """What `docker run pdwatch` starts, with a configuration in its place."""
    (program,) = json.loads(last("ENTRYPOINT"))
    config = ROOT / "deploy" / "kubernetes" / "base" / "pdwatch.yaml"
    client = runs(
        here(json.loads(last("CMD")), config=str(config)),
        PDWATCH_DISCOVERY='[{static: [{targets: ["127.0.0.1:1"]}]}]',
    )

    assert "/opt/pdwatch/bin/pdwatch" == program
    assert 200 == client.get("/-/healthy").status_code


def test_the_compose_file_fits_its_schema(compose):
    """An unknown key is found here."""
    schema = json.loads((SCHEMAS / "compose.json").read_text())
    jsonschema.Draft7Validator(schema).validate(compose)
    with pytest.raises(jsonschema.ValidationError, match="read_onli"):
        jsonschema.Draft7Validator(schema).validate({"services": {"a": {"image": "a", "read_onli": True}}})


def test_every_container_of_the_compose_file_is_shut_in(compose):
    """No rights, nothing to write to but volumes, ports on loopback, images of one version."""
    for name, service in compose["services"].items():
        shut = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}

        assert shut.items() <= service.items(), name
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name
        assert [] == [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]


def test_what_the_compose_file_mounts_is_there_and_cannot_be_written(compose):
    """Generated boards and rules are taken from where they are committed."""
    mounts = [mount.split(":") for service in compose["services"].values() for mount in service.get("volumes", [])]
    folders = [mount for mount in mounts if mount[0].startswith(".")]

    assert [] == [source for source, *_ in folders if not (COMPOSE / source).exists()]
    assert {"ro"} == {mode for _, _, mode in folders}
    assert {source for source, *_ in mounts if not source.startswith(".")} == set(compose["volumes"])


def test_the_image_has_the_version_of_the_package(compose):
    """A release changes both."""
    assert f"pdwatch:{pdwatch.__version__}" == compose["services"]["pdwatch"]["image"]


def test_the_command_of_the_compose_file_runs_and_its_health_check_holds(compose, runs, here):
    """The whole product on a simulated fleet, as the container starts it."""
    service = compose["services"]["pdwatch"]
    arguments = [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", argument) for argument in service["command"]]
    client = runs([*here(arguments), "--port", "0"])
    check = [sys.executable, *service["healthcheck"]["test"][2:]]
    check[-1] = check[-1].replace("http://127.0.0.1:10077", str(client.base_url).rstrip("/"))

    assert 0 == subprocess.run(check, check=False).returncode
    assert "10077" not in check[-1]
    assert 4 == len(client.get("/sd/workers").json())


def test_prometheus_takes_its_configuration(find, tmp_path, read):
    """promtool checks it together with the rules that it names."""
    (config,) = read(COMPOSE / "prometheus.yml")
    (pattern,) = config["rule_files"]
    config["rule_files"] = [pattern.replace("/etc/prometheus/rules", str(ROOT / "alerts"))]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [find("promtool"), "check", "config", str(tmp_path / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert config["scrape_configs"][0]["honor_labels"] is True


def test_alertmanager_takes_its_configuration(find, compose):
    """amtool checks the file that the compose file mounts."""
    (mount,) = (each for each in compose["services"]["alertmanager"]["volumes"] if each.endswith(":ro"))
    done = subprocess.run(
        [find("amtool"), "check-config", str(COMPOSE / mount.split(":")[0])],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
