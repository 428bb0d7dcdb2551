"""Metrics of RDMA devices and ports."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pdwatch.catalog import fabric as metrics
from pdwatch.catalog.definition import MetricDef
from pdwatch.export.view import Extractor, Sample, Table, each_port, each_reading, of_ports, of_readings, text
from pdwatch.model.host import HostReading
from pdwatch.model.port import DeviceReading, PortCounter, PortGauge, PortReading


def _counter(counter: PortCounter) -> Extractor:
    return of_ports(lambda port: port.counters.get(counter))


def _gauge(gauge: PortGauge) -> Extractor:
    return of_ports(lambda port: port.gauges.get(gauge))


def _state(port: PortReading) -> Iterable[Sample]:
    if port.state is not None or port.physical_state is not None:
        yield (port.state or "", port.physical_state or ""), 1


def _info(port: PortReading) -> Iterable[Sample]:
    yield (port.link_layer or "", port.netdev or "", port.speed or ""), 1


def _saturated(port: PortReading) -> Iterable[Sample]:
    return (((counter.value,), 1) for counter in sorted(port.saturated))


def _bytes(bits: int | None) -> float | None:
    return None if bits is None else bits / 8


def _of_devices(rows: Callable[[DeviceReading], Iterable[Sample]]) -> Callable[[HostReading], Iterable[Sample]]:
    """Several samples per device; *rows* leaves out the label `device`."""
    return lambda reading: (
        ((device.name, *more), value)
        for device in (reading.fabric.devices if reading.fabric is not None else ())
        for more, value in rows(device)
    )


def _device(device: DeviceReading) -> Iterable[Sample]:
    facts = (device.driver, device.vendor, device.firmware, device.board, device.type, device.guid, device.pci_slot)
    yield (*map(text, facts), "/".join(device.pci_path), text(device.numa_node)), 1


def _stale(device: DeviceReading) -> Iterable[Sample]:
    if device.stale:
        yield (device.stale,), 1


_COUNTERS: dict[MetricDef, Extractor] = {entry: _counter(counter) for counter, entry in metrics.COUNTERS.items()}
_GAUGES: dict[MetricDef, Extractor] = {entry: _gauge(gauge) for gauge, entry in metrics.GAUGES.items()}

TABLE: Table = {
    **_COUNTERS,
    **_GAUGES,
    metrics.UP: of_ports(lambda port: None if port.state is None else port.active),
    metrics.STATE: each_port(_state),
    metrics.INFO: each_port(_info),
    metrics.RATE: of_ports(lambda port: _bytes(port.rate_bits_per_second)),
    metrics.SIBLING_RATE: of_ports(lambda port: _bytes(port.sibling_rate_bits_per_second)),
    metrics.LANES: of_ports(lambda port: port.lanes),
    metrics.LIFESPAN: of_ports(lambda port: port.lifespan_seconds),
    metrics.SATURATED: each_port(_saturated),
    metrics.UNREADABLE: of_ports(lambda port: len(port.unreadable)),
    metrics.DEVICE_INFO: each_reading(_of_devices(_device)),
    metrics.DEVICE_STALE: each_reading(_of_devices(_stale)),
    metrics.DEVICE_AT: each_reading(_of_devices(lambda device: [((), device.answered_at)])),
    metrics.READ_AT: of_readings(lambda reading: None if reading.fabric is None else reading.fabric.at),
}
