"""The child process: reads requests from stdin, answers on stdout, one JSON object a line.

Request   {"id": N}
Answers   {"id": N, "reading": {...}, "watched": [GPU index, ...]}
          {"id": N, "absent": "why"}   no GPU here; the process ends
          {"id": N, "failed": "why"}   NVML is unusable in this process; it ends
Unasked   {"xid": X, "index": I, "uuid": "GPU-...", "at": Unix seconds}

It ends when stdin does, also while a call into NVML hangs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import TextIO

from pdwatch.host.nvml.codec import Json, encode
from pdwatch.host.nvml.guard import LibraryUnusable
from pdwatch.host.nvml.session import Absent, Session


class Writer:
    """Writes whole lines from several threads."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def send(self, message: Json) -> None:
        """Write *message* as one line at once."""
        line = json.dumps(message, separators=(",", ":")) + "\n"
        with self._lock:
            try:
                self._out.write(line)
                self._out.flush()
            except BrokenPipeError:  # the parent is gone
                os._exit(0)

    def xid(self, index: int | None, uuid: str | None, xid: int) -> None:
        """Tell of an XID error when it happens."""
        self.send({"xid": xid, "index": index, "uuid": uuid, "at": time.time()})


class Worker:
    """Answers requests one at a time; NVML is initialised with the first."""

    def __init__(self, writer: Writer, *, gpm: bool) -> None:
        self._writer = writer
        self._gpm = gpm
        self._session: Session | None = None

    def _answer(self) -> Json:
        if self._session is None:
            try:
                nvml = importlib.import_module("pynvml")
            except ImportError as error:
                raise Absent(f"{error}; install nvidia-ml-py to see GPUs") from error
            self._session = Session(nvml, self._writer.xid, time.monotonic, time.time, gpm=self._gpm)
        reading = self._session.collect()
        return {"reading": encode(reading), "watched": sorted(self._session.watched)}

    def run(self, requests: queue.SimpleQueue[Json]) -> None:
        """Answer until NVML is absent or unusable, then end the process."""
        while True:
            number = requests.get().get("id")
            try:
                self._writer.send({"id": number} | self._answer())
            except Absent as reason:
                self._writer.send({"id": number, "absent": str(reason)})
                os._exit(0)
            except LibraryUnusable as reason:
                self._writer.send({"id": number, "failed": str(reason)})
                os._exit(1)


def _private_stdout() -> TextIO:
    """Return the real stdout, and let whatever else writes to stdout in this process write to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _end_on_failure(failure: threading.ExceptHookArgs) -> None:
    """Print the traceback and end the process: the parent sees that at once and starts another."""
    threading.__excepthook__(failure)
    os._exit(2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m pdwatch.host.nvml.child", description=__doc__)
    parser.add_argument("--gpm", action="store_true", help="sample the performance monitors")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends stdin
    threading.excepthook = _end_on_failure
    requests: queue.SimpleQueue[Json] = queue.SimpleQueue()
    worker = Worker(Writer(_private_stdout()), gpm=options.gpm)
    threading.Thread(target=worker.run, args=(requests,), name="nvml", daemon=True).start()
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(0)  # a thread that hangs in NVML would keep an orderly exit waiting


if __name__ == "__main__":
    main()
