"""docs/runbooks/: a page for each thing that may wake somebody, from the records that also judge and alert."""

from __future__ import annotations

from pdwatch.generate.runbooks.finding import finding_runbook
from pdwatch.generate.runbooks.index import index_page
from pdwatch.judge.findings import FINDINGS

__all__ = ["runbook_pages"]


def runbook_pages() -> dict[str, str]:
    """Return every runbook and their index by path below docs/."""
    pages = {f"runbooks/{definition.id}.md": finding_runbook(definition) for definition in FINDINGS}
    return {"runbooks/README.md": index_page(), **pages}
