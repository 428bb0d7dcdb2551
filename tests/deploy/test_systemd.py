"""The units of deploy/systemd: understood by systemd, shut in, and their commands run."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pdwatch.config.load import load
from pdwatch.model.shard import Shard

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/pdwatch/bin/pdwatch"
MOST_EXPOSED = 20
"""Tenths, of 100, by `systemd-analyze security`; a unit without any protection has 96."""


def settings(path: Path) -> list[tuple[str, str]]:
    """Return the settings of a unit in order; one may stand several times."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith(("#", "["))]
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


def value(path: Path, key: str) -> str:
    (found,) = (value for name, value in settings(path) if name == key)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units where systemd would find them, with a program that is there."""
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text().replace(PROGRAM, sys.executable))
    folder = tmp_path / "pdwatch-agent.service.d"
    folder.mkdir()
    (folder / "all-users.conf").write_text((FOLDER / "pdwatch-agent-all-users.conf").read_text())
    return tmp_path


@pytest.mark.parametrize("unit", [path.name for path in UNITS])
def test_systemd_understands_every_line(unit, installed, find):
    """An unknown key or a value that is none is told by systemd itself; the drop-in is read as well."""
    command = [find("systemd-analyze"), "verify", "--man=no", str(installed / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


def test_systemd_makes_shards_of_the_unit_of_serve(installed, find):
    """The unit is a template as well; the drop-in names shard and address by the instance."""
    template = installed / "pdwatch-serve@.service"
    template.write_text((installed / "pdwatch-serve.service").read_text())
    folder = installed / "pdwatch-serve@.service.d"
    folder.mkdir()
    (folder / "shard.conf").write_text((FOLDER / "pdwatch-shard.conf").read_text())
    command = [find("systemd-analyze"), "verify", "--man=no", str(installed / "pdwatch-serve@2.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("number", [1, 2])
def test_the_variables_of_a_shard_are_a_configuration(number):
    """Each is one that pdwatch knows, and every instance has an address of its own."""
    words = value(FOLDER / "pdwatch-shard.conf", "Environment").replace("%i", str(number)).split()
    config = load(None, dict(word.split("=", 1) for word in words))

    assert (Shard(number, 2), f"127.0.0.1:1008{number}") == (config.shard, config.listen)


def test_systemd_would_have_told_an_unknown_line(installed, find):
    """The test above can fail."""
    unit = installed / "pdwatch-serve.service"
    unit.write_text(unit.read_text().replace("ProtectSystem=", "ProtectSystm="))
    done = subprocess.run(
        [find("systemd-analyze"), "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )

    assert "ProtectSystm" in done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_is_hardly_exposed(unit, find):
    """systemd's own measure of what a service may do to its host."""
    command = [find("systemd-analyze"), "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_has_no_right_of_root_and_a_wrong_configuration_is_told_once(unit):
    """The user is made for it; exit status 2 is not tried again."""
    assert "yes" == value(unit, "DynamicUser")
    assert "" == value(unit, "CapabilityBoundingSet")
    assert ("on-failure", "2") == (value(unit, "Restart"), value(unit, "RestartPreventExitStatus"))


def test_only_nvidias_devices_are_open_to_the_agent():
    """And none to serve."""
    assert ("closed", "char-nvidia* rw") == (value(UNITS[0], "DevicePolicy"), value(UNITS[0], "DeviceAllow"))
    assert "yes" == value(UNITS[1], "PrivateDevices")


def test_the_command_of_serve_runs_with_the_configuration_beside_it(runs, tmp_path):
    """The file has a pattern for targets; a target that is put there is found."""
    targets = tmp_path / "targets"
    targets.mkdir()
    (targets / "fleet.yaml").write_text('- {targets: ["127.0.0.1:1"], labels: {role: decode}}')
    config = tmp_path / "pdwatch.yaml"
    config.write_text((FOLDER / config.name).read_text().replace("/etc/pdwatch", str(tmp_path)))
    program, *arguments = shlex.split(
        value(FOLDER / "pdwatch-serve.service", "ExecStart").replace("/etc/pdwatch", str(tmp_path))
    )
    client = runs(arguments, PDWATCH_LISTEN="127.0.0.1:0")

    assert PROGRAM == program
    assert 'worker="127.0.0.1:1"' in client.get("/metrics").text


def test_the_command_of_the_agent_runs_with_the_variables_beside_it(runs, tmp_path):
    """Each variable of the example, also those that are commented out, is one that pdwatch knows."""
    lines = [line.removeprefix("# ") for line in (FOLDER / "agent.env").read_text().splitlines() if "PDWATCH_" in line]
    environment = dict(line.split("=", 1) for line in lines)
    _, *arguments = shlex.split(value(FOLDER / "pdwatch-agent.service", "ExecStart"))

    assert {"PDWATCH_LISTEN": ":10078"}.items() <= environment.items()
    environment |= {"PDWATCH_LISTEN": "127.0.0.1:0", "PDWATCH_AGENT__LOGS": f'["{tmp_path}/*.log"]'}
    assert "pdwatch_host_up" in runs(arguments, **environment).get("/metrics").text
