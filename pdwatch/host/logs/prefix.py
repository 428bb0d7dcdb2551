"""What stands before the message of a log line: containers, launchers, processes, levels, colours.

Forms of vLLM: `INFO 08-05 17:32:58 metrics.py:455] ` (0.6), `INFO 08-05 17:32:58 [loggers.py:116] ` (0.7 to 0.10),
`(APIServer pid=123) INFO 08-05 17:32:58 [loggers.py:123] ` (since 0.10.2), one JSON object a line (option since 0.31).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_COLOUR = re.compile(r"\x1b\[[0-9;]{0,16}m")
_CARRIER = re.compile(
    r"(?:\d{4}-\d\d-\d\dT\S{8,32} (?:stdout|stderr) [FP] "  # Kubernetes' CRI format
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,64} \S{1,64}: "  # syslog
    r"|[\w.-]{1,64} {1,32}\| "  # docker compose
    r"|\s{0,4}\d{1,4}: )"  # srun --label
)
_PROCESS = re.compile(r"\(([\w:.-]{1,64})(?:[^()]{0,64}?\bpid=(\d{1,9}))?[^()]{0,64}\) ")
_LEVEL = re.compile(
    r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \[?[^\]\s]{1,256}\] "
)


@dataclass(frozen=True, slots=True)
class Message:
    """A log line without its prefixes."""

    text: str
    process: str | None = None
    pid: int | None = None


def message(line: str) -> Message:
    """Return the message of *line* and the process it names. A line without known prefixes is its own message."""
    if "\x1b" in line:
        line = _COLOUR.sub("", line)
    if line.startswith("{"):
        return _json_message(line)
    carrier = _CARRIER.match(line)
    return _plain_message(line[carrier.end() :] if carrier else line)


def _plain_message(line: str) -> Message:
    process: str | None = None
    pid: int | None = None
    at = 0
    while (match := _PROCESS.match(line, at)) is not None:
        if process is None:
            process, pid = match[1], int(match[2]) if match[2] else None
        at = match.end()
    level = _LEVEL.match(line, at)
    return Message(line[level.end() if level else at :], process, pid)


def _json_message(line: str) -> Message:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return Message(line)
    if not isinstance(record, dict):
        return Message(line)
    wrapped = record.get("log")
    if isinstance(wrapped, str):
        return _plain_message(_COLOUR.sub("", wrapped.rstrip("\n")))
    text, process, pid = record.get("message"), record.get("processName"), record.get("process")
    if not isinstance(text, str):
        return Message(line)
    plain = _plain_message(text)
    if plain.process is not None:
        return plain
    return Message(plain.text, process if isinstance(process, str) else None, pid if isinstance(pid, int) else None)
