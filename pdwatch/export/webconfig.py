"""The web configuration file of the Prometheus exporter-toolkit: what pdwatch takes of it, and what it refuses.

Format: `docs/web-configuration.md` of github.com/prometheus/exporter-toolkit. A setting that cannot be kept to the
letter is refused by name, because one that is silently ignored leaves a door open that its owner believes shut.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pdwatch.export.websection import Section, read_top

SECTIONS = ("tls_server_config", "http_server_config", "basic_auth_users")
TLS_KEYS = (
    "cert_file",
    "key_file",
    "client_ca_file",
    "client_auth_type",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
)
UNSUPPORTED_SECTIONS = {"rate_limit": "remove it, and limit requests in a proxy in front"}
UNSUPPORTED_TLS_KEYS = {
    "cert": "write the certificate into a file and name it in cert_file",
    "key": "write the key into a file and name it in key_file",
    "client_ca": "write the certificate into a file and name it in client_ca_file",
    "client_allowed_sans": "remove it, and let client_ca_file sign only those who may come in",
    "curve_preferences": "remove it; OpenSSL chooses the curve",
}

CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
UNVERIFIED_CLIENT_AUTH = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
"""Take certificates that nobody has signed, which OpenSSL's verification cannot express."""

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
OBSOLETE_VERSIONS = ("TLS10", "TLS11")

TLS12_SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""Suites of TLS 1.2 by the names of the IANA and of Go's `tls.CipherSuites`, and by those of OpenSSL."""
TLS13_SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""Accepted without effect, as in Go: all of them are always on in TLS 1.3."""

HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
"""Headers that may be set, and their values where those are limited."""

_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
"""The last sign of a salt holds two bits, so that it is one of four."""


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """How connections are encrypted and who may open one."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None
    client_auth: ssl.VerifyMode
    min_version: ssl.TLSVersion
    max_version: ssl.TLSVersion
    cipher_suites: tuple[str, ...]
    """Suites of TLS 1.2 by OpenSSL's names; empty for OpenSSL's choice."""
    prefer_server_cipher_suites: bool
    written: Section = field(compare=False)
    """Where it was written, for messages about its files."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it names."""
        return tuple(path for path in (self.cert_file, self.key_file, self.client_ca_file) if path is not None)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What a web configuration file asks for."""

    tls: TlsConfig | None = None
    """None for plain HTTP."""
    http2: bool | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that every answer carries."""
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    """bcrypt hashes by user name; empty where nobody is asked for a password."""


def parse_web_config(text: str, path: Path) -> WebConfig:
    """Return what *text* of the file *path* asks for, file names relative to *path*. Raises `WebConfigError`."""
    top = read_top(text, str(path))
    top.refuse_unknown(SECTIONS, UNSUPPORTED_SECTIONS)
    http = top.section("http_server_config")
    http.refuse_unknown(("http2", "headers"))
    tls = top.section("tls_server_config")
    return WebConfig(
        tls=_tls(tls, path.parent) if tls else None,
        http2=http.flag("http2"),
        headers=_headers(http.section("headers")),
        users=_users(top.section("basic_auth_users")),
    )


def _tls(section: Section, folder: Path) -> TlsConfig:
    section.refuse_unknown(TLS_KEYS, UNSUPPORTED_TLS_KEYS)
    minimum, maximum = _version(section, "min_version", "TLS12"), _version(section, "max_version", "TLS13")
    if minimum > maximum:
        raise section.error("min_version", "is above max_version", "swap them, or leave out both")
    ca = _file(section, "client_ca_file", folder)
    prefer = section.flag("prefer_server_cipher_suites")
    return TlsConfig(
        cert_file=_needed_file(section, "cert_file", folder),
        key_file=_needed_file(section, "key_file", folder),
        client_ca_file=ca,
        client_auth=_client_auth(section, ca is not None),
        min_version=minimum,
        max_version=maximum,
        cipher_suites=_suites(section, minimum),
        prefer_server_cipher_suites=prefer is not False,
        written=section,
    )


def _needed_file(section: Section, key: str, folder: Path) -> Path:
    path = _file(section, key, folder)
    if path is None:
        raise section.error(key, "is missing", f"name a file in PEM format as {key}: FILE")
    return path


def _file(section: Section, key: str, folder: Path) -> Path | None:
    name = section.text(key) or ""
    if not name.isprintable():
        raise section.error(key, "holds a sign that no file name should", "name the file with printable signs")
    return folder / name if name else None


def _client_auth(section: Section, has_ca: bool) -> ssl.VerifyMode:
    key = "client_auth_type"
    if section.text(key) in UNVERIFIED_CLIENT_AUTH:
        problem = "takes certificates that nobody has signed, which is not supported by pdwatch"
        raise section.error(key, problem, "use RequireAndVerifyClientCert with client_ca_file")
    mode = CLIENT_AUTH[section.word(key, tuple(CLIENT_AUTH), "NoClientCert")]
    if mode is not ssl.CERT_NONE and not has_ca:
        raise section.error(key, "has nothing to verify with", "name the signer in client_ca_file")
    if mode is ssl.CERT_NONE and has_ca:
        mend = "add client_auth_type: RequireAndVerifyClientCert"
        raise section.error("client_ca_file", "is never used without client_auth_type", mend)
    return mode


def _version(section: Section, key: str, default: str) -> ssl.TLSVersion:
    if section.text(key) in OBSOLETE_VERSIONS:
        raise section.error(key, "is obsolete and not supported by pdwatch", "choose TLS12 or TLS13")
    return VERSIONS[section.word(key, tuple(VERSIONS), default)]


def _suites(section: Section, minimum: ssl.TLSVersion) -> tuple[str, ...]:
    key = "cipher_suites"
    names = section.texts(key)
    known = (*TLS13_SUITES, *TLS12_SUITES)
    if not set(names) <= set(known):
        raise section.error(key, "names an unknown suite", f"choose from {', '.join(known)}")
    suites = tuple(TLS12_SUITES[name] for name in names if name in TLS12_SUITES)
    if names and not suites and minimum is not ssl.TLSVersion.TLSv1_3:
        raise section.error(key, "names no suite of TLS 1.2", "add one, or set min_version: TLS13")
    return suites


def _headers(section: Section) -> dict[str, str]:
    section.refuse_unknown(tuple(HEADERS))
    headers: dict[str, str] = {}
    for name, allowed in HEADERS.items():
        value = section.text(name)
        if not value:
            continue
        if not (value.isascii() and value.isprintable()):
            raise section.error(name, "holds what no header can carry", "write printable ASCII")
        headers[name] = section.word(name, allowed, value) if allowed else value
    return headers


def _users(section: Section) -> dict[str, str]:
    users: dict[str, str] = {}
    for name in section.nodes:
        if ":" in name:
            raise section.error(name, "holds a colon, which ends a user name in basic auth", "choose another name")
        hashed = section.text(name)
        if hashed is None or not _BCRYPT.fullmatch(hashed):
            raise section.error(name, "is no bcrypt hash", "make one with: htpasswd -nBC 10 USER")
        users[name] = hashed
    return users
