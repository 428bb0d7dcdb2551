"""Everything that is generated and committed, by kind and file name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pdwatch.config.reference import docs_page
from pdwatch.generate.docs import docs_table
from pdwatch.generate.findings import findings_page

PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "docs": {"metrics.md": docs_table, "configuration.md": docs_page, "findings.md": findings_page},
}


def differing(kind: str, folder: Path) -> list[Path]:
    """Return the files of a kind that are missing from *folder* or differ from what would be written."""
    files = {folder / name: make for name, make in PAGES[kind].items()}
    return [path for path, make in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != make()]


def write(kind: str, folder: Path) -> list[Path]:
    """Write the files of a kind that differ and return them. Raises `OSError`."""
    changed = differing(kind, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in changed:
        path.write_text(PAGES[kind][path.name](), encoding="utf-8")
    return changed
