"""What is generated and committed is what would be generated now."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdwatch.generate.pages import PAGES, differing, folder_of, write
from pdwatch.judge.findings import FINDINGS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", PAGES)
def test_committed_files_are_up_to_date(kind: str) -> None:
    """`pdwatch generate` changes nothing; if this fails, run it and commit."""
    assert [] == differing(kind, ROOT / folder_of(kind))


def test_a_file_changed_by_hand_is_told_and_mended(tmp_path: Path) -> None:
    """Only the file that differs is written."""
    write("docs", tmp_path)
    (tmp_path / "findings.md").write_text("by hand")

    assert [tmp_path / "findings.md"] == write("docs", tmp_path)
    assert [] == differing("docs", tmp_path)


@pytest.mark.parametrize("finding", [definition.id for definition in FINDINGS])
def test_every_finding_has_its_anchor(finding: str) -> None:
    """Alerts and screens link to it."""
    assert f'<a id="{finding}"></a>' in (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
