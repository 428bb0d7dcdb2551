"""Golden files: `pytest --golden-update` rewrites them, and the diff is reviewed like code. Certificates for TLS."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--golden-update`."""
    parser.addoption("--golden-update", action="store_true", help="rewrite the golden files with what the code gives")


class Golden:
    """Compares whole outputs with the files below `tests/golden`."""

    def __init__(self, folder: Path, update: bool) -> None:
        self.folder = folder
        self.update = update

    def check(self, name: str, content: bytes) -> None:
        """Hold that *content* is the file *name*, byte for byte."""
        path = self.folder / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        expected = path.read_bytes() if path.exists() else b""

        assert expected.decode() == content.decode(), f"{name} differs; if that is meant, run pytest --golden-update"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The golden files."""
    return Golden(GOLDEN, update=bool(request.config.getoption("--golden-update")))


class Authority:
    """Signs certificates that are good for localhost and 127.0.0.1, and for clients."""

    def __init__(self, openssl: str, folder: Path) -> None:
        self._openssl = openssl
        self.certificate, self._key = folder / "authority.pem", folder / "authority.key"
        self._make(self.certificate, self._key, "authority", "-addext", "basicConstraints=critical,CA:true")

    def issue(self, name: str, folder: Path) -> tuple[Path, Path]:
        """Write a certificate with the common name *name* and its key; return both paths."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        names = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=CA:false")
        self._make(certificate, key, name, "-CA", str(self.certificate), "-CAkey", str(self._key), *names)
        return certificate, key

    def _make(self, certificate: Path, key: Path, name: str, *more: str) -> None:
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key))
        command = (self._openssl, "req", "-x509", "-days", "30", "-subj", f"/CN={name}", "-out", str(certificate))
        subprocess.run([*command, *new_key, *more], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="session")
def new_authority(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Authority]:
    """Make an authority of one's own."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    return lambda: Authority(openssl, tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def authority(new_authority: Callable[[], Authority]) -> Authority:
    """An authority that the tests trust."""
    return new_authority()
