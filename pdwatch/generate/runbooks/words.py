"""Words that pages about findings share."""

from __future__ import annotations

import re

from pdwatch.judge.definition import FindingDef
from pdwatch.judge.findings import BY_ID
from pdwatch.judge.words import seconds

_CODE_OR_ID = re.compile(rf"`[^`]*`|\b({'|'.join(BY_ID)})\b")


def begins(definition: FindingDef) -> str:
    """Return when a finding is named."""
    wait = definition.onset_seconds
    return f"once its condition has held for {seconds(wait)}" if wait else "at once"


def ends(definition: FindingDef) -> str:
    """Return when a finding is over."""
    wait = definition.clear_seconds
    return f"{seconds(wait)} after its condition is" if wait else "with its condition"


def link(finding: str) -> str:
    """Return a link from one runbook to another."""
    return f"[`{finding}`]({finding}.md)"


def linked(text: str) -> str:
    """Return a text of a runbook in which the findings that it names are links."""
    return _CODE_OR_ID.sub(lambda found: link(found[1]) if found[1] else found[0], text)
