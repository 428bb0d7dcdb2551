"""GPUs: lost, damaged, held back, short of memory, with links that carry less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.gpu import FabricHealth, FabricState, GpuFabric, GpuReading, GpuState
from pdwatch.model.hostsignals import GpuSignals, HostSignals
from pdwatch.model.judgement import Severity
from pdwatch.model.logline import FaultKind
from pdwatch.model.process import KvTransfer
from pdwatch.model.target import Role

Named = Callable[..., list[Hit]]
Make = Callable[..., Any]
GPU = ("gpu_unhealthy", "gpu_throttled", "gpu_memory_tight", "nvlink_degraded", "pcie_degraded")
SCOPE = {"role": "decode", "worker": "decode-0", "host": "node1", "gpu": "0"}


def _seen(**told: Any) -> HostSignals:
    return HostSignals(gpus={0: GpuSignals(60.0, **told)})


@pytest.mark.parametrize("finding", GPU)
@pytest.mark.parametrize(
    ("gpu", "signals"),
    [
        (GpuReading(0), HostSignals()),
        (
            GpuReading(
                0, recovery_action="none", ecc_uncorrected_volatile_total=0, remapped_rows_pending=False, xids=()
            ),
            _seen(throttled={"sw_power_cap": 0.4}, busy_ratio=0.9, nvlink_errors={"crc": 0.2, "receive": 0.0}),
        ),
        (GpuReading(0, pcie_generation=1, pcie_generation_max=5), _seen(busy_ratio=0.0)),
    ],
    ids=["nothing known", "healthy", "idle"],
)
def test_a_healthy_or_unknown_gpu_is_not_named(
    finding: str, gpu: GpuReading, signals: HostSignals, named: Named
) -> None:
    """Absent is not zero, and an idle GPU saves power."""
    assert [] == named(finding, gpus=[gpu], signals=signals)


@pytest.mark.parametrize(
    ("gpu", "seen", "severity", "words"),
    [
        ({"state": GpuState.LOST}, {}, Severity.CRITICAL, "lost, the driver cannot reach it"),
        ({"state": GpuState.RESET_REQUIRED}, {}, Severity.CRITICAL, "needs a reset"),
        ({"recovery_action": "node_reboot"}, {}, Severity.CRITICAL, "the driver asks for: node reboot"),
        ({"recovery_action": "drain_p2p"}, {}, Severity.WARNING, "the driver asks for: drain p2p"),
        ({"remapped_rows_failed": True}, {}, Severity.CRITICAL, "a bad memory row could not be remapped"),
        ({"remapped_rows_pending": True}, {}, Severity.WARNING, "a bad memory row waits for a reset to be remapped"),
        (
            {"ecc_uncorrected_volatile_total": 3},
            {"uncorrected_seconds_ago": 30.0},
            Severity.CRITICAL,
            "uncorrected memory errors, last 30 s ago",
        ),
        (
            {"ecc_uncorrected_volatile_total": 3},
            {},
            Severity.INFO,
            "3 uncorrected memory errors since its driver was loaded",
        ),
        ({}, {"xids": {95: 12.0}}, Severity.CRITICAL, "XID 95 12 s ago"),
        ({}, {"xids": {63: 12.0}}, Severity.WARNING, "XID 63 12 s ago"),
        ({}, {"xids": {8: 12.0}}, Severity.INFO, "XID 8 12 s ago"),
    ],
)
def test_a_sick_gpu_names_worker_host_and_gpu(
    gpu: dict[str, Any],
    seen: dict[str, Any],
    severity: Severity,
    words: str,
    named: Named,
) -> None:
    """What is wrong, in the driver's order of gravity."""
    found = named("gpu_unhealthy", gpus=[GpuReading(0, **gpu)], signals=_seen(**seen))

    assert [(SCOPE, severity)] == [(hit.scope, hit.severity) for hit in found]
    assert f"GPU 0 of node1, used by decode-0: {words}." == found[0].summary


@pytest.mark.parametrize("xid", [13, 31, 43, 45])
def test_xids_of_programs_are_not_the_gpus_fault(xid: int, named: Named) -> None:
    """A crash of the engine is told by its own finding."""
    assert [] == named("gpu_unhealthy", gpus=[GpuReading(0)], signals=_seen(xids={xid: 5.0}))


def test_a_lost_gpu_is_still_its_workers(named: Named, group: Make) -> None:
    """The driver lists no processes on it any more; those that were there last are remembered."""
    lost = dict[str, Any](
        gpus=[GpuReading(0, state=GpuState.LOST)], own_gpus=(), group=group(), signals=_seen(pids=(100,))
    )

    assert [SCOPE] == [hit.scope for hit in named("gpu_unhealthy", **lost)]


def test_a_lost_gpu_of_nobody_is_told_for_the_host(named: Named) -> None:
    """The worker's own GPU is known to be another one."""
    lost = [GpuReading(0, state=GpuState.LOST), GpuReading(1)]

    assert [{"host": "node1", "gpu": "0"}] == [hit.scope for hit in named("gpu_unhealthy", gpus=lost, own_gpus=[1])]


def test_other_complaints_about_spare_gpus_are_not_made(named: Named) -> None:
    """A hot GPU that nobody uses slows nobody."""
    hot = _seen(throttled={"hw_thermal_slowdown": 0.9})

    assert [] == named("gpu_throttled", gpus=[GpuReading(0), GpuReading(1)], own_gpus=[1], signals=hot)


def test_where_nothing_tells_whose_a_gpu_is_the_only_worker_is_named(named: Named) -> None:
    """An exporter of GPUs alone knows no processes."""
    hot = _seen(throttled={"hw_thermal_slowdown": 0.9})

    assert [SCOPE] == [hit.scope for hit in named("gpu_throttled", gpus=[GpuReading(0)], own_gpus=(), signals=hot)]


def test_among_several_workers_only_the_host_is_named(named: Named, worker: Make, house: Make) -> None:
    """Better without a worker than with a wrong one."""
    hot = _seen(throttled={"hw_thermal_slowdown": 0.9})
    neighbour = worker(Role.DECODE, "decode-1"), "node1", house(gpus=[GpuReading(0)], own_gpus=(), signals=hot)
    found = named("gpu_throttled", own_gpus=(), more=[neighbour])

    assert [{"host": "node1", "gpu": "0"}] == [hit.scope for hit in found]


@pytest.mark.parametrize(
    ("throttled", "severities"),
    [
        ({"hw_thermal_slowdown": 0.4}, [None]),
        ({"sw_thermal_slowdown": 0.11}, [None]),
        ({"sw_thermal_slowdown": 0.1}, []),
        ({"hw_power_brake_slowdown": 0.9, "sw_power_cap": 0.9}, [None]),
        ({"sw_power_cap": 0.6}, [Severity.INFO]),
        ({"sw_power_cap": 0.5}, []),
        ({"sync_boost": 1.0}, []),
    ],
)
def test_throttling_by_heat_and_power_brake_is_a_fault(
    throttled: dict[str, float], severities: list[Severity | None], named: Named
) -> None:
    """Running at the power limit is only worth knowing."""
    found = named("gpu_throttled", gpus=[GpuReading(0)], signals=_seen(throttled=throttled))

    assert severities == [hit.severity for hit in found]


def test_throttling_is_told_in_words(named: Named) -> None:
    """With the temperature at which it happens."""
    hot = dict[str, Any](
        gpus=[GpuReading(0, temperature_celsius=91.0)], signals=_seen(throttled={"hw_thermal_slowdown": 0.4})
    )

    assert ["GPU 0 of node1, used by decode-0, is slowed by heat (hardware slowdown) 40 % of the time at 91 °C."] == [
        hit.summary for hit in named("gpu_throttled", **hot)
    ]


@pytest.mark.parametrize(
    ("free", "buffer", "device", "severities"),
    [
        (4e9, 5e9, "cuda", [None]),
        (5e9, 5e9, "cuda", []),
        (30e9, 12e9, None, [Severity.INFO]),
        (4e9, 5e9, "cpu", []),
        (4e9, None, "cuda", []),
        (None, 5e9, "cuda", []),
    ],
)
def test_memory_is_tight_where_the_kv_buffer_does_not_fit(
    *,
    free: float | None,
    buffer: float | None,
    device: str | None,
    severities: list[Severity | None],
    named: Named,
    group: Make,
) -> None:
    """A buffer in CPU memory takes none of the GPU's."""
    kv = KvTransfer("P2pNcclConnector", buffer_bytes=buffer, buffer_device=device)
    gpu = GpuReading(0, memory_free_bytes=None if free is None else int(free))

    assert severities == [h.severity for h in named("gpu_memory_tight", gpus=[gpu], group=group(kv=kv))]


def test_out_of_memory_in_the_log_is_critical(named: Named, group: Make) -> None:
    """It happened; the only engine of the host wrote it."""
    signals = HostSignals(faults={FaultKind.OUT_OF_MEMORY: {"vllm.log": 20.0}})
    found = named("gpu_memory_tight", group=group(), signals=signals)

    assert [(Severity.CRITICAL, "decode-0")] == [(hit.severity, hit.scope["worker"]) for hit in found]


def test_nvlinks_are_compared_with_siblings(named: Named) -> None:
    """One of two equal GPUs has lost six links."""
    gpus = [GpuReading(0, name="H200", nvlinks_active=12), GpuReading(1, name="H200", nvlinks_active=18)]
    found = named("nvlink_degraded", gpus=gpus)

    assert ["NVLink of GPU 0 of node1, used by decode-0: 12 links up of 18."] == [hit.summary for hit in found]


def test_unwired_nvlinks_are_no_fault(named: Named) -> None:
    """Cards with bridges use some of their links, all alike."""
    gpus = [GpuReading(n, name="H100 PCIe", nvlinks=18, nvlinks_active=12) for n in range(2)]

    assert [] == named("nvlink_degraded", gpus=gpus)


@pytest.mark.parametrize(
    ("gpu", "seen", "severity"),
    [
        ({"nvlinks_active": 10}, {"nvlinks_most": 18}, Severity.WARNING),
        ({"nvlinks_active": 0}, {"nvlinks_most": 18}, Severity.CRITICAL),
        ({"fabric": GpuFabric(FabricState.COMPLETED, health=FabricHealth.UNHEALTHY)}, {}, Severity.CRITICAL),
        ({"fabric": GpuFabric(FabricState.COMPLETED, faults=("degraded_bandwidth",))}, {}, Severity.WARNING),
        ({}, {"nvlink_errors": {"crc": 1.5}}, Severity.WARNING),
        ({}, {"nvlink_errors": {"crc": 1.0}}, None),
        ({}, {"nvlink_errors": {"recovery_failed": 0.01}}, Severity.WARNING),
        ({}, {"xids": {74: 3.0}}, Severity.CRITICAL),
        ({"fabric": GpuFabric(FabricState.COMPLETED, health=FabricHealth.HEALTHY, faults=())}, {}, None),
    ],
)
def test_nvlink_degraded(gpu: dict[str, Any], seen: dict[str, Any], severity: Severity | None, named: Named) -> None:
    """Links gone, errors, an unhealthy fabric."""
    found = named("nvlink_degraded", gpus=[GpuReading(0, **gpu)], signals=_seen(**seen))

    assert ([] if severity is None else [severity]) == [hit.severity for hit in found]


def test_a_busy_gpu_on_a_slow_pcie_link_is_named(named: Named) -> None:
    """Generation and width, against what is possible."""
    gpu = GpuReading(0, pcie_generation=3, pcie_generation_max=5, pcie_width=16, pcie_width_max=16)
    found = named("pcie_degraded", gpus=[gpu], signals=_seen(pcie_below=True, busy_ratio=0.8))

    assert [
        "GPU 0 of node1, used by decode-0, works (80 %) over PCIe generation 3 x16 where generation 5 x16 is possible."
    ] == [hit.summary for hit in found]
