"""What must outlive a child process: which XIDs came, and which GPUs there were."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from pdwatch.host.nvml.codec import Json
from pdwatch.model.gpu import GpuReading, GpuState, GpuXid, NvmlReading

Key = str | int | None
"""A GPU's UUID, its index where the UUID is not known, or `None` where NVML named no GPU."""


class Ledger:
    """XID counts and known GPUs since pdwatch started."""

    def __init__(self) -> None:
        self._xids: dict[Key, dict[int, GpuXid]] = {}
        self._known: dict[str, GpuReading] = {}
        self._watched: frozenset[int] = frozenset()

    def note_xid(self, message: Json) -> None:
        """Count one XID message of the child."""
        key = message.get("uuid") or message.get("index")
        counts = self._xids.setdefault(key, {})
        xid = int(message["xid"])
        earlier = counts.get(xid)
        counts[xid] = GpuXid(xid, 1 if earlier is None else earlier.count + 1, float(message["at"]))

    def complete(self, reading: NvmlReading, watched: Collection[int]) -> NvmlReading:
        """Add to a fresh *reading* the XIDs of its GPUs, and the GPUs that the driver no longer lists, as lost.

        *watched* are the indices of GPUs whose XIDs the driver reports.
        """
        self._watched = frozenset(watched)
        return self.with_xids(replace(reading, gpus=self._with_missing(reading.gpus)))

    def with_xids(self, reading: NvmlReading) -> NvmlReading:
        """Return *reading* with the XID counts as they stand."""
        gpus = tuple(replace(gpu, xids=self._of(gpu)) for gpu in reading.gpus)
        return replace(reading, gpus=gpus, unattributed_xids=self._sorted(None))

    def _of(self, gpu: GpuReading) -> tuple[GpuXid, ...] | None:
        xids = self._sorted(gpu.uuid or gpu.index)
        return xids if xids or gpu.index in self._watched else None

    def _sorted(self, key: Key) -> tuple[GpuXid, ...]:
        counts = self._xids.get(key, {})
        return tuple(counts[xid] for xid in sorted(counts))

    def _with_missing(self, gpus: tuple[GpuReading, ...]) -> tuple[GpuReading, ...]:
        listed = {gpu.uuid for gpu in gpus}
        missing = {gpu.index: gpu for uuid, gpu in self._known.items() if uuid not in listed}
        named = tuple(
            _as_lost(missing.pop(gpu.index), gpu.state, gpu.state_reason)
            if gpu.uuid is None and gpu.index in missing
            else gpu
            for gpu in gpus
        )
        self._known |= {gpu.uuid: gpu for gpu in named if gpu.uuid is not None}
        gone = (_as_lost(gpu, GpuState.LOST, "no longer listed by the driver") for gpu in missing.values())
        return (*named, *gone)


def _as_lost(gpu: GpuReading, state: GpuState, reason: str) -> GpuReading:
    return GpuReading(
        index=gpu.index,
        uuid=gpu.uuid,
        state=state,
        state_reason=reason,
        name=gpu.name,
        serial=gpu.serial,
        pci_bus_id=gpu.pci_bus_id,
        minor=gpu.minor,
        numa_node=gpu.numa_node,
    )
