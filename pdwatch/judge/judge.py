"""The judgement of one service at one instant: signals in, the judged service out."""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.advice import Advisor, ServiceLimits
from pdwatch.judge.definition import View
from pdwatch.judge.findings import FINDINGS
from pdwatch.judge.standing import StandingFindings
from pdwatch.model.snapshot import ServiceSignals, ServiceState


class Judge:
    """What is remembered of one service between judgements."""

    def __init__(self, thresholds: Thresholds, horizon: float, limits: ServiceLimits) -> None:
        self._thresholds = thresholds
        self._findings = StandingFindings(FINDINGS)
        self._advisor = Advisor(thresholds, horizon, limits)

    def configure(self, thresholds: Thresholds, horizon: float, limits: ServiceLimits) -> None:
        """Judge by other numbers from now on; what stands stays until its condition is gone."""
        self._thresholds = thresholds
        self._advisor.configure(thresholds, horizon, limits)

    def memory(self) -> dict[str, object]:
        """Return what is worth keeping over a restart of pdwatch, as JSON has it."""
        return self._advisor.memory()

    def recall(self, kept: Mapping[str, object]) -> None:
        """Go on from what `memory` returned. Raises `ValueError` or `TypeError` where that is something else."""
        self._advisor.recall(kept)

    def judge(self, signals: ServiceSignals, now: float) -> ServiceState:
        """Return the service with its findings and its advice as of *now*."""
        signals = self._advisor.measure(signals, now)
        findings = self._findings.update(View(signals, self._thresholds), now)
        advice = self._advisor.advise(signals, findings, now)
        return ServiceState(
            service=signals.service,
            pools=signals.pools,
            transfer=signals.transfer,
            experts=signals.experts,
            latency=signals.latency,
            slo=signals.slo,
            workers=signals.workers,
            advice=advice,
            findings=findings,
            decisions=self._advisor.decisions.kept,
            routers=signals.routers,
            placements=signals.placements,
            transfer_paths=signals.transfer_paths,
            expert_balance_estimate=signals.expert_balance_estimate,
        )
