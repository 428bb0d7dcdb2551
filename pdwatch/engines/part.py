"""One worker's part of a page, whatever families are on it: an engine, the platform around it, the KV layers below it.

What the engine tells comes first. Platform and layers fill in what it does not, each for the rank that they name, else
for the first. Without an engine, a platform is the worker; layers and front ends are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from pdwatch.engines.extraction import EngineExtraction, engine_extraction
from pdwatch.engines.family import PROCESS_START, Family, Kind, Routing, natural
from pdwatch.engines.table import Found, View
from pdwatch.model.page import Page
from pdwatch.model.reading import NOTHING_TOLD, EngineFacts, Missing, PageReading, Reading, Told
from pdwatch.model.reading import Quantity as Q

UNKNOWN = "unknown"
_ORDER = tuple(Kind)
_REASONS = frozenset({Q.FINISHED_STOP, Q.FINISHED_LENGTH, Q.FINISHED_ABORT, Q.FINISHED_REPETITION})
_SIZES = frozenset({Q.KV_CACHE_TOKENS, Q.KV_CACHE_BLOCKS})
_CONNECTORS = {
    "nixl": ("nixl_xfer_", "agent_xfer_time"),
    "mooncake": ("mooncake_xfer_", "tent_read_"),
    "mooncake-store": ("mooncake_store_", "mooncake_transfer_"),
    "offloading": ("kv_offload_",),
    "lmcache": ("lmcache",),
}
"""KV connectors by what the names of their metrics contain."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Where everything of one worker lies on pages of one layout."""

    family: str
    engines: tuple[EngineExtraction, ...]
    facts: Mapping[str, EngineFacts]
    missing: tuple[Missing, ...]
    told: Told
    process_start: int | None
    routing: Routing | None
    sized: bool
    """The size of the KV cache is a value on the page, not a label."""

    def read(self, page: Page, at: float) -> PageReading:
        """Return the worker's reading."""
        values = page.values
        engines = tuple([engine.read(page, at) for engine in self.engines])
        facts = self.facts if not self.sized else {e.engine: _sized(e, self.facts[e.engine]) for e in engines}
        routed = () if self.routing is None else self.routing(values)
        started = None if self.process_start is None else values[self.process_start]
        return PageReading(self.family, at, engines, facts, self.missing, started, routed, self.told)


def part(view: View, types: Mapping[str, str], families: Sequence[Family], alone: bool = True) -> Part:
    """Work out one worker's part of a page; *alone* says that the page speaks for nobody else."""
    present = sorted((f for f in families if f.recognises(view, types)), key=lambda f: _ORDER.index(f.kind))
    main = present[0] if present else None
    found = _merged(present, view, types)
    engines = tuple(engine_extraction(engine, found[engine]) for engine in sorted(found, key=natural))
    have = frozenset(quantity for engine in engines for quantity in engine.quantities)
    worker = main is None or main.kind in (Kind.ENGINE, Kind.PLATFORM)
    connectors = _connectors(types)
    return Part(
        family=main.name if main is not None else UNKNOWN,
        engines=engines,
        facts={e.engine: _facts(main, view, e.engine, connectors) for e in engines},
        missing=main.table.missing(have) if main is not None and main.kind is Kind.ENGINE else (),
        told=_told(present, view, found, worker and alone),
        process_start=next((index for index, series in view if series.name == PROCESS_START), None),
        routing=next((family.routing(view) for family in present if family.routing is not None), None),
        sized=bool(have & _SIZES),
    )


def _merged(present: Sequence[Family], view: View, types: Mapping[str, str]) -> Found:
    """Return what all families give, by engine; an engine on the page leaves no room for a front end's numbers."""
    found: Found = {}
    for family in present:
        if family.kind is Kind.FRONT and found:
            continue
        given = family.find(view, types)
        if not found or family.kind is Kind.ENGINE:
            found |= {f"{family.name}/{name}" if name in found else name: slots for name, slots in given.items()}
        else:
            _fill(found, given)
    return found


def _fill(found: Found, given: Found) -> None:
    first = min(found, key=natural)
    told = {quantity for slots in found.values() for quantity in slots}
    for engine, slots in given.items():
        own = found.get(engine, found[first])
        for quantity, held in slots.items():
            if quantity is Q.FINISHED and told & _REASONS:
                continue
            if quantity not in told:
                own.setdefault(quantity, held)
            elif held.on_top and quantity in own:
                own[quantity].join(held)


def _told(present: Sequence[Family], view: View, found: Found, worker: bool) -> Told:
    sources: dict[Q, str] = {}
    for engine in sorted(found, key=natural):
        for quantity, held in found[engine].items():
            sources.setdefault(quantity, " + ".join(held.names))
    words = [told for family in present if (told := family.tells(view)) is not NOTHING_TOLD]
    with_role = next((told for told in words if told.role), NOTHING_TOLD)
    return Told(
        role=with_role.role if worker else "router",
        sure=with_role.sure or not worker,
        identity=next((told.identity for told in words if told.identity), None),
        roles={name: role for told in words for name, role in told.roles.items()},
        sources=sources,
        health=all(told.health for told in words),
    )


def _facts(main: Family | None, view: View, engine: str, connectors: frozenset[str]) -> EngineFacts:
    own = main.of_engine(view, engine) if main is not None else view
    facts = main.facts(own) if main is not None else EngineFacts()
    labels = [series.labels for _, series in own]
    model = next((name for name in map(_model, labels) if name), None)
    return replace(facts, model=model, connectors=connectors)


def _model(labels: Mapping[str, str]) -> str | None:
    return labels.get("model_name") or labels.get("model")


def _connectors(types: Mapping[str, str]) -> frozenset[str]:
    return frozenset(
        name for name, marks in _CONNECTORS.items() if any(mark in declared for declared in types for mark in marks)
    )


def _sized(reading: Reading, facts: EngineFacts) -> EngineFacts:
    """Return the facts with the size of the KV cache as the page gives it now."""
    blocks, each = _whole(reading.value(Q.KV_CACHE_BLOCKS)), _whole(reading.value(Q.KV_BLOCK_TOKENS))
    tokens = _whole(reading.value(Q.KV_CACHE_TOKENS))
    if tokens is None and blocks and each:
        tokens = blocks * each
    return replace(
        facts,
        kv_cache_tokens=tokens or facts.kv_cache_tokens,
        kv_blocks=blocks or facts.kv_blocks,
        block_size=each or facts.block_size,
    )


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and 0 < value and isfinite(value) else None
