"""What an adapter offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pdwatch.host.adapters.samples import Samples
from pdwatch.model.host import HostOrigin, HostReading


@dataclass(frozen=True, slots=True)
class Adapter:
    """How the pages of one kind of exporter become readings."""

    origin: HostOrigin
    prefixes: tuple[str, ...]
    """Beginnings of the names that a reading needs."""
    recognises: Callable[[Samples], bool]
    read: Callable[[Samples, str, float], HostReading]
    """From samples, name of the host and Unix time of the scrape."""

    def wants(self, name: str) -> bool:
        """Tell whether a reading needs samples of this name."""
        return name.startswith(self.prefixes)
