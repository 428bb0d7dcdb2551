"""From a line to an event. Most lines say nothing of interest; they cost a few substring searches each."""

from __future__ import annotations

from collections.abc import Callable

from pdwatch.host.logs import eplb, faults
from pdwatch.host.logs.enginestats import engine_stats
from pdwatch.host.logs.prefix import message
from pdwatch.host.logs.transfer import transfer_summaries
from pdwatch.model.logline import EventBody, LogEvent

Parser = Callable[[str], EventBody | None]

RULES: tuple[tuple[str, Parser], ...] = (
    ("n throughput: ", engine_stats),
    ("KV Transfer metrics: ", transfer_summaries),
    ("EPLB step: ", eplb.eplb_step),
    ("Rearrang", eplb.rearrangement),
    ("Skip rearrange", eplb.rearrangement),
    ("expired KV blocks", faults.expired),
    ("api_server_count more than 1", faults.stats_disabled),
    (" version ", faults.version),
    ("LLM engine (v", faults.version),
    *((phrase, faults.fault) for phrase, _ in faults.PHRASES),
)
"""A text that every line of a kind holds, and the parser of the message in it."""


def parse_line(line: str) -> LogEvent | None:
    """Return the event that *line* tells of, `None` for any other line. Never raises."""
    for needle, parser in RULES:
        if needle in line:
            said = message(line)
            body = parser(said.text)
            if body is not None:
                return LogEvent(body, said.process, said.pid)
    return None
