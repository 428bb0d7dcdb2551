"""Asking a running serve behind TLS and a password: who comes in, and what is said to those who do not."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import bcrypt
import pytest

from pdwatch.cli.main import main
from pdwatch.export.app import create_app
from pdwatch.export.guard import protection
from pdwatch.export.hub import SnapshotHub
from pdwatch.export.server import Server
from pdwatch.model.snapshot import SelfState, Snapshot

TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
MUTUAL = f"{TLS}  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
USER = f"basic_auth_users:\n  alice: {bcrypt.hashpw(b'open sesame', bcrypt.gensalt(4)).decode()}\n"
START = "start pdwatch serve, or name workers with --prefill URL --decode URL"

Open = Callable[..., int]


class Serve:
    """The HTTP side of serve on loopback, in a thread of its own, with one snapshot."""

    def __init__(self, web: Path, host: str) -> None:
        self._host = host
        self._middleware, self._tls = protection(web, lambda _: None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)

    async def _start(self) -> None:
        hub = SnapshotHub()
        hub.publish(Snapshot(5.0, {}, {}, SelfState(0, 0, 0)))
        self.server = Server(create_app(hub, middleware=self._middleware), on_stop=hub.close, tls=self._tls)
        await self.server.start(self._host, 0)

    def close(self) -> None:
        """Stop it and wait for it."""
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


@pytest.fixture
def folder(tmp_path: Path, authority, new_authority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with certificates, a stranger's authority and secrets."""
    for name in ("server", "client"):
        authority.issue(name, tmp_path)
    shutil.copy(authority.certificate, tmp_path / "ca.pem")
    shutil.copy(new_authority().certificate, tmp_path / "stranger.pem")
    (tmp_path / "password").write_text("open sesame\n", encoding="utf-8")
    (tmp_path / "wrong").write_text("open barley\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def opened(folder: Path) -> Iterator[Open]:
    """Start a serve with a web configuration; return its port."""
    started: list[Serve] = []

    def start(web: str, host: str = "localhost") -> int:
        (folder / "web.yml").write_text(web, encoding="utf-8")
        started.append(Serve(folder / "web.yml", host))
        return started[-1].server.port

    yield start
    for one in started:
        one.close()


@pytest.mark.parametrize("command", [("check",), ("top", "--once")])
def test_who_has_the_authority_and_the_password_comes_in(
    command: tuple[str, ...], opened: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    """By flags that name files; the snapshot says that no worker is known, which is status 3."""
    port = opened(TLS + USER)
    call = [*command, "--connect", f"https://localhost:{port}", "--connect.ca-file", "ca.pem"]

    assert 3 == main([*call, "--connect.username", "alice", "--connect.password-file", "password"])
    assert "o worker was found" in capsys.readouterr().out


def test_the_environment_and_a_file_say_the_same(
    opened: Open, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Secrets may come by environment; a configuration that names a serve is asked, not scraped."""
    url = f"https://localhost:{opened(MUTUAL + USER)}"
    file = folder / "serve.yaml"
    tls = "{ca_file: ca.pem, cert_file: client.pem, key_file: client.key}"
    file.write_text(f"connect: {{url: '{url}', basic_auth: {{username: alice}}, tls: {tls}}}\n", encoding="utf-8")
    monkeypatch.setenv("PDWATCH_CONNECT__BASIC_AUTH__PASSWORD", "open sesame")

    assert 3 == main(["check", "--config", str(file)])
    assert "No worker was found" in capsys.readouterr().out


REFUSED = "it answers 401: it refuses what was sent; look at the user name, password or token"
ASKED = (
    "it answers 401: it asks who you are; give --connect.username and --connect.password-file, "
    "or --connect.credentials-file for a token"
)
ALICE = ("--connect.username", "alice", "--connect.password-file")
UNTRUSTED = "its certificate is not trusted: unable to get local issuer certificate"
MISNAMED = (
    "its certificate is not trusted: IP address mismatch, certificate is not valid for '127.0.0.2'; "
    "write the name that the certificate is for"
)
UNSHOWN = (
    "it closes the connection without an answer; "
    "if it wants a client's certificate, set connect.tls.cert_file and connect.tls.key_file"
)
CA = ("--connect.ca-file", "ca.pem")


@pytest.mark.parametrize(
    ("web", "url", "flags", "said"),
    [
        (USER, "http://localhost", (), ASKED),
        (USER, "http://localhost", (*ALICE, "wrong"), REFUSED),
        (TLS, "https://localhost", (), f"{UNTRUSTED}; name the file of its authority with --connect.ca-file"),
        (
            TLS,
            "https://localhost",
            ("--connect.ca-file", "stranger.pem"),
            f"{UNTRUSTED}; name the file of its authority with --connect.ca-file",
        ),
        (
            TLS,
            "https://127.0.0.2",
            CA,
            MISNAMED,
        ),
        (USER, "https://localhost", CA, "it speaks no TLS; write http://localhost"),
        (
            TLS,
            "http://localhost",
            (),
            "it closes the connection without an answer; if it speaks TLS, write https://localhost",
        ),
        (
            MUTUAL,
            "https://localhost",
            CA,
            UNSHOWN,
        ),
    ],
)
def test_who_does_not_come_in_is_told_why_in_one_line(
    *, web: str, url: str, flags: tuple[str, ...], said: str, opened: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the mend, status 2, and no secret in it."""
    port = opened(web, urlsplit(url).hostname)
    status = main(["check", "--connect", f"{url}:{port}", *flags])
    told = capsys.readouterr().err.replace(f":{port}", "")

    assert (2, f"pdwatch check: cannot ask {url}: {said}\n") == (status, told)


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """A closed port is told with both remedies."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert 2 == main(["check", "--connect", f"http://127.0.0.1:{port}"])
    assert capsys.readouterr().err.endswith(f"; {START}\n")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--connect.username", "alice"), "connect.basic_auth: needs exactly one password"),
        ((*ALICE, "nowhere"), "nowhere"),
        (("--connect.ca-file", "password"), "cannot ask"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_it_is_tried(
    flags: tuple[str, ...], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user without a password, files that are missing or of another kind."""
    assert 2 == main(["check", "--connect", "https://localhost:1", *flags])
    told = capsys.readouterr().err
    assert said in told
    assert 1 == len(told.splitlines())
    assert "open sesame" not in told
