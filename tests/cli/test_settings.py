"""The configuration that a command runs with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pdwatch.cli.attaching import connection
from pdwatch.cli.errors import UsageError
from pdwatch.cli.flags import SETTINGS
from pdwatch.cli.parser import parse
from pdwatch.cli.settings import require_targets, resolve
from pdwatch.config.errors import ConfigError
from pdwatch.config.load import schema
from pdwatch.config.model import Config


def resolved(call: str, environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration of a call."""
    return resolve(parse(call.split()), environ or {})


def asked(call: str, environ: Mapping[str, str] | None = None) -> str | None:
    """Return the URL of the serve that a call asks."""
    serve = connection(parse(call.split()), environ or {})
    return serve.url if serve is not None else None


def test_flags_need_no_file() -> None:
    """The whole configuration may come from the command line."""
    config = resolved(
        "serve --prefill p:1 8998 --decode d:1 --router http://r:1 --service chat --interval 2s --listen :9"
    )

    assert (("http://p:1/metrics",), ("http://d:1/metrics",), "http://r:1") == (
        config.prefill,
        config.decode,
        config.router,
    )
    assert ("chat", 2.0, ":9") == (config.service, config.scrape.interval, config.listen)


def test_file_environment_flag(tmp_path: Path) -> None:
    """The nearest wins, and the file may be named by environment."""
    path = tmp_path / "a.yaml"
    path.write_text("scrape: {interval: 4s}\nlisten: 127.0.0.1:1\nwindow: 90s\n", encoding="utf-8")
    environ = {"PDWATCH_CONFIG": str(path), "PDWATCH_LISTEN": "127.0.0.1:2", "PDWATCH_SCRAPE__INTERVAL": "5s"}

    config = resolved("serve --interval 6s", environ)

    assert (6.0, "127.0.0.1:2", 90.0) == (config.scrape.interval, config.listen, config.window)


def test_paths_of_flags_are_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed is meant from where one stands, wherever the configuration file lies."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a.yaml").touch()
    (tmp_path / "web.yml").touch()
    monkeypatch.chdir(tmp_path)

    config = resolved("serve --config etc/a.yaml --web.config.file web.yml --path.sysfs sys")

    assert (tmp_path / "web.yml", tmp_path / "sys") == (config.web.config_file, config.path.sysfs)


def test_agent_has_a_port_of_its_own() -> None:
    """An agent beside a serve does not take its port, unless told to."""
    assert "127.0.0.1:10077" == resolved("serve").listen
    assert "127.0.0.1:10078" == resolved("agent").listen
    assert "127.0.0.1:10077" == resolved("agent", {"PDWATCH_LISTEN": "127.0.0.1:10077"}).listen


def test_wrong_flag_is_blamed() -> None:
    """A value that is wrong is blamed on the flag that was typed."""
    with pytest.raises(ConfigError) as caught:
        resolved("serve --interval soon")

    assert "--interval: scrape.interval: 'soon' is not a duration; write it like 500ms, 5s or 1h30m" == str(
        caught.value
    )


@pytest.mark.parametrize("flag", SETTINGS, ids=lambda flag: flag.name)
def test_every_flag_sets_a_key(flag: object) -> None:
    """No flag sets a key that the configuration does not know."""
    (entry,) = (one for one in SETTINGS if one is flag)

    assert None is not schema().at(entry.path)


def test_top_connects_to_the_local_serve() -> None:
    """Without a word, top shows what serve on this host sees; the environment may name another."""
    assert "http://127.0.0.1:10077" == asked("top")
    assert "http://127.0.0.1:10077" == asked("top --interval 2s")
    assert "http://m:1" == asked("top", {"PDWATCH_CONNECT": "http://m:1/"})
    assert "http://n:1" == asked("top --connect http://n:1", {"PDWATCH_CONNECT": "http://m:1"})


def test_top_scrapes_what_it_is_given(tmp_path: Path) -> None:
    """Workers or a file on the command line are scraped directly, unless the file names a serve."""
    fleet, serve = tmp_path / "fleet.yaml", tmp_path / "serve.yaml"
    fleet.write_text("decode: [a:1]\n", encoding="utf-8")
    serve.write_text("connect: {url: 'http://m:1/'}\n", encoding="utf-8")

    assert None is asked("top --prefill a:1", {"PDWATCH_CONNECT": "http://m:1"})
    assert None is asked(f"top --config {fleet}")
    assert "http://m:1" == asked(f"top --config {serve}") == asked("top", {"PDWATCH_CONFIG": str(serve)})
    assert None is asked(f"top --config {serve} --decode a:1")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("top --connect http://a:1 --decode b:1", "--connect and --decode exclude each other; give one"),
        ("top --connect a:1", "--connect: 'a:1' is not a URL; write http://host:port or https://host:port"),
    ],
)
def test_wrong_connect(call: str, message: str) -> None:
    """A connection that cannot be meant is refused."""
    with pytest.raises(UsageError) as caught:
        asked(call)

    assert message == str(caught.value)


def test_nothing_to_watch() -> None:
    """A fleet of nobody is a mistake; one worker, or one host, is enough."""
    with pytest.raises(UsageError, match="there is nothing to watch; name workers"):
        require_targets(resolved("serve"))

    require_targets(resolved("serve --decode d:1"))
