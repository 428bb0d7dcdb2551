"""Pages of `pdwatch agent`, which hold what its own host tells and come back as the reading they were made from.

Names follow the records of `pdwatch.model`: `pdwatch_gpu_` and a field of `GpuReading`, `pdwatch_fabric_port_` and
a counter of a port. What the page does not hold: counters in the drivers' own names, which files could not be read,
statistics lines and transfer lines of logs.
"""

from __future__ import annotations

from pdwatch.host.adapters.adapter import Adapter
from pdwatch.host.adapters.agent_fabric import fabric_reading
from pdwatch.host.adapters.agent_gpu import gpu_readings, nearest
from pdwatch.host.adapters.agent_process import host_logs, host_processes
from pdwatch.host.adapters.samples import Samples
from pdwatch.model.host import HostOrigin, HostReading

_UP = "pdwatch_host_up"
_COLLECTOR = "pdwatch_host_collector"


def _recognises(samples: Samples) -> bool:
    """Tell whether the page is about one host; a page of `serve` is about a fleet."""
    return len(samples.of(_UP)) == 1 and "pdwatch_worker_up" not in samples


def _read(samples: Samples, host: str, at: float) -> HostReading:
    return HostReading(
        host=host,
        origin=HostOrigin.AGENT,
        at=at,
        gpus=gpu_readings(samples),
        fabric=fabric_reading(samples),
        processes=host_processes(samples),
        logs=host_logs(samples, at),
        absent=_reasons(samples, f"{_COLLECTOR}_absent_info"),
        failed=_reasons(samples, f"{_COLLECTOR}_failed_info"),
        seconds={labels["collector"]: value for labels, value in samples.of(f"{_COLLECTOR}_duration_seconds")},
        nearest=nearest(samples),
    )


def _reasons(samples: Samples, name: str) -> dict[str, str]:
    return {labels["collector"]: labels.get("reason", "") for labels, _ in samples.of(name)}


ADAPTER = Adapter(HostOrigin.AGENT, ("pdwatch_",), _recognises, _read)
