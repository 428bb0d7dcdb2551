"""The cards of all workers, from the folder of the file backend or from etcd."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pdwatch.config.places import DynamoSource
from pdwatch.discover.dynamo.records import CARDS, is_of, target_of
from pdwatch.discover.source import DiscoveryError, Found
from pdwatch.model.target import Target

MAX_CARD_BYTES = 4 * 1024**2


class Cards(Protocol):
    """Where cards are."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    async def read(self) -> Mapping[str, bytes]:
        """Return every card by its key. Raises `DiscoveryError`."""
        ...

    async def aclose(self) -> None:
        """Close what it holds open."""
        ...


class CardFiles:
    """The folder of the file backend, `DYN_FILE_KV`."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder / CARDS

    async def read(self) -> Mapping[str, bytes]:
        """Return every card by the name of its file."""
        return await asyncio.to_thread(self._read)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _read(self) -> Mapping[str, bytes]:
        if not self._folder.is_dir():
            raise DiscoveryError(f"{self._folder}: no such folder; name that of DYN_FILE_KV, once a worker has begun")
        cards = {}
        for path in sorted(self._folder.iterdir()):
            try:
                with path.open("rb") as file:
                    cards[path.name] = file.read(MAX_CARD_BYTES)
            except FileNotFoundError:
                continue  # its worker has just ended
            except OSError as error:
                raise DiscoveryError(f"{path}: {(error.strerror or str(error)).lower()}; let it be read") from error
        return cards


class DynamoDiscovery:
    """The workers whose cards there are. A card that is written at the moment keeps its worker as it was."""

    def __init__(self, entry: DynamoSource, cards: Cards) -> None:
        self.name = f"dynamo {cards.name}"
        self.refresh = entry.refresh
        self._entry = entry
        self._cards = cards
        self._known: dict[str, Target] = {}

    async def find(self) -> Found:
        """Return the workers in order of their cards. Raises `DiscoveryError`."""
        cards = await self._cards.read()
        known: dict[str, Target] = {}
        problem = None
        for key, text in sorted(cards.items()):
            try:
                if is_of(text, self._entry.namespaces):
                    known[key] = target_of(text, self._entry.service, self.name)
            except ValueError as error:
                problem = f"{self._cards.name}: {key}: {error}"
                if key in self._known:
                    known[key] = self._known[key]
        self._known = known
        by_url = {target.url: target for target in reversed(known.values())}
        return Found(tuple(by_url[url] for url in sorted(by_url)), problem)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._cards.aclose()
