"""What an HTTP client needs, made from its `HttpAccess`: request headers and the TLS context."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

from pydantic import SecretStr

from pdwatch.config.access import HttpAccess, Tls


def request_headers(access: HttpAccess) -> dict[str, str]:
    """Return the `Authorization` header, empty where none is set.

    Files are read on each call. Raises `OSError` for a file that cannot be read and `ValueError` for one that holds no
    secret.
    """
    if access.authorization is not None:
        entry = access.authorization
        return {"Authorization": f"{entry.type} {_secret(entry.credentials, entry.credentials_file)}"}
    pair = login(access)
    if pair is not None:
        return {"Authorization": f"Basic {base64.b64encode(':'.join(pair).encode()).decode()}"}
    return {}


def login(access: HttpAccess) -> tuple[str, str] | None:
    """Return user name and password of basic auth, None where none is set. Raises as `request_headers` does."""
    if access.basic_auth is None:
        return None
    entry = access.basic_auth
    return entry.username, _secret(entry.password, entry.password_file)


def ssl_context(tls: Tls) -> ssl.SSLContext:
    """Return the client's TLS context. Raises `OSError` (`ssl.SSLError` is one) for a file that cannot be used."""
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _secret(value: SecretStr | None, file: Path | None) -> str:
    if value is not None:
        return _one_line(value.get_secret_value(), "the environment")
    return _one_line(file.read_text(encoding="utf-8"), str(file)) if file is not None else ""


def _one_line(text: str, where: str) -> str:
    """Return the secret without blanks around it; an error about it never shows it."""
    secret = text.strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        raise ValueError(f"the secret of {where} is not one line of ASCII")
    return secret
