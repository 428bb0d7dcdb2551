"""The page of `pdwatch agent` on the host of one simulated worker: GPUs, fabric ports, one engine group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

_GPUS = 4
_GIB = 1 << 30
_FULL_RATE = 50_000_000_000
"""400 Gb/s in bytes."""
_LAUNCHER = 1000
_RATE_OF_TRAFFIC = 0.1
"""Share of a link that KV takes in the mean; a counter may not follow the load of the moment, for it would fall."""


@dataclass(frozen=True, slots=True)
class Sickness:
    """What is wrong with the host of a worker."""

    worker: str
    throttled_gpu: int | None = None
    """Its power brake holds this GPU's clock down."""
    half_rate_port: int | None = None
    """Its link came up with half its lanes."""


@dataclass(frozen=True, slots=True)
class AgentHost:
    """A host at one instant."""

    name: str
    worker_url: str
    connector_role: str
    now: float
    """Unix seconds."""
    uptime: float
    """Seconds since the fleet started."""
    busy: float
    """Share of the GPUs in use, 0 to 1."""
    sickness: Sickness | None = None


def agent_page(host: AgentHost) -> str:
    """Return the text of `/metrics`."""
    lines = [*_host(host), *_gpus(host), *_ports(host), *_engine(host)]
    return "".join(f"pdwatch_{line}\n" for line in lines)


def _host(host: AgentHost) -> Iterator[str]:
    me = f'host="{host.name}"'
    yield f"host_up{{{me}}} 1"
    yield f'host_origin_info{{{me},origin="local"}} 1'
    for collector in ("nvml", "fabric", "processes"):
        yield f'host_collector_up{{{me},collector="{collector}"}} 1'
        yield f'host_collector_duration_seconds{{{me},collector="{collector}"}} 0.002'
    yield f"gpu_reading_timestamp_seconds{{{me}}} {host.now!r}"
    yield f'gpu_driver_info{{{me},driver_version="580.95.05",nvml_version="13.580.95.05",cuda_version="13.0"}} 1'
    yield f"fabric_reading_timestamp_seconds{{{me}}} {host.now!r}"
    yield f"host_unreadable_processes{{{me}}} 0"


def _gpus(host: AgentHost) -> Iterator[str]:
    for gpu in range(_GPUS):
        me = f'host="{host.name}",gpu="{gpu}"'
        throttled = host.sickness is not None and host.sickness.throttled_gpu == gpu
        yield (
            f'gpu_info{{{me},uuid="GPU-{host.name}-{gpu}",name="NVIDIA H200",serial="",'
            f'pci_bus_id="0000:{16 * gpu + 27:02x}:00.0",minor="{gpu}",numa_node="{gpu // 2}"}} 1'
        )
        yield f'gpu_state_info{{{me},state="ok",reason=""}} 1'
        for name, value in _values(host, throttled).items():
            yield f"gpu_{name}{{{me}}} {value!r}"
        yield f"gpu_clocks_event_reasons{{{me}}} {int(throttled)}"
        if throttled:
            yield f'gpu_clocks_event_reason_info{{{me},reason="hw_power_brake_slowdown"}} 1'
        held = host.uptime if throttled else 0.0
        yield f'gpu_throttled_seconds_total{{{me},reason="hw_power_brake_slowdown"}} {held!r}'
        yield f'gpu_recovery_action_info{{{me},action="none"}} 1'
        yield f"gpu_xids_watched{{{me}}} 1"
        yield f"gpu_processes{{{me}}} 1"
        yield f'gpu_process_info{{{me},pid="{_LAUNCHER + 10 + gpu}",gpu_instance="",compute_instance=""}} 1'
        yield f'gpu_nearest_device_info{{{me},device="mlx5_{gpu}"}} 1'


def _values(host: AgentHost, throttled: bool) -> dict[str, float]:
    return {
        "utilization_ratio": 1.0 if throttled else round(host.busy, 3),
        "memory_total_bytes": 141 * _GIB,
        "memory_used_bytes": 127 * _GIB,
        "power_watts": 290.0 if throttled else 150.0 + round(480.0 * host.busy, 1),
        "power_limit_watts": 700.0,
        "energy_joules_total": round(400.0 * host.uptime, 1),
        "temperature_celsius": 49.0 if throttled else 61.0,
        "clock_sm_hertz": 690e6 if throttled else 1980e6,
        "clock_sm_max_hertz": 1980e6,
        "ecc_uncorrected_volatile_total": 0,
        "remapped_rows_failed": 0,
        "remapped_rows_pending": 0,
        "nvlinks": 18,
        "nvlinks_active": 18,
        "pcie_generation": 5,
        "pcie_generation_max": 5,
        "pcie_width": 16,
        "pcie_width_max": 16,
        "pcie_replays_total": 0,
    }


def _ports(host: AgentHost) -> Iterator[str]:
    for port in range(_GPUS):
        device = f'host="{host.name}",device="mlx5_{port}"'
        me = f'{device},port="1"'
        half = host.sickness is not None and host.sickness.half_rate_port == port
        rate = _FULL_RATE // 2 if half else _FULL_RATE
        yield (
            f'fabric_device_info{{{device},driver="mlx5",vendor="NVIDIA",firmware="28.43.2026",board="MT_0000000838",'
            f'model="MT4129",guid="",pci_slot="0000:{16 * port + 24:02x}:00.0",pci_path="",numa_node="{port // 2}"}} 1'
        )
        yield f"fabric_device_answered_timestamp_seconds{{{device}}} {host.now!r}"
        yield f'fabric_port_info{{{me},link_layer="infiniband",netdev="ib{port}",speed="NDR"}} 1'
        yield f'fabric_port_state_info{{{me},state="active",physical_state="link_up"}} 1'
        yield f"fabric_port_rate_bytes_per_second{{{me}}} {rate}"
        yield f"fabric_port_sibling_rate_bytes_per_second{{{me}}} {_FULL_RATE}"
        yield f"fabric_port_lanes{{{me}}} {2 if half else 4}"
        moved = int(host.uptime * rate * _RATE_OF_TRAFFIC)
        for name, value in (("rx_bytes", moved), ("tx_bytes", moved), ("link_downed", 0), ("symbol_errors", 0)):
            yield f"fabric_port_{name}_total{{{me}}} {value}"


def _engine(host: AgentHost) -> Iterator[str]:
    group = f'host="{host.name}",group="{_LAUNCHER}"'
    facts = {
        "config.family": "vllm",
        "config.port": str(urlsplit(host.worker_url).port),
        "config.kv.connector": "NixlConnector",
        "config.kv.role": host.connector_role,
        "config.tensor_parallel": str(_GPUS),
        "environment.UCX_TLS": "rc,cuda_copy",
        "environment.VLLM_NIXL_SIDE_CHANNEL_HOST": host.name,
        "limits.locked_memory_bytes": "unlimited",
        "limits.open_files": "1048576.0",
    }
    yield f'engine_group_info{{{group},family="vllm",orphaned="false"}} 1'
    for key, value in facts.items():
        yield f'engine_config_info{{{group},key="{key}",value="{value}"}} 1'
    for offset, kind, rank in ((0, "launcher", ""), *((10 + gpu, "worker", str(gpu)) for gpu in range(_GPUS))):
        me = f'{group},pid="{_LAUNCHER + offset}"'
        parent = _LAUNCHER if offset else 1
        yield f'engine_process_info{{{me},parent="{parent}",kind="{kind}",tp="{rank}"}} 1'
        yield f'engine_process_state_info{{{me},state="running"}} 1'
