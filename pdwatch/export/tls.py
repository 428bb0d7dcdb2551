"""TLS of the server: a context from a configuration, and one that always hands on the newest."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Self

from pdwatch.export.webconfig import TlsConfig
from pdwatch.export.websection import WebConfigError

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"


def server_context(config: TlsConfig) -> ssl.SSLContext:
    """Return a context with the certificates as they lie on the disk. Raises `WebConfigError`."""
    _look(config, "cert_file", config.cert_file, _CERTIFICATE, "certificate")
    _look(config, "key_file", config.key_file, _KEY, "private key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = config.min_version, config.max_version
    context.set_alpn_protocols(["http/1.1"])
    _set_suites(context, config)
    _load_pair(context, config)
    if config.client_ca_file is not None:
        _load_authority(context, config, config.client_ca_file)
    context.verify_mode = config.client_auth
    return context


def _set_suites(context: ssl.SSLContext, config: TlsConfig) -> None:
    if not config.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if not config.cipher_suites:
        return
    try:
        context.set_ciphers(":".join(config.cipher_suites))
    except ssl.SSLError as error:
        problem = f"names no suite that {ssl.OPENSSL_VERSION} has on this machine"
        raise config.written.error("cipher_suites", problem, "remove it") from error


def _look(config: TlsConfig, key: str, path: Path, sign: bytes, thing: str) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = f"{path} cannot be read ({error.strerror})"
        raise config.written.error(key, problem, "name a file that pdwatch may read") from error
    if sign not in content:
        raise config.written.error(key, f"{path} holds no {thing}", "give it in PEM format")


def _load_pair(context: ssl.SSLContext, config: TlsConfig) -> None:
    def no_passphrase() -> bytes:
        problem = f"{config.key_file} is encrypted"
        raise config.written.error("key_file", problem, "give a key without a passphrase")

    try:
        context.load_cert_chain(config.cert_file, config.key_file, no_passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            problem = f"{config.key_file} does not belong to the certificate in {config.cert_file}"
            raise config.written.error("key_file", problem, "give the key that it was made with") from error
        problem = f"{config.cert_file} and {config.key_file} cannot be used ({_reason(error)})"
        raise config.written.error("cert_file", problem, "make the pair anew") from error
    except OSError as error:
        raise _vanished(config, "cert_file", error) from error


def _load_authority(context: ssl.SSLContext, config: TlsConfig, path: Path) -> None:
    _look(config, "client_ca_file", path, _CERTIFICATE, "certificate")
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        problem = f"{path} cannot be used ({_reason(error)})"
        raise config.written.error("client_ca_file", problem, "give certificates in PEM format") from error
    except OSError as error:
        raise _vanished(config, "client_ca_file", error) from error


def _vanished(config: TlsConfig, key: str, error: OSError) -> WebConfigError:
    return config.written.error(key, f"cannot be read ({error.strerror})", "name a file that pdwatch may read")


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "damaged").replace("_", " ").lower()


class RenewedContext(ssl.SSLContext):
    """Opens each connection with the newest of the contexts that a function gives.

    Event loops call nothing but `wrap_bio`, once a connection. So one listening socket can change its certificate,
    its clients' authority and its versions without losing a connection.
    """

    def __new__(cls, _newest: Callable[[], ssl.SSLContext | None]) -> Self:
        """Return a context without a certificate of its own."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, newest: Callable[[], ssl.SSLContext | None]) -> None:
        """*newest* is asked once a connection; where it has none, the connection fails."""
        self._newest = newest

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Return the TLS side of one connection."""
        newest = self._newest()
        wrap = super().wrap_bio if newest is None else newest.wrap_bio
        return wrap(incoming, outgoing, server_side, server_hostname, session)
