"""Fabric ports that are down, slow, or whose counters say nothing more."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.symptoms import SLOW_KV, WORKER_LOST, together
from pdwatch.judge.homes import Home, homes, port_name
from pdwatch.judge.words import gigabits
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.port import PortCounter, PortReading, PortState

_GRAVE = frozenset({PortCounter.LINK_DOWNED, PortCounter.INTEGRITY_ERRORS, PortCounter.BUFFER_OVERRUNS})
"""Counters whose growth alone is critical, so that blindness to it matters."""


def _down(view: View) -> Iterator[Hit]:
    for home in homes(view):
        for port, seen in home.ports:
            if port.active or port.state is None:
                continue
            name = port_name(port)
            found = _why_down(home, port, seen.was_active)
            if found is not None:
                severity, why = found
                scope = home.scope(port=name)
                evidence = (Evidence("fabric_port_active", 0.0, "ratio", 1.0, scope),)
                text = f"Port {name} of {home.host} {why}: {home.worker.worker} moves KV through it."
                yield Hit(scope, text, evidence, severity)
        yield from _vanished(home)


def _why_down(home: Home, port: PortReading, was_active: bool) -> tuple[Severity, str] | None:
    """Return how bad it is and why; `None` for a port that was perhaps never meant to be up."""
    state = port.state.value if port.state is not None else "unknown"
    physical = f", link {port.physical_state.value}" if port.physical_state is not None else ""
    if was_active:
        return Severity.CRITICAL, f"went down (state {state}{physical})"
    if port.state in (PortState.INIT, PortState.ARMED):
        return Severity.WARNING, f"has a link but no subnet manager activates it (state {state})"
    gpus = _cut_off(home, port.device)
    if gpus:
        return Severity.CRITICAL, f"is down (state {state}{physical}) and GPU {gpus} has no other near it"
    return None


def _cut_off(home: Home, device: str) -> str:
    """Return the worker's GPUs near *device* that have no active port nearby, where other ports of the host are up."""
    ports = home.reading.fabric.ports if home.reading.fabric is not None else ()
    active = {port.device for port in ports if port.active}
    near = home.reading.nearest
    cut = [
        gpu for gpu in home.placement.gpus if device in near.get(gpu, ()) and not active.intersection(near.get(gpu, ()))
    ]
    return ", ".join(map(str, cut)) if active else ""


def _vanished(home: Home) -> Iterator[Hit]:
    for (device, number), seen in home.signals.ports.items():
        if not seen.present and seen.was_active:
            scope = home.scope(port=f"{device}/{number}")
            evidence = (Evidence("fabric_port_active", 0.0, "ratio", 1.0, scope),)
            text = f"Port {device}/{number} of {home.host} is gone: the kernel no longer lists its device."
            yield Hit(scope, text, evidence)


def _slow(view: View) -> Iterator[Hit]:
    for home in homes(view):
        for port, seen in home.ports:
            own = port.rate_bits_per_second
            best = max(port.sibling_rate_bits_per_second or 0, seen.fastest_bits_per_second or 0)
            if port.active and own is not None and own < best:
                scope = home.scope(port=port_name(port))
                evidence = (Evidence("fabric_port_rate", own / 8, "bytes per second", best / 8, scope),)
                siblings = port.slower_than_siblings
                against = "others of its kind on this host run" if siblings else "it has run before"
                text = (
                    f"Port {port_name(port)} of {home.host} runs at {gigabits(own)} where {against} at "
                    f"{gigabits(best)}: transfers of {home.worker.worker} through it are slower."
                )
                yield Hit(scope, text, evidence)


def _saturated(view: View) -> Iterator[Hit]:
    for home in homes(view):
        for port, _ in home.ports:
            if not port.saturated:
                continue
            names = sorted(counter.value for counter in port.saturated)
            scope = home.scope(port=port_name(port))
            evidence = tuple(Evidence(f"fabric_port_{name}", None, "count", None, scope) for name in names)
            text = (
                f"Port {port_name(port)} of {home.host}: {', '.join(names)} stuck at the largest value, so that more of "
                "them does not show."
            )
            severity = Severity.WARNING if port.saturated & _GRAVE else Severity.INFO
            yield Hit(scope, text, evidence, severity)


FINDINGS = (
    FindingDef(
        id="fabric_port_down",
        severity=Severity.CRITICAL,
        title="Fabric port down",
        meaning="A port through which a worker moves KV carries no traffic: it was active before and is not any more, its "
        "device is gone, or it is down while its GPU has no other port near it. Transfers fail or take a detour over other "
        "GPUs' ports. A port that was down from the start beside active ones near the same GPU is taken as not in use.",
        confirm="Run `ibstat` or `rdma link` on the host; look for the device in `dmesg | grep -i mlx5` (or its driver).",
        fix="Take the worker out of the router, reseat or replace cable and transceiver, look at the switch port; for a state "
        "of init or armed, start or mend the subnet manager. Restart the worker after the port is up: queue pairs of "
        "a dead port do not come back.",
        confused_with="Maintenance of a switch, where the ports of many hosts go down at once.",
        detect=_down,
        clear_seconds=0.0,
        not_capacity=True,
        explains=(
            "fabric_errors",
            "rdma_init_failed",
            "kv_transfer_off_fabric",
            "worker_slow",
            *together(SLOW_KV, WORKER_LOST),
        ),
    ),
    FindingDef(
        id="fabric_rate_degraded",
        severity=Severity.WARNING,
        title="Fabric port at a lower rate",
        meaning="An active port runs slower than another of the same driver, link layer and board on its host, or than "
        "it did before: the link was trained at a lower speed or with fewer lanes.",
        confirm="Compare `rate` of all ports: `cat /sys/class/infiniband/*/ports/*/rate`.",
        fix="Reseat the cable, clean or replace the transceiver, then retrain the link (port down and up, with the worker out of "
        "the router). If it stays, look at the speed configured on the switch port.",
        confused_with="Two cards of one model that are cabled to different networks on purpose.",
        detect=_slow,
        onset_seconds=4.0,
        not_capacity=True,
        explains=("fabric_congested", "worker_slow", *SLOW_KV),
    ),
    FindingDef(
        id="counter_saturated",
        severity=Severity.INFO,
        title="Error counter stuck at its largest value",
        meaning="Counters of a port that have only a few bits stop at their largest value until somebody clears them. What grows "
        "beyond it is not visible here nor in any other tool; link_downed stops at 255, integrity_errors at 15.",
        confirm="Read the counter below /sys/class/infiniband/DEVICE/ports/N/counters twice: it does not move.",
        fix="Clear the counters of the port, for instance with `perfquery -R` on InfiniBand, and watch whether it grows again. A "
        "counter that fills within hours tells of a bad link.",
        confused_with="A counter that simply does not grow: then it stands below its largest value.",
        detect=_saturated,
    ),
)
