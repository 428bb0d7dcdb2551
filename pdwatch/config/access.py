"""How an HTTP endpoint is reached: authorization, basic auth and TLS, named as in Prometheus."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from pdwatch.config.types import File, Secret, Settings, Switch, Text

SECRET_KEYS = {"credentials": "credentials_file", "password": "password_file"}
"""Keys that hold a secret itself, refused in the file, and the key that names a file with it."""


class Authorization(Settings):
    """The `Authorization` header of each request."""

    type: Text = "Bearer"
    """Scheme of the header."""
    credentials_file: File | None = None
    """File with the token, read again for each use, so that a rotated token is taken up."""
    credentials: Secret | None = None
    """The token itself; by environment only."""

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if (self.credentials_file is None) == (self.credentials is None):
            raise ValueError("needs exactly one token; name its file with credentials_file")
        return self


class BasicAuth(Settings):
    """User name and password of each request."""

    username: Text
    """User name."""
    password_file: File | None = None
    """File with the password, read again for each use."""
    password: Secret | None = None
    """The password itself; by environment only."""

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if (self.password_file is None) == (self.password is None):
            raise ValueError("needs exactly one password; name its file with password_file")
        return self


class Tls(Settings):
    """TLS of the client side."""

    ca_file: File | None = None
    """Certificates that the server's certificate is checked against, instead of the system's."""
    cert_file: File | None = None
    """Certificate that the client shows."""
    key_file: File | None = None
    """Key of `cert_file`."""
    insecure_skip_verify: Switch = False
    """Whether the server's certificate goes unchecked."""

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together; give both or neither")
        return self


class HttpAccess(Settings):
    """What every HTTP client of the configuration may set."""

    authorization: Authorization | None = None
    """The `Authorization` header of each request."""
    basic_auth: BasicAuth | None = None
    """User name and password of each request; not beside `authorization`."""
    tls: Tls = Tls()
    """TLS of the client side."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.authorization is not None and self.basic_auth is not None:
            raise ValueError("authorization and basic_auth exclude each other; keep one")
        return self
