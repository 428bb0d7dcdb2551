"""RDMA devices and ports on a page of `pdwatch agent`."""

from __future__ import annotations

from collections import defaultdict

from pdwatch.host.adapters.samples import Facts, Labels, Samples, told
from pdwatch.model.port import DeviceReading, FabricReading, PortCounter, PortGauge, PortReading
from pdwatch.model.records import read_record

_PORT = "pdwatch_fabric_port_"
_DEVICE = "pdwatch_fabric_device_"

Ports = defaultdict[tuple[str, str], Facts]


def fabric_reading(samples: Samples) -> FabricReading | None:
    """Return all devices and ports of the page; `None` where it tells of none. Raises `ValueError`."""
    at = samples.value("pdwatch_fabric_reading_timestamp_seconds")
    if at is None:
        return None
    ports: Ports = defaultdict(dict)
    for part in (_identities, _rates, _counts):
        part(samples, ports)
    readings = (read_record(PortReading, {"device": key[0], "port": key[1]} | facts) for key, facts in ports.items())
    return FabricReading(at, _devices(samples), tuple(readings))


def _key(labels: Labels) -> tuple[str, str]:
    return labels["device"], labels["port"]


def _identities(samples: Samples, ports: Ports) -> None:
    for labels, _ in samples.of(f"{_PORT}info"):
        ports[_key(labels)] |= told(labels, "link_layer", "netdev", "speed")
    for labels, _ in samples.of(f"{_PORT}state_info"):
        ports[_key(labels)] |= told(labels, "state", "physical_state")
    for labels, _ in samples.of(f"{_PORT}saturated_info"):
        ports[_key(labels)].setdefault("saturated", []).append(labels["counter"])


def _rates(samples: Samples, ports: Ports) -> None:
    for labels, value in samples.of(f"{_PORT}rate_bytes_per_second"):
        ports[_key(labels)]["rate_bits_per_second"] = 8 * value
    for labels, value in samples.of(f"{_PORT}sibling_rate_bytes_per_second"):
        ports[_key(labels)]["sibling_rate_bits_per_second"] = 8 * value
    for labels, value in samples.of(f"{_PORT}lanes"):
        ports[_key(labels)]["lanes"] = value
    for labels, value in samples.of(f"{_PORT}counters_lifespan_seconds"):
        ports[_key(labels)]["lifespan_seconds"] = value


def _counts(samples: Samples, ports: Ports) -> None:
    for counter in PortCounter:
        for labels, value in samples.of(f"{_PORT}{counter.value}_total"):
            ports[_key(labels)].setdefault("counters", {})[counter.value] = value
    for gauge in PortGauge:
        for labels, value in samples.of(f"{_PORT}{gauge.value}"):
            ports[_key(labels)].setdefault("gauges", {})[gauge.value] = value


def _devices(samples: Samples) -> tuple[DeviceReading, ...]:
    same = ("driver", "vendor", "firmware", "board", "guid", "pci_slot", "numa_node")
    devices: dict[str, Facts] = {}
    for labels, _ in samples.of(f"{_DEVICE}info"):
        path = [part for part in labels.get("pci_path", "").split("/") if part]
        facts = told(labels, *same, name="device", type="model")
        devices[labels["device"]] = facts | {"pci_path": path}
    for labels, _ in samples.of(f"{_DEVICE}stale_info"):
        devices[labels["device"]]["stale"] = labels["reason"]
    for labels, value in samples.of(f"{_DEVICE}answered_timestamp_seconds"):
        devices[labels["device"]]["answered_at"] = value
    return tuple(read_record(DeviceReading, facts) for facts in devices.values())
