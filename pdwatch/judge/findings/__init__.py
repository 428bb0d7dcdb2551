"""Every finding, most urgent kind first. One file per kind."""

from __future__ import annotations

from pdwatch.judge.definition import FindingDef
from pdwatch.judge.findings import cache, liveness, queue, requests, roles, transfer

FINDINGS: tuple[FindingDef, ...] = (
    *liveness.FINDINGS,
    *roles.FINDINGS,
    *transfer.FINDINGS,
    *requests.FINDINGS,
    *cache.FINDINGS,
    *queue.FINDINGS,
)

BY_ID = {definition.id: definition for definition in FINDINGS}
