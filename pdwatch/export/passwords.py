"""Basic auth against bcrypt hashes."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping

import bcrypt
from starlette.concurrency import run_in_threadpool

_SCHEME = "basic"
_BCRYPT_BYTES = 72
"""bcrypt reads no more of a password; tools that make hashes cut it there too."""


class Passwords:
    """Knows who may come in.

    bcrypt is slow on purpose, so the password of each user that was right is remembered, as a digest with a key that
    lives in this object alone: one a user at most. Wrong ones are not, so that guessing never gets cheaper and never
    pushes out a right one. One bcrypt runs at a time, so that guessing takes no more than one core.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        """*users* are bcrypt hashes by user name; at least one."""
        self._hashes = {name: hashed.encode() for name, hashed in users.items()}
        self._decoys = tuple(self._hashes.values())
        self._key = secrets.token_bytes(32)
        self._proven: dict[str, bytes] = {}
        self._turn = asyncio.Lock()

    async def admits(self, authorization: str | None) -> bool:
        """Whether the value of an `Authorization` header names a user and the right password."""
        credentials = basic_credentials(authorization or "")
        if credentials is None:
            return False
        user, password = credentials
        digest = self._digest(password)
        if self._is_proven(user, digest):
            return True
        async with self._turn:
            return self._is_proven(user, digest) or await self._prove(user, password, digest)

    async def _prove(self, user: str, password: bytes, digest: bytes) -> bool:
        known = self._hashes.get(user)
        hashed = self._decoy(user) if known is None else known
        right = await run_in_threadpool(bcrypt.checkpw, password[:_BCRYPT_BYTES], hashed)
        if known is None or not right:
            return False
        self._proven[user] = digest
        return True

    def _decoy(self, user: str) -> bytes:
        """Return the hash that an unknown user is compared with, always the same, so that time tells nothing."""
        digest = self._digest(user.encode())
        return self._decoys[int.from_bytes(digest, "big") % len(self._decoys)]

    def _is_proven(self, user: str, digest: bytes) -> bool:
        return hmac.compare_digest(self._proven.get(user, b""), digest)

    def _digest(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")


def basic_credentials(authorization: str) -> tuple[str, bytes] | None:
    """Return user and password of an `Authorization` header (RFC 7617, UTF-8); None where it holds none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != _SCHEME:
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None
