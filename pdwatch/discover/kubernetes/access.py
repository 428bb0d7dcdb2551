"""How the API server is reached: from inside, by the service account of the own pod, or from outside, by a kubeconfig.

Everything is read anew for each list, and the token for each request: clusters rotate both.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pdwatch.discover.source import DiscoveryError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
HOST, PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


@dataclass(frozen=True, slots=True)
class Cluster:
    """An API server and how to show who asks."""

    server: str
    """URL without a closing slash."""
    context: ssl.SSLContext | None = None
    """For https."""
    token: str = ""
    token_file: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further headers."""

    def headers(self) -> dict[str, str]:
        """Return the headers of a request. Raises `DiscoveryError` for a token that cannot be read."""
        token = self.token
        if self.token_file is not None:
            try:
                token = self.token_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise DiscoveryError(f"{self.token_file}: {_reason(error)}; let the token be read") from error
        if token and not (token.isascii() and token.isprintable()):
            raise DiscoveryError(f"{self.token_file or 'the token'}: is not one line of ASCII; write the token anew")
        return {**self.extra, "Authorization": f"Bearer {token}"} if token else dict(self.extra)


def inside(environ: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Cluster:
    """Return the cluster that this process runs in. Raises `DiscoveryError`."""
    host, port = environ.get(HOST, ""), environ.get(PORT, "443")
    if not host:
        raise DiscoveryError("kubernetes: this is not inside a cluster; name a kubeconfig_file")
    token, authority = account / "token", account / "ca.crt"
    if not token.is_file():
        raise DiscoveryError(
            f"{token}: no such file; set automountServiceAccountToken: true on the pod, see docs/discovery.md"
        )
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise DiscoveryError(f"{authority}: {_reason(error)}; mount the cluster's CA there") from error
    return Cluster(f"https://{f'[{host}]' if ':' in host else host}:{port}", context, token_file=token)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
