"""Keys and values of etcd by its JSON gateway, which only reads here.

`POST /v3/kv/range` with keys and values in base64 is the same from etcd 3.4 on. A user logs in for each look: tokens of
etcd end within minutes.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from pdwatch.config.client import login
from pdwatch.config.places import DynamoSource
from pdwatch.discover.dynamo.records import CARDS
from pdwatch.discover.http import JsonClient
from pdwatch.discover.source import DiscoveryError

PAGE_KEYS = 500
_JSON = {"Content-Type": "application/json"}


class EtcdCards:
    """The cards in one etcd."""

    def __init__(self, entry: DynamoSource, url: str) -> None:
        self.name = url
        self._entry = entry
        self._client = JsonClient(entry.model_copy(update={"basic_auth": None}))

    async def read(self) -> Mapping[str, bytes]:
        """Return every card by its key."""
        headers = {**_JSON, **await self._token()}
        cards: dict[str, bytes] = {}
        first, end, more = CARDS.encode(), (CARDS[:-1] + chr(ord(CARDS[-1]) + 1)).encode(), True
        while more:
            answer = await self._post("/v3/kv/range", _range(first, end), headers)
            page = _pairs(answer, self.name)
            cards |= {key.decode(errors="replace").removeprefix(CARDS): value for key, value in page.items()}
            more = bool(answer.get("more")) and bool(page)
            first = max(page, default=first) + b"\0"
        return cards

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _token(self) -> dict[str, str]:
        try:
            pair = login(self._entry)
        except (OSError, ValueError) as error:
            raise DiscoveryError(f"{self.name}: its credentials cannot be used ({error}); mend their file") from error
        if pair is None:
            return {}
        answer = await self._post("/v3/auth/authenticate", {"name": pair[0], "password": pair[1]}, _JSON)
        return {"Authorization": str(answer.get("token", ""))}

    async def _post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Mapping[str, Any]:
        text = await self._client.post(f"{self.name}{path}", json.dumps(body).encode(), headers)
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise DiscoveryError(f"{self.name}: answers what is no JSON; name the client URL of etcd")
        return answer


def _range(first: bytes, end: bytes) -> Mapping[str, Any]:
    return {"key": _text(first), "range_end": _text(end), "limit": PAGE_KEYS}


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _pairs(answer: Mapping[str, Any], name: str) -> dict[bytes, bytes]:
    """Return keys and values of an answer; one without keys leaves them out. Raises `DiscoveryError`."""
    try:
        return {base64.b64decode(one["key"]): base64.b64decode(one.get("value", "")) for one in answer.get("kvs", ())}
    except (binascii.Error, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DiscoveryError(f"{name}: answers in a shape that is not etcd's; name the client URL of etcd") from error
