"""Everything that is generated and committed, by kind and path below the kind's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pdwatch.config.reference import docs_page
from pdwatch.generate.alerts.files import alert_files
from pdwatch.generate.alerts.page import alerts_page
from pdwatch.generate.docs import docs_table
from pdwatch.generate.engines import engines_page
from pdwatch.generate.findings import findings_page
from pdwatch.generate.options import Options
from pdwatch.generate.rules.files import rule_files
from pdwatch.generate.runbooks import runbook_pages

Files = Mapping[str, str]
"""Contents by path below the folder of a kind, such as `kubernetes/configmaps.yaml`."""

_DEFAULT = Options()


def _docs(_: Options) -> Files:
    pages = {"metrics.md": docs_table(), "configuration.md": docs_page(), "findings.md": findings_page()}
    return {**pages, "engines.md": engines_page(), "alerts.md": alerts_page(), **runbook_pages()}


def _dashboards(options: Options) -> Files:
    from pdwatch.generate.dashboards.files import files  # noqa: PLC0415 - loads grafanalib

    return files(options)


PAGES: Mapping[str, Callable[[Options], Files]] = {
    "docs": _docs,
    "dashboards": _dashboards,
    "alerts": alert_files,
    "rules": rule_files,
}
"""What makes the files of a kind: one line for each kind."""
_SHARED = {"rules": "alerts"}
"""Kinds that lie in the folder of another."""


def folder_of(kind: str) -> str:
    """Return the folder below the top level in which the files of a kind are committed."""
    return _SHARED.get(kind, kind)


def differing(kind: str, folder: Path, options: Options = _DEFAULT) -> list[Path]:
    """Return the files of a kind that are missing from *folder* or differ from what would be written."""
    return [folder / name for name, text in PAGES[kind](options).items() if not _holds(folder / name, text)]


def write(kind: str, folder: Path, options: Options = _DEFAULT) -> list[Path]:
    """Write the files of a kind that differ and return them. Raises `OSError`."""
    changed = {folder / name: text for name, text in PAGES[kind](options).items() if not _holds(folder / name, text)}
    for path, text in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(changed)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
