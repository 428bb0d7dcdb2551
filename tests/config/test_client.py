"""Headers and TLS contexts for the HTTP clients."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr

from pdwatch.config.access import Authorization, BasicAuth, HttpAccess, Tls
from pdwatch.config.client import request_headers, ssl_context


def test_no_way_in_is_no_header() -> None:
    """A client without credentials sends none."""
    assert {} == request_headers(HttpAccess())


def test_rotated_token_is_taken_up(tmp_path: Path) -> None:
    """The file of a token is read for each use."""
    token = tmp_path / "token"
    access = HttpAccess(authorization=Authorization(credentials_file=token))

    token.write_text("one\n", encoding="utf-8")
    first = request_headers(access)
    token.write_text("two\n", encoding="utf-8")

    assert {"Authorization": "Bearer one"} == first
    assert {"Authorization": "Bearer two"} == request_headers(access)


def test_basic_auth() -> None:
    """User name and password are sent as RFC 7617 has it."""
    access = HttpAccess(basic_auth=BasicAuth(username="Aladdin", password=SecretStr("open sesame")))

    assert {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="} == request_headers(access)


def test_certificates_are_checked_unless_told_otherwise() -> None:
    """Only `insecure_skip_verify` takes an unknown certificate."""
    assert ssl.CERT_REQUIRED == ssl_context(Tls()).verify_mode
    assert ssl.CERT_NONE == ssl_context(Tls(insecure_skip_verify=True)).verify_mode


def test_broken_certificates_are_an_error(tmp_path: Path) -> None:
    """A file without a certificate is refused when the context is made."""
    broken = tmp_path / "ca.pem"
    broken.write_text("none", encoding="utf-8")

    with pytest.raises(OSError, match=r"NO_CERTIFICATE|PEM"):
        ssl_context(Tls(ca_file=broken))
