"""The signals of a service joined with the hosts that its workers live on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pdwatch.model.host import HostState
from pdwatch.model.snapshot import ServiceSignals
from pdwatch.signals.expert_logs import expert_balance
from pdwatch.signals.placement import placements


def with_hosts(signals: ServiceSignals, hosts: Mapping[str, HostState]) -> ServiceSignals:
    """Return the signals with placements, the hosts of these, and the balance of experts that logs tell."""
    if not hosts:
        return signals
    placed = placements(signals.workers, hosts)
    own = {placement.host: hosts[placement.host] for placement in placed}
    experts = {**signals.experts, **expert_balance(signals.workers, placed, own)}
    return replace(signals, hosts=own, placements=placed, experts=experts)
