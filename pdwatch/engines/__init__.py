"""One file per engine family: its names on a page -> readings.

A page may hold several: an engine, the platform that it runs in, KV layers. What each gives is told with its source.
To add a family: one file with a `FAMILY`, one line here, its pages under `tests/pages/`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from weakref import WeakKeyDictionary

from pdwatch.engines import aibrix, dynamo, sglang, trtllm, vllm
from pdwatch.engines.family import PROCESS_START, Extraction, Family
from pdwatch.engines.fronts import llmd, ray, sglang_router, trtllm_disagg, vllm_router
from pdwatch.engines.layers import lmcache, mooncake, nixl
from pdwatch.engines.origin import Origin, parts
from pdwatch.engines.part import Part, part
from pdwatch.engines.repeats import Repeating, repeats
from pdwatch.model.page import Layout, Page
from pdwatch.model.reading import Behind, PageReading

FAMILIES: tuple[Family, ...] = (
    vllm.FAMILY,
    sglang.FAMILY,
    trtllm.FAMILY,
    aibrix.FAMILY,
    dynamo.WORKER,
    nixl.FAMILY,
    mooncake.FAMILY,
    lmcache.FAMILY,
    dynamo.FRONTEND,
    vllm_router.FAMILY,
    sglang_router.FAMILY,
    llmd.FAMILY,
    llmd.SIDECAR,
    trtllm_disagg.FAMILY,
    aibrix.GATEWAY,
    ray.FAMILY,
)
"""In order of preference among those of one kind."""

_extractions: WeakKeyDictionary[Layout, Extraction] = WeakKeyDictionary()


@cache
def wanted() -> frozenset[str]:
    """Return the names of all samples that any reading needs."""
    names = {PROCESS_START}
    for family in FAMILIES:
        names.update(family.table.sample_names, family.info)
    return frozenset(names)


def wants(name: str) -> bool:
    """Tell whether any reading needs samples of this name; the others need not be parsed."""
    return name in wanted()


def read(page: Page, at: float) -> PageReading:
    """Return what a page tells, by the families that recognise it. Never fails for an unknown or missing name."""
    extraction = _extractions.get(page.layout)
    if extraction is None:
        extraction = _extractions[page.layout] = _extraction(page.layout)
    return extraction.read(page, at)


@dataclass(frozen=True, slots=True, eq=False)
class _Joint:
    """A page that speaks for several workers."""

    own: Extraction
    behind: tuple[tuple[Origin, Part], ...]

    def read(self, page: Page, at: float) -> PageReading:
        others = tuple(
            Behind(origin.name, other.read(page, at), origin.url, origin.replica) for origin, other in self.behind
        )
        return replace(self.own.read(page, at), behind=others)


def _extraction(layout: Layout) -> Extraction:
    pairs = repeats(layout)
    view, others = parts(layout, without={again for _, again in pairs})
    made: Extraction = part(view, layout.types, FAMILIES, alone=not others)
    if others:
        behind = ((o, _with_role(o, part(v, layout.types, FAMILIES))) for o, v in others.items())
        made = _Joint(made, tuple(behind))
    return Repeating(made, pairs, layout.series) if pairs else made


def _with_role(origin: Origin, worker: Part) -> Part:
    """Return the part with the role that the page tells beside the worker's name."""
    return replace(worker, told=replace(worker.told, role=origin.role)) if origin.role is not None else worker
