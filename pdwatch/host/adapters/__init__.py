"""Pages that tell of a host -> `HostReading`. `ADAPTERS` is tried in order.

To add an exporter: one file with an `ADAPTER`, one line here, a page of it under `tests/host/adapters/pages/`.
"""

from __future__ import annotations

from pdwatch.host.adapters import agent, dcgm, node
from pdwatch.host.adapters.adapter import Adapter
from pdwatch.host.adapters.samples import Samples
from pdwatch.model.host import HostReading
from pdwatch.model.page import Page

ADAPTERS: tuple[Adapter, ...] = (agent.ADAPTER, dcgm.ADAPTER, node.ADAPTER)


def wants(name: str) -> bool:
    """Tell whether any reading needs samples of this name; the others need not be parsed."""
    return any(adapter.wants(name) for adapter in ADAPTERS)


def read(page: Page, host: str, at: float) -> HostReading | None:
    """Return what a page tells of *host* at *at* (Unix seconds), by the first adapter that recognises it.

    `None` for a page that none recognises. Raises `ValueError` with one line for a page that contradicts itself.
    """
    samples = Samples(page)
    adapter = next((adapter for adapter in ADAPTERS if adapter.recognises(samples)), None)
    if adapter is None:
        return None
    try:
        return adapter.read(samples, host, at)
    except KeyError as missing:
        raise ValueError(f"is no page of {adapter.origin}: a series lacks {missing}") from missing
