"""From a kubeconfig to its cluster: contexts, CA, client certificates, tokens.

Programs that a kubeconfig names (`exec`, `auth-provider`) are never run: pdwatch watches, and starts nothing.
"""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pdwatch.config.errors import listed, shown
from pdwatch.config.urls import service_url
from pdwatch.discover.kubernetes.access import Cluster
from pdwatch.discover.source import DiscoveryError

_PROGRAMS = ("exec", "auth-provider")
_UNSUPPORTED = {"cluster": ("proxy-url", "tls-server-name"), "user": ("as", "as-uid", "as-groups", "as-user-extra")}

Entry = Mapping[str, Any]


def from_kubeconfig(path: Path, context: str | None) -> Cluster:
    """Return the cluster of a context, by default the current one. Raises `DiscoveryError`, which shows no secret."""
    file = _File(path)
    name = context or str(file.content.get("current-context") or "")
    if not name:
        raise file.error("names no current-context", "name one with context")
    chosen = file.entry("contexts", "context", name)
    cluster = file.entry("clusters", "cluster", str(chosen.get("cluster") or ""))
    user = file.entry("users", "user", str(chosen["user"])) if chosen.get("user") else {}
    file.refuse(cluster, user)
    token_file = user.get("tokenFile")
    return Cluster(
        server=file.server(cluster),
        context=file.tls(cluster, user),
        token=str(user.get("token") or "") if not token_file else "",
        token_file=file.beside(token_file) if token_file else None,
        extra=_basic(user),
    )


class _File:
    """One kubeconfig, and the words for what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = (getattr(error, "strerror", None) or "is not UTF-8").lower()
            raise self.error(reason, "name a kubeconfig that can be read") from error
        except (yaml.YAMLError, RecursionError) as error:
            raise self.error("is not YAML", "name a kubeconfig") from error
        if not isinstance(content, dict):
            raise self.error("is no kubeconfig", "name one that kubectl takes")
        self.content: Entry = content

    def error(self, problem: str, mend: str) -> DiscoveryError:
        return DiscoveryError(f"{self.path}: {problem}; {mend}")

    def entry(self, kind: str, key: str, name: str) -> Entry:
        """Return what the file says under `KEY` of the entry of that name in the list *kind*."""
        entries = self.content.get(kind)
        known = {
            str(entry.get("name")): entry.get(key) or {}
            for entry in (entries if isinstance(entries, list) else ())
            if isinstance(entry, dict)
        }
        found = known.get(name)
        if not isinstance(found, dict):
            mend = f"name one of {listed(sorted(known))}" if known else f"add it under {kind}"
            raise self.error(f"has no {key} {shown(name)}", mend)
        return found

    def refuse(self, cluster: Entry, user: Entry) -> None:
        """Raise where the file asks for something that is not done, rather than leave it out."""
        for key in _PROGRAMS:
            if user.get(key):
                raise self.error(
                    f"has {key}, a program to ask for a token, and pdwatch runs none",
                    "use a kubeconfig with a token, tokenFile or client certificate",
                )
        for kind, entry in (("cluster", cluster), ("user", user)):
            for key in _UNSUPPORTED[kind]:
                if entry.get(key):
                    raise self.error(f"sets {key}, which is not supported", "use a kubeconfig without it")

    def server(self, cluster: Entry) -> str:
        try:
            return service_url(str(cluster.get("server") or ""))
        except ValueError as error:
            raise self.error(f"has a cluster whose server {str(error).partition(';')[0]}", "write its URL") from error

    def beside(self, name: object) -> Path:
        """Return a path that the file names, relative to its own folder."""
        return self.path.parent / str(name)

    def tls(self, cluster: Entry, user: Entry) -> ssl.SSLContext | None:
        """Return the context for https, with the CA of the cluster and the certificate of the user."""
        if not str(cluster.get("server")).startswith("https:"):
            return None
        try:
            context = self._trusting(cluster)
            certificate, key = self._bytes(user, "client-certificate"), self._bytes(user, "client-key")
            if certificate and key:
                _load(context, certificate, key)
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise self.error(f"has certificates that cannot be used ({reason})", "write them anew") from error
        return context

    def _trusting(self, cluster: Entry) -> ssl.SSLContext:
        authority = self._bytes(cluster, "certificate-authority")
        context = ssl.create_default_context(cadata=authority.decode("ascii") if authority else None)
        if cluster.get("insecure-skip-tls-verify") is True:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _bytes(self, entry: Entry, key: str) -> bytes:
        """Return what stands under `KEY-data`, or in the file under `KEY`. Raises `OSError` or `ValueError`."""
        if data := entry.get(f"{key}-data"):
            try:
                return base64.b64decode(str(data), validate=False)
            except binascii.Error as error:
                raise ValueError(f"{key}-data is no base64") from error
        return self.beside(entry[key]).read_bytes() if entry.get(key) else b""


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Take a certificate with its key into a context; OpenSSL takes both from a file only, which nobody else reads."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate + b"\n" + key)
        file.flush()
        context.load_cert_chain(file.name)


def _basic(user: Entry) -> Mapping[str, str]:
    if not user.get("username"):
        return {}
    pair = f"{user['username']}:{user.get('password', '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
