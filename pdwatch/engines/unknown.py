"""A page that no family recognises: still alive, with its process's start time if it tells."""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.engines.family import PROCESS_START, process_start_index
from pdwatch.model.page import Layout, Page
from pdwatch.model.reading import PageReading


@dataclass(frozen=True, slots=True)
class _Extraction:
    process_start: int | None

    def read(self, page: Page, at: float) -> PageReading:
        started = None if self.process_start is None else page.values[self.process_start]
        return PageReading("unknown", at, (), {}, process_start=started)


@dataclass(frozen=True, slots=True)
class _Unknown:
    name: str = "unknown"

    def wants(self, name: str) -> bool:
        return name == PROCESS_START

    def recognises(self, layout: Layout) -> bool:  # noqa: ARG002 - it takes what nobody else does
        return True

    def extraction(self, layout: Layout) -> _Extraction:
        return _Extraction(process_start_index(layout))


UNKNOWN = _Unknown()
