"""The runbook of a finding, which is also that of its alert."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.generate.alerts.definition import alert_name
from pdwatch.generate.runbooks.page import Runbook, fenced, page
from pdwatch.generate.runbooks.thresholds import thresholds_of
from pdwatch.generate.runbooks.words import begins, ends, link
from pdwatch.judge.definition import FindingDef
from pdwatch.judge.findings import FINDINGS


def finding_runbook(definition: FindingDef) -> str:
    """Return the page."""
    return page(
        Runbook(
            title=definition.title,
            facts=_facts(definition),
            meaning=definition.meaning,
            thresholds=thresholds_of(definition),
            confirm=definition.confirm,
            with_pdwatch=(
                "That is without pdwatch. With it, the numbers behind the finding and where it stands:",
                "",
                *fenced("sh", "pdwatch check --connect http://MONITOR:10077"),
                "",
                *fenced("promql", f'pdwatch_finding_active{{finding="{definition.id}"}}'),
            ),
            fix=definition.fix,
            confused_with=definition.confused_with,
            related=tuple(_related(definition)),
        )
    )


def _facts(definition: FindingDef) -> dict[str, str]:
    facts = {
        "Finding": f"`{definition.id}`",
        "Alert": f"`{alert_name(definition.id)}`",
        "Severity": definition.severity.word,
        "Named": begins(definition),
        "Over": ends(definition),
    }
    if definition.not_capacity:
        facts["Advice while it stands"] = "`fix`: more replicas do not cure it"
    return facts


def _related(definition: FindingDef) -> Iterator[str]:
    causes = [other.id for other in FINDINGS if definition.id in other.explains]
    if causes:
        yield from (f"It may be a symptom of one of these; look for them first, {definition.reach.value}:", "")
        yield from (f"- {link(cause)}" for cause in causes)
    if causes and definition.explains:
        yield ""
    if definition.explains:
        yield from ("It explains these, which are told under it while both stand:", "")
        yield from (f"- {link(symptom)}" for symptom in definition.explains)
