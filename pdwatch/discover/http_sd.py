"""Prometheus `http_sd`: a URL that answers with target groups."""

from __future__ import annotations

from pdwatch.config.errors import ConfigError
from pdwatch.config.groups import groups_from_json
from pdwatch.config.sources import HttpSource
from pdwatch.discover.groups import found_in
from pdwatch.discover.http import JsonClient
from pdwatch.discover.source import DiscoveryError, Found


class HttpDiscovery:
    """Target groups of one URL."""

    def __init__(self, source: HttpSource, client: JsonClient) -> None:
        self.name = source.url
        self.refresh = source.refresh
        self._client = client

    async def find(self) -> Found:
        """Return the targets of the answer. Raises `DiscoveryError`."""
        body = await self._client.get(self.name)
        try:
            return found_in(groups_from_json(body, self.name), self.name)
        except ConfigError as error:
            raise DiscoveryError(str(error)) from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
