"""docs/findings.md: every finding on one page, from the entries that also judge."""

from __future__ import annotations

from pdwatch.generate.runbooks.words import begins
from pdwatch.judge.definition import FindingDef
from pdwatch.judge.findings import FINDINGS

_HEAD = """# Findings

What `pdwatch` names, most urgent kinds first, generated from `pdwatch/judge/findings/` by `pdwatch generate docs`. Each
has a [runbook](runbooks/README.md) that says how to confirm and how to fix it. Thresholds are listed in
[configuration.md](configuration.md) under `thresholds`, and every one can be changed there.

While a finding with *fix* stands, the advice is `fix`: more replicas do not cure it. A finding that explains others is
told as their root, and they under it, while it stands near enough to be their cause; the runbooks name them.

| Finding | Severity | Named | Advice | What it means |
|---|---|---|---|---|
"""


def findings_page() -> str:
    """Return the whole page. Its anchors are stable: `docs/findings.md#worker_down`."""
    return _HEAD + "".join(map(_row, FINDINGS))


def _row(definition: FindingDef) -> str:
    name = f'<a id="{definition.id}"></a>[`{definition.id}`](runbooks/{definition.id}.md)'
    advice = "fix" if definition.not_capacity else ""
    means = f"**{definition.title}.** {definition.meaning}"
    return f"| {name} | {definition.severity.word} | {begins(definition)} | {advice} | {means} |\n"
