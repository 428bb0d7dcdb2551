"""The small file that carries what was learned over a restart of `serve`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pdwatch.road.road import Road

VERSION = 1
SAVE_SECONDS = 60.0
_BEGIN = f'{{"version":{VERSION},'
"""How every state of this version begins."""
_NO_STATE = "it is no state of pdwatch"
_DEMAND_GAP = 120.0
"""Age of a file above which the demand that it tells says nothing of now."""


class StateFile:
    """Reads and writes the memory of a road. A file that cannot be used is told in one line and stops nothing.

    One that this version of pdwatch has not written is never written over: somebody may need it.
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._foreign = False
        self._saved: float | None = None
        self._failed: str | None = None

    def load(self, road: Road, now: float) -> None:
        """Let *road* go on from the file, if there is one that can be read."""
        self._foreign = _is_there(self._path)
        if not self._foreign:
            return
        try:
            text = self._path.read_text("utf-8", errors="replace")
            self._foreign = not text.startswith(_BEGIN)
            road.recall(_services(text, now))
        except (OSError, ValueError, RecursionError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            left = "; it is left as it is, nothing is kept until it is removed" if self._foreign else ""
            self._say(f"begins without the state of {self._path}: {why}{left}")

    def keep(self, road: Road, now: float) -> None:
        """Write the file where it is older than a minute."""
        if self._saved is None or now - self._saved >= SAVE_SECONDS or now < self._saved:
            self.save(road, now)

    def save(self, road: Road, now: float) -> None:
        """Write the file anew; a reader sees the old one or the new one, never half of it."""
        self._saved = now
        if self._foreign and _is_there(self._path):
            return
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        text = _BEGIN + json.dumps({"saved": now, "services": road.memory()}, separators=(",", ":"))[1:]
        try:
            beside.write_text(text, "utf-8")
            beside.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            self._tell(f"cannot keep its state in {self._path}: {error.strerror or error}")
        else:
            self._tell(None)

    def _tell(self, failure: str | None) -> None:
        """Say that it fails, or that it works again; neither of them twice."""
        if failure != self._failed:
            self._say(failure or f"keeps its state in {self._path} again")
            self._failed = failure


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _services(text: str, now: float) -> dict[str, Any]:
    """Return what the file keeps by service. Raises `ValueError` where it is not such a file."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is torn: {error}" if text.startswith(_BEGIN) else _NO_STATE) from None
    if not isinstance(data, dict) or not isinstance(data.get("services"), dict):
        raise ValueError(_NO_STATE)
    if data.get("version") != VERSION:
        raise ValueError(f"it has version {data.get('version')!r}, this pdwatch reads {VERSION}")
    saved = data.get("saved")
    services: dict[str, Any] = data["services"]
    if isinstance(saved, int | float) and 0 <= now - saved <= _DEMAND_GAP:
        return services
    return {name: {**service, "demand": {}} for name, service in services.items() if isinstance(service, dict)}
