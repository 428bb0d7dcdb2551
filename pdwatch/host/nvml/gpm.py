"""Shares of time from the GPU's performance monitors (GPM, Hopper and later).

The monitors are the same that DCGM samples, and two samplers disturb each other: whoever turns this on knows that no
DCGM runs on the host. A value is the mean over the time since the last reading.
"""

from __future__ import annotations

from typing import Any

from pdwatch.host.nvml.guard import Guard, Handle, Nvml

_METRICS = {
    1: "graphics_active_ratio",
    2: "sm_active_ratio",
    3: "sm_occupancy_ratio",
    5: "tensor_active_ratio",
    10: "dram_active_ratio",
}
"""Attribute of `GpuReading` by `nvmlGpmMetricId_t`; all are percentages."""


class GpmSampler:
    """Two samples of one GPU that take turns, so that no reading waits for the second."""

    def __init__(self, nvml: Nvml, guard: Guard, handle: Handle) -> None:
        """Ask whether the GPU has the monitors. Raises `GpuUnusable` and `LibraryUnusable`."""
        self._nvml = nvml
        self._guard = guard
        self._handle = handle
        self._previous: Any = None
        support = guard.ask("nvmlGpmQueryDeviceSupport", handle)
        self._spare: Any = guard.ask("nvmlGpmSampleAlloc") if support and support.isSupportedDevice else None

    def read(self) -> dict[str, object]:
        """Return the ratios since the last call by attribute; nothing the first time or without the monitors."""
        if self._spare is None or self._guard.ask("nvmlGpmSampleGet", self._handle, self._spare) is None:
            return {}
        earlier, self._previous = self._previous, self._spare
        if earlier is None:
            self._spare = self._guard.ask("nvmlGpmSampleAlloc")
            return {}
        self._spare = earlier
        return self._between(earlier, self._previous)

    def _between(self, earlier: Any, later: Any) -> dict[str, object]:
        request = self._nvml.c_nvmlGpmMetricsGet_t(
            version=self._nvml.NVML_GPM_METRICS_GET_VERSION,
            numMetrics=len(_METRICS),
            sample1=earlier,
            sample2=later,
        )
        for slot, metric in enumerate(_METRICS):
            request.metrics[slot].metricId = metric
        if self._guard.ask("nvmlGpmMetricsGet", request) is None:
            return {}
        answers = [request.metrics[slot] for slot in range(len(_METRICS))]
        return {
            _METRICS[answer.metricId]: min(answer.value / 100, 1.0)
            for answer in answers
            if answer.nvmlReturn == 0 and answer.value >= 0  # NaN and negative values mean "no activity known"
        }

    def close(self) -> None:
        """Give the samples back."""
        for sample in (self._spare, self._previous):
            if sample is not None:
                self._guard.ask("nvmlGpmSampleFree", sample)
        self._spare = self._previous = None
