"""One file per engine family: its names on a page -> readings. `FAMILIES` is tried in order.

To add a family: one file with a `FAMILY`, one line here, its recorded pages under `tests/pages/`.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from pdwatch.engines import vllm, vllm_router
from pdwatch.engines.family import Extraction, Family
from pdwatch.engines.unknown import UNKNOWN
from pdwatch.model.page import Layout, Page
from pdwatch.model.reading import PageReading

FAMILIES: tuple[Family, ...] = (vllm.FAMILY, vllm_router.FAMILY)

_extractions: WeakKeyDictionary[Layout, Extraction] = WeakKeyDictionary()


def wants(name: str) -> bool:
    """Tell whether any reading needs samples of this name; the others need not be parsed."""
    return UNKNOWN.wants(name) or any(family.wants(name) for family in FAMILIES)


def read(page: Page, at: float) -> PageReading:
    """Return what a page tells, by the first family that recognises it. Never fails for an unknown or missing name."""
    extraction = _extractions.get(page.layout)
    if extraction is None:
        family = next((family for family in FAMILIES if family.recognises(page.layout)), UNKNOWN)
        extraction = _extractions[page.layout] = family.extraction(page.layout)
    return extraction.read(page, at)
