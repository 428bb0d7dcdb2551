"""Fabric ports of hosts: InfiniBand, RoCE and EFA."""

from __future__ import annotations

from pdwatch.catalog import fabric as f
from pdwatch.catalog import gpu as g
from pdwatch.catalog.definition import MetricDef
from pdwatch.generate.dashboards.boards import common as c
from pdwatch.generate.dashboards.boards.scopes import HOSTS as SCOPE
from pdwatch.generate.dashboards.colors import above
from pdwatch.generate.dashboards.panels import Label, Panel, Query, TimeSeries, Value, table
from pdwatch.generate.dashboards.promql import most, total
from pdwatch.model.port import PortCounter as P

_PORT = ("host", "device", "port")
_NAME = "{{host}} {{device}}/{{port}}"
_STUCK = "A counter that is stuck at its largest value no longer counts; `pdwatch_fabric_port_saturated_info` names it."


def _worst(metric: MetricDef) -> str:
    return most(SCOPE.of(metric), *_PORT)


def _rate(*counters: P, by: tuple[str, ...] = _PORT) -> str:
    return " + ".join(most(SCOPE.rate(f.COUNTERS[counter]), *by) for counter in counters)


def _all_hosts(counter: P, words: str) -> Query:
    return Query(total(_rate(counter)), words)


_TABLE = table(
    title="Each port: is it up, how fast is its link, and its fastest sibling",
    description="A link below its siblings' rate is degraded. From `pdwatch_fabric_port_up`, "
    "`pdwatch_fabric_port_rate_bytes_per_second` and `pdwatch_fabric_port_sibling_rate_bytes_per_second`.",
    labels=(
        Label("host", "Host", link=c.TO_GPUS),
        Label("device", "Device", width=90),
        Label("port", "Port", width=60),
        Label("state", "State", width=80),
        Label("link_layer", "Speaks", width=100),
        Label("speed", "Speed", width=80),
    ),
    values=(
        Value(most(f"1 - {SCOPE.of(f.UP)}", *_PORT), "Down", meanings=c.NO_YES, width=70),
        Value(f"{_worst(f.RATE)} < bool {_worst(f.SIBLING_RATE)}", "Below siblings", meanings=c.NO_YES, width=120),
        Value(_worst(f.RATE), "Rate", "Bps"),
        Value(_rate(P.TX_BYTES), "Sends", "Bps"),
        Value(_rate(P.RX_BYTES), "Receives", "Bps"),
        Value(most(SCOPE.of(f.STATE), *_PORT, "state"), "In state", hidden=True),
        Value(most(SCOPE.of(f.INFO), *_PORT, "link_layer", "speed"), "Is", hidden=True),
    ),
    worst_first=("Down", "Below siblings"),
    width=16,
    missing="no fabric port is watched",
)

PANELS: tuple[Panel, ...] = (
    _TABLE,
    TimeSeries(
        title="How much of its link each port uses",
        description="The busier direction over the rate of the link.",
        unit="percentunit",
        queries=(
            Query(
                most(f"({_rate(P.TX_BYTES)} > {_rate(P.RX_BYTES)} or {_rate(P.RX_BYTES)}) / {_worst(f.RATE)}", *_PORT),
                _NAME,
            ),
        ),
        maximum=1,
    ),
    TimeSeries(
        title="How much each host sends and receives over its fabric",
        description="RDMA bytes over all ports; sent is drawn above, received too.",
        unit="Bps",
        queries=(
            Query(total(_rate(P.TX_BYTES), "host"), "{{host}} sends"),
            Query(total(_rate(P.RX_BYTES), "host"), "{{host}} receives"),
        ),
    ),
    TimeSeries(
        title="Where the fabric is congested",
        description="Packets that a switch marked, and notifications that slowed senders. On native InfiniBand: "
        "ticks with data to send and no credit. " + _STUCK,
        unit="cps",
        queries=(
            _all_hosts(P.ECN_MARKED, "marked by a switch"),
            _all_hosts(P.CNP_SENT, "asked a sender to slow down"),
            _all_hosts(P.CNP_HANDLED, "slowed down"),
            _all_hosts(P.TX_WAIT_TICKS, "ticks without credit"),
        ),
        missing="no port counts that",
        steps=above("fabric_congestion_per_second"),
    ),
    TimeSeries(
        title="Where packets are lost or sent again",
        description="Packets out of order, sent again, not acknowledged in time, and peers that were not ready. "
        + _STUCK,
        unit="cps",
        queries=(
            _all_hosts(P.OUT_OF_SEQUENCE, "out of order"),
            _all_hosts(P.RETRANSMITS, "sent again"),
            _all_hosts(P.RETRANSMIT_TIMEOUTS, "not acknowledged"),
            _all_hosts(P.RNR_NAKS, "peer not ready"),
            _all_hosts(P.RETRIES_EXHAUSTED, "given up"),
        ),
        missing="no port counts that",
        steps=above("fabric_sequence_errors_per_second"),
    ),
    TimeSeries(
        title="Which links go down or make errors",
        description="Links that went down or were trained again, symbol errors (some are normal on fast links), "
        "damaged packets. " + _STUCK,
        unit="cps",
        queries=(
            Query(f"{_rate(P.LINK_DOWNED)} > 0", f"{_NAME} went down"),
            Query(f"{_rate(P.LINK_RECOVERED)} > 0", f"{_NAME} trained again"),
            _all_hosts(P.SYMBOL_ERRORS, "symbol errors, all ports"),
            _all_hosts(P.RX_ERRORS, "damaged packets, all ports"),
        ),
        missing="no port counts that",
        steps=above("fabric_symbol_errors_per_second"),
    ),
    TimeSeries(
        title="Where packets are dropped",
        description="Dropped on receipt, dropped for want of a buffer, or not sent. " + _STUCK,
        unit="cps",
        queries=(
            _all_hosts(P.RX_DROPS, "dropped on receipt"),
            _all_hosts(P.RX_NO_BUFFER, "no buffer"),
            _all_hosts(P.TX_DISCARDS, "not sent"),
        ),
        missing="no port counts that",
        steps=above("fabric_discards_per_second"),
    ),
    table(
        title="Which device is nearest to which GPU",
        description="From `pdwatch_gpu_nearest_device_info`: KV should leave a GPU through it.",
        labels=(Label("host", "Host", link=c.TO_GPUS), Label("gpu", "GPU", width=60), Label("device", "Device")),
        values=(Value(most(SCOPE.of(g.NEAREST), "host", "gpu", "device"), "Nearest", hidden=True),),
        width=8,
        missing="not known",
    ),
)
