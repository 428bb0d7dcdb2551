"""Settings by environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdwatch.config.document import Document
from pdwatch.config.environment import COMMAND_VARIABLES, variable, with_environment
from pdwatch.config.errors import ConfigError, Place
from pdwatch.config.load import load, schema


def test_levels_are_apart_by_two_underscores() -> None:
    """A nested key is reached by its path in capitals."""
    environ = {
        "PDWATCH_SCRAPE__INTERVAL": "2s",
        "PDWATCH_LISTEN": "0.0.0.0:80",
        "PDWATCH_THRESHOLDS__KV_USAGE_HIGH": "0.7",
    }

    config = load(None, environ)

    assert (2.0, "0.0.0.0:80", 0.7) == (config.scrape.interval, config.listen, config.thresholds.kv_usage_high)


def test_lists_are_read_as_yaml() -> None:
    """A value that begins with a bracket is YAML, so that even discovery needs no file."""
    config = load(None, {"PDWATCH_DISCOVERY": "[{static: [{targets: ['a:1', 'b:2']}]}]"})

    assert ("a:1", "b:2") == (config.discovery[0].static or ())[0].targets


def test_urls_are_apart_by_blanks_or_commas() -> None:
    """The short form takes a plain list."""
    config = load(None, {"PDWATCH_DECODE": "http://a:1, b:2"})

    assert ("http://a:1/metrics", "http://b:2/metrics") == config.decode


def test_name_of_a_service_is_matched_loosely(tmp_path: Path) -> None:
    """A variable cannot hold a dash or a dot; the name of the service is found all the same."""
    path = tmp_path / "a.yaml"
    path.write_text("services: {deepseek-r1.5: {gpu_budget: 8}}\n", encoding="utf-8")

    config = load(path, {"PDWATCH_SERVICES__DEEPSEEK_R1_5__GPU_BUDGET": "16"})

    assert 16 == config.services["deepseek-r1.5"].gpu_budget


def test_token_by_environment_is_never_shown() -> None:
    """A secret may come by environment and is hidden wherever the configuration is printed."""
    config = load(None, {"PDWATCH_SCRAPE__AUTHORIZATION__CREDENTIALS": "hunter2"})

    assert config.scrape.authorization is not None
    assert config.scrape.authorization.credentials is not None
    assert "hunter2" == config.scrape.authorization.credentials.get_secret_value()
    assert "hunter2" not in repr(config)


def test_token_may_look_like_yaml() -> None:
    """Only lists and mappings are read as YAML; a token is taken as it is."""
    config = load(None, {"PDWATCH_SCRAPE__AUTHORIZATION__CREDENTIALS": "{hunter2"})

    assert config.scrape.authorization is not None
    assert config.scrape.authorization.credentials is not None
    assert "{hunter2" == config.scrape.authorization.credentials.get_secret_value()


def test_variables_of_others_are_left_alone() -> None:
    """Kubernetes describes a Service named pdwatch to every pod beside it; that is no setting."""
    environ = {
        "PDWATCH_SERVICE_HOST": "10.0.0.1",
        "PDWATCH_SERVICE_PORT_HTTP": "10077",
        "PDWATCH_PORT": "tcp://10.0.0.1:10077",
        "PDWATCH_PORT_10077_TCP_ADDR": "10.0.0.1",
        "PDWATCH_AGENT_SERVICE_HOST": "10.0.0.2",
        "PDWATCH_CONFIG": "a.yaml",
        "HOME": "/root",
    }

    assert load(None, {}) == load(None, environ)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PDWATCH_SCRAPE__INTERVALL", "2s", "names no setting; did you mean PDWATCH_SCRAPE__INTERVAL?"),
        ("PDWATCH_XYZ", "1", "names no setting; the names are PDWATCH_ and the key, levels apart by __"),
        ("PDWATCH_DISCOVERY__0__STATIC", "1", "names no setting; did you mean PDWATCH_DISCOVERY?"),
        ("PDWATCH_SCRAPE__INTERVAL__MS", "1", "names no setting; did you mean PDWATCH_SCRAPE__INTERVAL?"),
        (
            "PDWATCH_SERVICES__CHAT__GPU_BUDGET",
            "1",
            "names no setting; the names are PDWATCH_ and the key, levels apart by __",
        ),
        ("PDWATCH_WINDOW", "60", "window: '60' has no unit; write 60s for seconds"),
        ("PDWATCH_DISCOVERY", "[{", "not YAML: a bracket that is never closed; close it"),
        ("PDWATCH_HOSTS", "[{static: [{target: [a]}]}]", "hosts[0].static[0].targets: is missing; add the key targets"),
    ],
)
def test_mistake_is_blamed_on_its_variable(name: str, value: str, message: str) -> None:
    """A wrong variable is named with the mend."""
    with pytest.raises(ConfigError) as caught:
        load(None, {name: value})

    assert f"{name}: {message}" == str(caught.value)


def test_every_plain_key_has_a_variable() -> None:
    """No two keys share a variable, and none is taken for a description of a Kubernetes Service."""
    paths = [path for path, _ in schema().paths() if "*" not in path and variable(path) not in COMMAND_VARIABLES]
    names = [variable(path) for path in paths]

    assert len(names) == len(set(names))
    for path, name in zip(paths, names, strict=True):
        assert Place(name) == with_environment(Document("none"), {name: "x"}, schema()).places[path]
