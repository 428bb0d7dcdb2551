"""A good configuration: from file, environment and flags to frozen values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from pdwatch.config.errors import ConfigError
from pdwatch.config.load import Flag, from_mapping, load, to_mapping
from pdwatch.config.model import Config

Write = Callable[[str], Path]

WHOLE = """\
scrape: {interval: 5s, timeout: 3s, max_body: 16MiB, authorization: {credentials_file: token}, tls: {ca_file: ca.pem}}
services:
  deepseek-r1:
    slo: {ttft: 2s, itl: 50ms, target: 0.95}
    gpu_budget: 64
    pools:
      prefill: {gpus_per_replica: 4, min_replicas: 1, max_replicas: 12, startup: 4m}
      decode:  {gpus_per_replica: 8, min_replicas: 1, max_replicas: 6}
    connector: nixl
discovery:
  - static: [{targets: ["10.0.0.1:8087"], labels: {service: deepseek-r1, role: prefill, replica: p0, host: node0}}]
  - file: {paths: ["targets/*.yaml"], refresh: 30s}
  - http: {url: "http://sd.example", refresh: 60s}
  - router: {url: "http://router:8123"}
  - kubernetes: {namespaces: [llm], selector: "app=vllm"}
hosts:
  - static: [{targets: ["node0:10078"]}]
thresholds: {kv_usage_high: 0.8}
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a configuration and returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "pdwatch.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_whole_file_is_read(write: Write, tmp_path: Path) -> None:
    """Every key of the documented file is known, and file paths are relative to the file."""
    for name in ("token", "ca.pem"):
        (tmp_path / name).touch()

    config = load(write(WHOLE), {})

    service = config.services["deepseek-r1"]
    assert 16 * 1024**2 == config.scrape.max_body
    assert tmp_path / "ca.pem" == config.scrape.tls.ca_file
    assert (2.0, 0.05, 0.95) == (service.slo.ttft, service.slo.itl, service.slo.target)
    assert 240.0 == service.pools.prefill.startup
    assert None is service.pools.decode.startup
    assert "p0" == (config.discovery[0].static or ())[0].labels["replica"]
    assert config.discovery[1].file is not None
    assert (tmp_path / "targets/*.yaml",) == config.discovery[1].file.paths
    assert 0.8 == config.thresholds.kv_usage_high
    assert 0.85 == config.thresholds.pressure_target


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n", "scrape:\nservices:\ndiscovery:\n", "\ufeffwindow: 60s\n"]
)
def test_empty_file_is_the_defaults(write: Write, text: str) -> None:
    """A file without values, keys without values and a byte order mark are no mistakes."""
    assert Config() == load(write(text), {})


def test_no_file_is_the_defaults() -> None:
    """pdwatch runs without a file."""
    config = load(None, {})

    assert (5.0, 3.0, 60.0) == (config.scrape.interval, config.scrape.timeout, config.window)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is named with the way to mend it."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.yaml", {})

    assert f"{tmp_path}/none.yaml: no such file or directory; name a file that can be read with --config" == str(
        caught.value
    )


def test_text_stays_as_written(write: Write) -> None:
    """YAML turns no label into a number, a date or a truth value."""
    text = "discovery: [{static: [{targets: [a:1], labels: {replica: 010, rack: 1:30, zone: no}}]}]\n"

    (group,) = load(write(text), {}).discovery[0].static or ()

    assert {"replica": "010", "rack": "1:30", "zone": "no"} == group.labels


def test_anchors_and_merges(write: Write) -> None:
    """A value may be written once and used twice, and a key beside a merge wins."""
    text = """\
services:
  a: &base
    slo: {ttft: 2s}
    gpu_budget: 8
  b:
    <<: *base
    gpu_budget: 16
"""
    services = load(write(text), {}).services

    assert services["a"].slo == services["b"].slo
    assert (8, 16) == (services["a"].gpu_budget, services["b"].gpu_budget)


def test_short_interval_shortens_the_default_timeout() -> None:
    """An interval below the default timeout is no mistake where the timeout was left alone."""
    config = load(None, {}, [Flag("--interval", ("scrape", "interval"), "2s")])

    assert 1.2 == pytest.approx(config.scrape.timeout)


def test_long_interval_widens_the_default_window() -> None:
    """A window that was left alone always holds several intervals."""
    config = load(None, {}, [Flag("--interval", ("scrape", "interval"), "1m")])

    assert 240.0 == config.window


def test_same_target_twice_with_the_same_labels(write: Write) -> None:
    """A target that stands twice and says the same is no mistake."""
    text = "discovery: [{static: [{targets: [a:1, 'http://a:1/metrics']}]}]\n"

    assert 1 == len(load(write(text), {}).discovery)


def test_configuration_is_frozen() -> None:
    """Nothing changes a configuration after it was read."""
    with pytest.raises(ValidationError, match="frozen"):
        Config().listen = "0.0.0.0:1"


def test_flag_wins_over_environment_over_file(write: Write) -> None:
    """Flags are nearer than the environment, and it is nearer than the file."""
    path = write("scrape: {interval: 5s}\nwindow: 90s\nlisten: 127.0.0.1:1\n")
    environ = {"PDWATCH_SCRAPE__INTERVAL": "6s", "PDWATCH_WINDOW": "70s"}

    config = load(path, environ, [Flag("--interval", ("scrape", "interval"), "7s")])

    assert (7.0, 70.0, "127.0.0.1:1") == (config.scrape.interval, config.window, config.listen)


def test_wrong_flag_is_named() -> None:
    """A mistake on the command line is blamed on its flag."""
    with pytest.raises(ConfigError) as caught:
        load(None, {}, [Flag("--interval", ("scrape", "interval"), "soon")])

    assert "--interval: scrape.interval: 'soon' is not a duration; write it like 500ms, 5s or 1h30m" == str(
        caught.value
    )


def test_bootstrap_ports_are_left_out() -> None:
    """The flags that routers take may be pasted: the port after a prefill URL is no worker."""
    words = ["http://p0:8000", "8998", "p1:8000", "none"]

    config = load(None, {}, [Flag("--prefill", ("prefill",), words)])

    assert ("http://p0:8000/metrics", "http://p1:8000/metrics") == config.prefill


def test_mapping_and_back(write: Write, tmp_path: Path) -> None:
    """What a recording keeps of a configuration gives the same judgements when it is read back."""
    for name in ("token", "ca.pem"):
        (tmp_path / name).touch()
    config = load(write(WHOLE), {})

    values = to_mapping(config)
    again = from_mapping(values, "recording")

    assert {"scrape", "window", "services", "thresholds"} == set(values)
    assert (config.services, config.thresholds, config.window) == (again.services, again.thresholds, again.window)


def test_mapping_of_the_defaults_is_short() -> None:
    """Of what was not set only the times are written down."""
    assert {"scrape": {"interval": "5s"}, "window": "1m"} == to_mapping(Config())


def test_mapping_with_a_mistake_names_where_it_came_from() -> None:
    """A header with an unknown key is refused by name."""
    with pytest.raises(ConfigError) as caught:
        from_mapping({"windw": "60s"}, "a.jsonl")

    assert "a.jsonl: windw: unknown key; did you mean window?" == str(caught.value)
