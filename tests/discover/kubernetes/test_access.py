"""How the API server is reached: kubeconfigs and service accounts, and TLS with both."""

from __future__ import annotations

import asyncio
import base64
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pdwatch.config.places import KubernetesSource
from pdwatch.discover.kubernetes.access import Cluster, inside
from pdwatch.discover.kubernetes.kubeconfig import from_kubeconfig
from pdwatch.discover.kubernetes.source import KubernetesDiscovery
from pdwatch.discover.source import DiscoveryError

sys.path.insert(0, str(Path(__file__).parent))
import apiserver

Write = Callable[..., Path]
PROGRAM = (
    "a program to ask for a token, and pdwatch runs none; "
    "use a kubeconfig with a token, tokenFile or client certificate"
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a kubeconfig with a cluster, a user and a context."""

    def put(user: dict[str, Any] | None = None, **cluster: Any) -> Path:
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "main",
            "contexts": [
                {"name": "main", "context": {"cluster": "c", "user": "u"}},
                {"name": "nobody", "context": {"cluster": "c"}},
                {"name": "lost", "context": {"cluster": "away", "user": "u"}},
            ],
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:6443", **cluster}}],
            "users": [{"name": "u", "user": user or {}}],
        }
        path = tmp_path / "kube.conf"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    return put


def refused(path: Path, context: str | None = None) -> str:
    """Return the error of a kubeconfig without its path."""
    with pytest.raises(DiscoveryError) as caught:
        from_kubeconfig(path, context)
    assert 1 == len(str(caught.value).splitlines())
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_token_and_a_file_with_one(write: Write, tmp_path: Path) -> None:
    """The token of the user is sent; a file is relative to the kubeconfig and read for each request."""
    (tmp_path / "token").write_text("first\n")
    by_text = from_kubeconfig(write({"token": "hunter2"}), None)
    by_file = from_kubeconfig(write({"tokenFile": "token"}), "main")
    headers = [by_text.headers(), by_file.headers()]
    (tmp_path / "token").write_text("second\n")

    assert [{"Authorization": "Bearer hunter2"}, {"Authorization": "Bearer first"}] == headers
    assert {"Authorization": "Bearer second"} == by_file.headers()
    assert {} == from_kubeconfig(write(), "nobody").headers()


@pytest.mark.parametrize(
    ("user", "cluster", "problem"),
    [
        (
            {"exec": {"command": "aws", "env": [{"name": "SECRET", "value": "hunter2"}]}},
            {},
            f"has exec, {PROGRAM}",
        ),
        (
            {"auth-provider": {"name": "oidc"}},
            {},
            f"has auth-provider, {PROGRAM}",
        ),
        ({"as": "admin"}, {}, "sets as, which is not supported; use a kubeconfig without it"),
        ({}, {"proxy-url": "http://p"}, "sets proxy-url, which is not supported; use a kubeconfig without it"),
        ({}, {"server": "127.0.0.1"}, "has a cluster whose server '127.0.0.1' is not a URL; write its URL"),
        ({}, {"server": ""}, "has a cluster whose server '' is not a URL; write its URL"),
        (
            {},
            {"server": "https://k", "certificate-authority": "away.pem"},
            "has certificates that cannot be used (no such file or directory); write them anew",
        ),
        (
            {},
            {"server": "https://k", "certificate-authority-data": base64.b64encode(b"nonsense").decode()},
            "has certificates that cannot be used (that depends on OpenSSL); write them anew",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(write: Write, user: Any, cluster: Any, problem: str) -> None:
    """Nothing that a kubeconfig asks for is left out in silence; no program is run, and no secret is shown."""
    said = refused(write(user, **cluster))

    assert "hunter2" not in said
    assert problem.partition(" (")[0] == said.partition(" (")[0]
    assert problem.rpartition("; ")[2] == said.rpartition("; ")[2]


def test_contexts_that_lead_nowhere(write: Write, tmp_path: Path) -> None:
    """A context or cluster that is not there is named with those that are."""
    path = write()
    bare = tmp_path / "bare.conf"
    bare.write_text("clusters: []\n")
    broken = tmp_path / "broken.conf"
    broken.write_text("a: [")
    text = tmp_path / "text.conf"
    text.write_text("hello")

    assert "has no context 'away'; name one of lost, main and nobody" == refused(path, "away")
    assert "has no cluster 'away'; name one of c" == refused(path, "lost")
    assert "names no current-context; name one with context" == refused(bare)
    assert "has no context 'x'; add it under contexts" == refused(bare, "x")
    assert "is not YAML; name a kubeconfig" == refused(broken)
    assert "is no kubeconfig; name one that kubectl takes" == refused(text)
    assert "no such file or directory; name a kubeconfig that can be read" == refused(tmp_path / "away.conf")


def test_inside_a_cluster(authority: Any, tmp_path: Path) -> None:
    """The service account says where the server is, whom to trust and who asks; its token is read for each request."""
    (tmp_path / "token").write_text("first")
    (tmp_path / "ca.crt").write_bytes(authority.certificate.read_bytes())
    cluster = inside({"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "6443"}, tmp_path)
    six = inside({"KUBERNETES_SERVICE_HOST": "fd00::1"}, tmp_path)
    (tmp_path / "token").write_text("second")

    assert ("https://10.96.0.1:6443", "https://[fd00::1]:443") == (cluster.server, six.server)
    assert {"Authorization": "Bearer second"} == cluster.headers()
    assert 1 == len(cluster.context.get_ca_certs() if cluster.context else ())


@pytest.mark.parametrize(
    ("environ", "files", "problem"),
    [
        ({}, {}, "kubernetes: this is not inside a cluster; name a kubeconfig_file"),
        (
            {"KUBERNETES_SERVICE_HOST": "k"},
            {},
            "token: no such file; set automountServiceAccountToken: true on the pod",
        ),
        ({"KUBERNETES_SERVICE_HOST": "k"}, {"token": "t"}, "ca.crt: no such file or directory; mount the cluster's CA"),
        ({"KUBERNETES_SERVICE_HOST": "k"}, {"token": "t", "ca.crt": "x"}, "ca.crt: "),
    ],
)
def test_not_quite_inside_a_cluster(environ: Any, files: Any, problem: str, tmp_path: Path) -> None:
    """What a service account lacks is named with what to do."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(DiscoveryError, match=problem.replace("(", r"\(")):
        inside(environ, tmp_path)


def test_a_token_of_two_lines_is_never_shown(tmp_path: Path) -> None:
    """A token that could not stand in a header is refused without its text."""
    (tmp_path / "token").write_text("hunter2\nhunter3")

    with pytest.raises(DiscoveryError) as caught:
        Cluster("http://k", token_file=tmp_path / "token").headers()

    assert f"{tmp_path / 'token'}: is not one line of ASCII; write the token anew" == str(caught.value)


@pytest.mark.parametrize("inline", [True, False])
def test_tls_with_a_client_certificate(write: Write, authority: Any, tmp_path: Path, server: Any, inline: bool) -> None:
    """The certificates of a kubeconfig, in it or beside it, are those that the connection is made with."""
    certificate, key = authority.issue("server", tmp_path)
    own, own_key = authority.issue("watcher", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    parts = {"certificate-authority": authority.certificate, "client-certificate": own, "client-key": own_key}
    told = {
        (f"{name}-data" if inline else name): base64.b64encode(path.read_bytes()).decode() if inline else str(path)
        for name, path in parts.items()
    }

    async def scenario() -> tuple[str, ...]:
        async with server.serve(context) as url:
            await server.put(apiserver.pod("a"))
            user = {name: value for name, value in told.items() if name.startswith("client")}
            trusted = {name: value for name, value in told.items() if not name.startswith("client")}
            path = write(user, server=url, **trusted)
            source = KubernetesDiscovery(
                KubernetesSource(namespaces=("llm",)), "kubernetes", lambda: from_kubeconfig(path, None)
            )
            try:
                return tuple(target.worker for target in (await source.find()).targets)
            finally:
                await source.aclose()

    assert ("a",) == asyncio.run(scenario())


def test_a_server_that_is_not_trusted(
    write: Write, new_authority: Any, authority: Any, tmp_path: Path, server: Any
) -> None:
    """A certificate of another authority is refused in one line."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server", tmp_path))

    async def scenario() -> str:
        async with server.serve(context) as url:
            path = write({}, server=url, **{"certificate-authority": str(new_authority().certificate)})
            source = KubernetesDiscovery(KubernetesSource(), "kubernetes", lambda: from_kubeconfig(path, None))
            try:
                with pytest.raises(DiscoveryError) as caught:
                    await source.find()
                return str(caught.value)
            finally:
                await source.aclose()

    said = asyncio.run(scenario())

    assert "certificate verify failed" in said
    assert 1 == len(said.splitlines())
