"""Engine processes of this host, seen through `/proc`: what runs, how it was started, where it listens."""

from __future__ import annotations

from pdwatch.host.processes.collector import ProcessCollector
from pdwatch.host.processes.procfs import ProcFs
from pdwatch.model.serving import serving

__all__ = ["ProcFs", "ProcessCollector", "serving"]
