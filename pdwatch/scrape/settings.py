"""How targets are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Limits, credentials and TLS of every request to a target."""

    timeout: float = 3.0
    """Seconds from the first byte sent to the last byte of the answer."""
    max_body: int = 16 * 1024 * 1024
    """Bytes of an answer, before and after decompression."""
    concurrency: int = 1024
    """Requests under way at once; a slow target holds one until its timeout."""
    bearer_token_file: Path | None = None
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    """Authorities to trust; without it those of the system."""
    cert_file: Path | None = None
    key_file: Path | None = None
    insecure_skip_verify: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    """Added to every request."""
