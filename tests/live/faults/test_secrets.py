"""Secrets that pdwatch is given are on no face of it, whatever goes wrong with them."""

from __future__ import annotations

import re
import signal
import sys

import bcrypt
import httpx
import pytest

pytestmark = pytest.mark.live

CANARY = "c4n4ry"
"""In every secret."""


@pytest.fixture(scope="module")
def folder(write):
    """Files that hold secrets, a web configuration among them, and the configuration that names them."""
    hashed = bcrypt.hashpw(f"{CANARY}-web".encode(), bcrypt.gensalt(4)).decode()
    web = write({"basic_auth_users": {"viewer": hashed}})
    for name in ("token", "password"):
        web.with_name(name).write_text(f"{CANARY}-{name}\n", encoding="utf-8")
    return web.parent


@pytest.fixture(scope="module")
def config(folder, hostile, write):
    """A serve that shows a token to workers that refuse it, and a password to a list of targets that fails."""
    httpx.put(f"{hostile}/-/401,redirect,sd-gone", trust_env=False).raise_for_status()
    address = hostile.removeprefix("http://")
    static = [
        {"targets": [f"{address}/{name}/metrics?token={CANARY}-query"], "labels": {"worker": name}}
        for name in ("calm", "401", "redirect")
    ]
    content = {
        "scrape": {"authorization": {"credentials_file": str(folder / "token")}},
        "web": {"config_file": str(folder / "pdwatch.yaml")},
        "discovery": [
            {"static": static},
            {
                "http": {
                    "url": f"{hostile}/sd?api_key={CANARY}-url",
                    "basic_auth": {"username": "pdwatch", "password_file": str(folder / "password")},
                }
            },
        ],
    }
    return write(content)


def said(program):
    """Return everything that a program wrote."""
    return "".join((*program.out, *program.err))


@pytest.fixture(scope="module")
def serve(start, config):
    """That serve, and a client that is let in."""
    program = start(
        sys.executable, "-m", "pdwatch", "serve", "--listen", "127.0.0.1:0", "--interval", "1s", "--config", str(config)
    )
    url = program.line(r"^pdwatch serve: (http://\S+) ")[1]
    program.line(r"401|refuses")
    with httpx.Client(base_url=url, auth=("viewer", f"{CANARY}-web"), timeout=20, trust_env=False) as client:
        yield program, client


@pytest.mark.parametrize("path", ["/metrics", "/", "/api/v1/snapshot", "/api/v1/history", "/sd/workers", "/nothing"])
def test_no_face_tells_a_secret(serve, path):
    """Neither those of workers, nor of sources, nor its own."""
    answer = serve[1].get(path)

    assert answer.status_code in (200, 404)
    assert CANARY not in answer.text
    assert CANARY not in str(answer.headers)


def test_who_is_not_let_in_learns_nothing(serve):
    """The refusal says neither who might come in nor what was wrong."""
    answer = httpx.get(serve[1].base_url, auth=("viewer", f"wrong-{CANARY}"), trust_env=False)

    assert 401 == answer.status_code
    assert CANARY not in answer.text
    assert "viewer" not in answer.text


@pytest.mark.parametrize(
    "bad",
    [
        "scrape: {authorization: {credentials: %s}}",
        "scrape: {basic_auth: {username: a, password: [%s]}}",
        "scrape: {authorization: {credentials_file: [%s}}",
        "prefill: ['http://user:%s@127.0.0.1:1/metrics x']",
        "router: 'http://user:%s@:bad'",
        "connect: {basic_auth: {username: a, password: {b: %s}}}",
    ],
)
def test_a_mistake_in_a_secret_is_told_without_it(serve, config, bad):
    """The line that refuses a configuration names the key, not the value."""
    program, _ = serve
    good = config.read_text(encoding="utf-8")
    seen = len(program.err)
    config.write_text(bad % f"{CANARY}-inline", encoding="utf-8")
    program.process.send_signal(signal.SIGHUP)
    program.line("kept the old configuration", after=seen)
    config.write_text(good, encoding="utf-8")

    assert CANARY not in said(program)


def test_a_recording_holds_no_secret(pdwatch, config, tmp_path):
    """Pages, addresses and errors are written without."""
    path = tmp_path / "fleet.jsonl"
    program = pdwatch("record", "--config", str(config), "--interval", "1s", "--output", str(path))
    program.line("writing")
    program.line(r"up|rounds")
    program.stop()

    assert '"kind":"tick"' in path.read_text(encoding="utf-8")
    assert CANARY not in path.read_text(encoding="utf-8")
    assert CANARY not in said(program)


@pytest.mark.parametrize("command", ["serve", "agent", "record", "check", "top"])
def test_help_shows_no_value_of_the_environment(command, monkeypatch, start):
    """Secrets may come by environment; no help, no error and no command line repeats them."""
    names = ("PDWATCH_SCRAPE__AUTHORIZATION__CREDENTIALS", "PDWATCH_CONNECT__BASIC_AUTH__PASSWORD", "PDWATCH_SCRAPE")
    env = [f"{name}={CANARY}" for name in names]
    helped = start("env", *env, sys.executable, "-m", "pdwatch", command, "--help")
    wrong = start("env", *env, sys.executable, "-m", "pdwatch", command)

    assert (0, True) == (helped.wait(), wrong.wait() != 0)
    assert CANARY not in said(helped) + said(wrong)


def test_check_in_words_tells_no_secret(pdwatch, config):
    """Its report has addresses in it."""
    program = pdwatch("check", "--for", "3s", "--interval", "1s", "--config", str(config))
    program.wait()

    assert re.search("401|redirect", said(program))
    assert CANARY not in said(program)
