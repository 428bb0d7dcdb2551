"""The signals of a service joined with the hosts that its workers live on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pdwatch.model.host import HostState
from pdwatch.model.hostsignals import HostSignals
from pdwatch.model.snapshot import ServiceSignals
from pdwatch.signals.expert_logs import expert_balance
from pdwatch.signals.placement import placements


def with_hosts(
    signals: ServiceSignals, hosts: Mapping[str, HostState], host_signals: Mapping[str, HostSignals]
) -> ServiceSignals:
    """Return the signals with placements, the hosts of these, and the balance of experts that logs tell."""
    if not hosts:
        return signals
    placed = placements(signals.workers, hosts)
    own = {placement.host: hosts[placement.host] for placement in placed}
    experts = {**signals.experts, **expert_balance(signals.workers, placed, own)}
    told = {name: host_signals[name] for name in own if name in host_signals}
    return replace(signals, hosts=own, placements=placed, experts=experts, host_signals=told)
