"""What the transport shows to targets to be let in: tokens, passwords, certificates. Secrets come from files only."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

from pdwatch.scrape.settings import TransportSettings


class CredentialsError(ValueError):
    """A secret or certificate of our own that cannot be used; its text names the file and the mend."""


class SecretFile:
    """The one line of a file, read anew when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._secret = ""

    def read(self) -> str:
        """Return the secret; raises `CredentialsError`."""
        try:
            stat = self._path.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen != self._seen:
                self._secret, self._seen = self._path.read_text(encoding="utf-8").strip(), seen
        except OSError as error:
            raise CredentialsError(f"cannot read the secret in {self._path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise CredentialsError(f"the secret in {self._path} is not text") from error
        if not (self._secret.isascii() and self._secret.isprintable()):
            raise CredentialsError(f"the secret in {self._path} must be one line of ASCII")
        return self._secret


class Credentials:
    """The `Authorization` header of the settings, always of the current content of its file."""

    def __init__(self, settings: TransportSettings) -> None:
        self._username = settings.username
        self._token = SecretFile(settings.bearer_token_file) if settings.bearer_token_file else None
        self._password = SecretFile(settings.password_file) if settings.password_file else None

    @property
    def configured(self) -> bool:
        """Whether anything is shown to targets."""
        return self._token is not None or bool(self._username)

    def headers(self) -> dict[str, str]:
        """Return the headers to add to a request; raises `CredentialsError`."""
        if self._token is not None:
            return {"Authorization": f"Bearer {self._token.read()}"}
        if self._username:
            password = self._password.read() if self._password is not None else ""
            pair = base64.b64encode(f"{self._username}:{password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {}


def tls_context(settings: TransportSettings) -> ssl.SSLContext:
    """Return the TLS context of the settings; raises `CredentialsError` where a file of theirs cannot be used."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        files = [str(path) for path in (settings.ca_file, settings.cert_file, settings.key_file) if path is not None]
        raise CredentialsError(f"cannot use the TLS files {', '.join(files)}: {error.strerror or error}") from error
    if settings.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
