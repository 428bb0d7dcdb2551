"""Every finding, most urgent kind first. One file per kind."""

from __future__ import annotations

from pdwatch.judge.definition import FindingDef
from pdwatch.judge.findings import (
    cache,
    config,
    experts,
    fabric,
    fabric_traffic,
    gpu,
    gpu_links,
    leftovers,
    liveness,
    objectives,
    pages,
    queue,
    readiness,
    requests,
    roles,
    setup,
    slow,
    transfer,
    transfer_path,
    transfer_setup,
)

FINDINGS: tuple[FindingDef, ...] = (
    *liveness.FINDINGS,
    *readiness.FINDINGS,
    *leftovers.FINDINGS,
    *pages.FINDINGS,
    *roles.FINDINGS,
    *gpu.FINDINGS,
    *gpu_links.FINDINGS,
    *fabric.FINDINGS,
    *fabric_traffic.FINDINGS,
    *config.FINDINGS,
    *transfer.FINDINGS,
    *transfer_path.FINDINGS,
    *transfer_setup.FINDINGS,
    *setup.FINDINGS,
    *requests.FINDINGS,
    *objectives.FINDINGS,
    *cache.FINDINGS,
    *slow.FINDINGS,
    *queue.FINDINGS,
    *experts.FINDINGS,
)

BY_ID = {definition.id: definition for definition in FINDINGS}
