"""docs/findings.md: a runbook for each finding, from the entries that also judge."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef
from pdwatch.judge.findings import FINDINGS
from pdwatch.judge.words import seconds

_HEAD = """# Findings

What `pdwatch` names, most urgent kinds first, generated from `pdwatch/judge/findings/` by `pdwatch generate docs`.
The anchors are stable: `docs/findings.md#worker_down`. Thresholds are listed in
[configuration.md](configuration.md) under `thresholds`, and every one can be changed there.

| Finding | Severity | Title |
|---|---|---|
"""

_EXPLAINED = "so that these are told under it while it stands near enough"


def findings_page() -> str:
    """Return the whole page."""
    rows = "\n".join(f"| [`{d.id}`](#{d.id}) | {d.severity.word} | {d.title} |" for d in FINDINGS)
    return f"{_HEAD}{rows}\n" + "".join("\n".join(_section(definition)) for definition in FINDINGS)


def _section(definition: FindingDef) -> Iterator[str]:
    yield f'\n<a id="{definition.id}"></a>\n'
    yield f"## {definition.id}: {definition.title}\n"
    yield f"Severity: {definition.severity.word}. {_timing(definition)}\n"
    yield f"**What it means.** {definition.meaning}\n"
    yield f"**How to confirm it.** {definition.confirm}\n"
    yield f"**What to do.** {definition.fix}\n"
    yield f"**Confused with.** {definition.confused_with}\n"
    if definition.explains:
        yield f"**Explains**, {_EXPLAINED}: {', '.join(f'[`{name}`](#{name})' for name in definition.explains)}.\n"


def _timing(definition: FindingDef) -> str:
    onset = (
        f"It must hold for {seconds(definition.onset_seconds)}." if definition.onset_seconds else "It is named at once."
    )
    clear = (
        f" It is over {seconds(definition.clear_seconds)} after its condition is." if definition.clear_seconds else ""
    )
    cure = " More replicas do not cure it: the advice is `fix` while it stands." if definition.not_capacity else ""
    return onset + clear + cure
