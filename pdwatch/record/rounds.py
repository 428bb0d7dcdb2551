"""Events to rounds: everything between two ticks is one collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pdwatch.model.page import Scrape
from pdwatch.record.events import Advised, Event, Header, LogLine, Tick
from pdwatch.record.notes import Notes


@dataclass(frozen=True, slots=True)
class Round:
    """One collection. `t` is the time of its tick, in Unix seconds."""

    t: float
    scrapes: tuple[Scrape, ...] = ()
    logs: tuple[LogLine, ...] = ()
    header: Header | None = None
    """The header that came before it since the last tick: the first round has it, others in joined files."""


def rounds(events: Iterable[Event], notes: Notes | None = None) -> Iterator[Round]:
    """Yield a round at each tick, before the next event is asked for.

    Events with no tick between them and the end, or the header of another recording, make no round; that is said in
    *notes*.
    """
    header: Header | None = None
    scrapes: list[Scrape] = []
    logs: list[LogLine] = []
    left_out = 0
    for event in events:
        match event:
            case Scrape():
                scrapes.append(event)
            case LogLine():
                logs.append(event)
            case Advised():
                pass  # a replay judges anew
            case Header():
                left_out += len(scrapes) + len(logs)
                header, scrapes, logs = event, [], []
            case Tick(t):
                yield Round(t, tuple(scrapes), tuple(logs), header)
                header, scrapes, logs = None, [], []
    left_out += len(scrapes) + len(logs)
    if notes is not None and left_out:
        notes.add(f"no tick closes {left_out} of the events; they are left out")
