"""A host on the page: its own adapter reads it back, and the page for people shows it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdwatch.export.dialect import Dialect
from pdwatch.export.exposition import body_of, page_of
from pdwatch.export.itself import Instant
from pdwatch.export.landing import landing_page
from pdwatch.host.adapters import read, wants
from pdwatch.model.host import HostOrigin, HostReading, HostState
from pdwatch.model.logline import EngineStats
from pdwatch.model.snapshot import SelfState, Snapshot
from pdwatch.scrape.exposition import PageParser

NOW = 1_795_237_620.0


def page_about(*hosts: HostState, dialect: Dialect = Dialect.TEXT) -> str:
    snapshot = Snapshot(NOW, {}, {host.host: host for host in hosts}, SelfState(0, 0, 0))
    return page_of(body_of(snapshot, dialect), Instant()).decode()


def read_back(text: str, at: float) -> HostReading | None:
    content_type = Dialect.OPENMETRICS.value if text.endswith("# EOF\n") else ""
    return read(PageParser(wants).parse(text, content_type), "node0", at)


def on_page(reading: HostReading, at: float) -> HostReading:
    """What the page holds of a reading: no unreadable files, no empty sums; ages count to *at*."""
    gpus, fabric, logs = reading.gpus, reading.fabric, reading.logs
    sums = ("throttled_seconds", "nvlink_errors", "c2c_errors")
    return replace(
        reading,
        origin=HostOrigin.AGENT,
        at=at,
        gpus=gpus
        and replace(
            gpus,
            gpus=tuple(replace(gpu, **{name: getattr(gpu, name) or None for name in sums}) for gpu in gpus.gpus),
        ),
        fabric=fabric and replace(fabric, ports=tuple(replace(port, unreadable={}) for port in fabric.ports)),
        logs=logs
        and replace(logs, balancedness=tuple(replace(each, age_seconds=at - each.at) for each in logs.balancedness)),
    )


def thinned(value: Any, drawn: st.DataObject) -> Any:
    """The same with some of what may be unknown left out, at any depth."""
    if is_dataclass(value):
        hints = get_type_hints(type(value))
        some = {
            entry.name: None
            if type(None) in getattr(hints[entry.name], "__args__", ()) and drawn.draw(st.booleans())
            else thinned(getattr(value, entry.name), drawn)
            for entry in fields(value)
        }
        return replace(value, **some)
    if isinstance(value, tuple):
        return tuple(thinned(item, drawn) for item in value)
    return value


@pytest.mark.parametrize("dialect", Dialect)
def test_an_agents_page_is_read_back_as_the_reading_behind_it(host, dialect):
    """Everything that is exported survives the way over the page, in both formats."""
    assert on_page(host.reading, NOW) == read_back(page_about(host, dialect=dialect), NOW)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=st.data())
def test_what_is_unknown_is_unknown_on_the_other_side(host, drawn):
    """Whatever a host lacks, absence comes back as absence and not as zero, and nothing else is touched."""
    reading = thinned(host.reading, drawn)

    assert on_page(reading, NOW) == read_back(page_about(replace(host, reading=reading)), NOW)


def test_an_empty_list_is_no_unknown_one(host):
    """A GPU without throttling, XIDs or processes differs from one that does not tell of them."""
    gpu = replace(host.reading.gpus.gpus[0], clocks_event_reasons=(), xids=(), processes=())
    reading = replace(host.reading, gpus=replace(host.reading.gpus, gpus=(gpu,)))
    back = read_back(page_about(replace(host, reading=reading)), NOW)

    assert ((), (), ()) == (
        back.gpus.gpus[0].clocks_event_reasons,
        back.gpus.gpus[0].xids,
        back.gpus.gpus[0].processes,
    )


def test_a_stale_host_shows_no_values(host):
    """An old value is no value; that the host is stale is told."""
    text = page_about(replace(host, stale=True, up=False, age_seconds=90.0))

    assert 'pdwatch_host_stale{host="node0"} 1.0' in text
    assert 'pdwatch_host_reading_age_seconds{host="node0"} 90.0' in text
    assert "pdwatch_gpu_" not in text
    assert "pdwatch_fabric_" not in text


def test_a_fleet_without_hosts_has_nothing_of_them():
    """Not even the names of their metrics are on the page."""
    text = page_about()

    assert not any(word in text for word in ("pdwatch_host", "pdwatch_gpu", "pdwatch_fabric", "pdwatch_engine_"))


def test_nvlinks_are_summed_per_gpu(host):
    """Eighteen links on eight GPUs would be hundreds of series a host."""
    lines = [line for line in page_about(host).splitlines() if line.startswith("pdwatch_gpu_nvlink_sent_bytes_total{")]

    assert 1 == len(lines)


def test_a_configuration_value_is_cut_before_readers_refuse_the_page(host):
    """A label that is too long would cost the whole page."""
    group = replace(host.reading.processes.groups[0], environment={"UCX_TLS": "x" * 9000})
    reading = replace(host.reading, processes=replace(host.reading.processes, groups=(group,)))
    back = read_back(page_about(replace(host, reading=reading)), NOW)

    assert 1024 == len(back.processes.groups[0].environment["UCX_TLS"])


def test_statistics_lines_of_logs_stay_on_their_host(host):
    """Engines tell the same in their metrics."""
    log = replace(host.reading.logs.sources[0], engines={"0": EngineStats(waiting=3.0)})
    reading = replace(host.reading, logs=replace(host.reading.logs, sources=(log,)))

    assert page_about(host) == page_about(replace(host, reading=reading))


def test_people_see_gpus_ports_processes_and_logs(host):
    """Each has its table, with what is wrong in words."""
    html = landing_page(Snapshot(NOW, {}, {"node0": host}, SelfState(0, 0, 0)), NOW)

    for shown in (
        "Host node0",
        "NVIDIA H200",
        "sw_power_cap, hw_slowdown",
        "lost: fell off the bus",
        "mlx5_0:1",
        "200 Gb/s of 400 Gb/s",
        "mlx5_1: no answer for 8.7 s",
        "NixlConnector",
        "launcher is gone",
        "/var/log/vllm/decode.log",
        "transfer_failed 3",
        "m/r1 0.84",
        "nvml failed: NVML did not answer",
        "logs: no log is configured on this host",
        "1 of 1 hosts",
    ):
        assert shown in html


def test_markup_in_what_a_host_tells_is_text(host):
    """A GPU's name comes from hardware, a model's from a command line."""
    gpu = replace(host.reading.gpus.gpus[0], name="<script>alert(1)</script>")
    reading = replace(host.reading, gpus=replace(host.reading.gpus, gpus=(gpu,)))
    html = landing_page(Snapshot(NOW, {}, {"h": replace(host, reading=reading)}, SelfState(0, 0, 0)), NOW)

    assert "<script>" not in html


def test_a_host_that_never_answered_says_why():
    """Its error is shown, and there is nothing else to show."""
    state = HostState("node1", (), False, None, error="connection refused", stale=True)
    html = landing_page(Snapshot(NOW, {}, {"node1": state}, SelfState(0, 0, 0)), NOW)

    assert "connection refused" in html
    assert 'pdwatch_host_up{host="node1"} 0.0' in page_about(state)
