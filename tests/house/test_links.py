"""The documentation holds together: every link ends somewhere, every page is found, every metric exists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pdwatch.catalog.metrics import METRICS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "tests").rglob("README.md")])
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
OF_HISTOGRAMS = re.compile(r"_(?:bucket|sum|count)$")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def prose(path: Path) -> str:
    """Return a page without blocks of code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def links(path: Path) -> Iterator[tuple[str, str]]:
    """Yield file and anchor of each link of a page that stays within the project."""
    for target in LINK.findall(CODE.sub("`", prose(path))):
        if "://" not in target and not target.startswith("mailto:"):
            file, _, anchor = target.partition("#")
            yield file, anchor


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors of a page, as a forge makes them of headings, and those that are written out."""
    text = prose(path)
    found: Counter[str] = Counter()
    named = set(re.findall(r'<a id="([^"]+)">', text))
    for heading in re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        named.add(f"{slug}-{found[slug]}" if found[slug] else slug)
        found[slug] += 1
    return frozenset(named)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_link_of_a_page_ends_somewhere(path):
    """The file is there, and the heading that an anchor names is in it."""
    dead = []
    for file, anchor in links(path):
        target = (path.parent / file).resolve() if file else path
        found = target.exists() and (not anchor or target.suffix != ".md" or anchor in anchors(target))
        if not found:
            dead.append(f"{file}#{anchor}")

    assert [] == dead


def test_a_link_to_nowhere_would_be_found(tmp_path):
    """The test above can fail: by file and by anchor, and not by what stands in code."""
    page = tmp_path / "page.md"
    page.write_text("# A heading: `x`, or y?\n[a](#a-heading-x-or-y) [b](#b) [c](no.md)\n`[d](e)`\n```\n[f](g)\n```\n")

    assert [("", "a-heading-x-or-y"), ("", "b"), ("no.md", "")] == list(links(page))
    assert {"a-heading-x-or-y"} == anchors(page)


def test_every_page_of_the_documentation_is_found_from_its_index():
    """What nobody links to, nobody reads."""
    seen, left = set(), [DOCS / "README.md"]
    while left:
        page = left.pop()
        if page not in seen:
            seen.add(page)
            left += [(page.parent / file).resolve() for file, _ in links(page) if file.endswith(".md")]

    assert [] == [name(page) for page in DOCS.rglob("*.md") if page not in seen]


def test_the_readme_leads_to_the_index():
    """And so to everything."""
    assert ("docs/README.md", "") in set(links(ROOT / "README.md"))


@pytest.mark.parametrize("path", [page for page in PAGES if page.is_relative_to(DOCS)], ids=name)
def test_a_metric_that_a_page_names_is_exported(path):
    """A name that was changed is changed in the documentation, too."""
    known = {metric.name for metric in METRICS}
    named = set(
        re.findall(
            r"\bpdwatch_\w+",
            re.sub(r"\w+\.yaml|\w+:pdwatch_\S+|[\w/]+/pdwatch_\w+|pdwatch_\w+\.md", "", path.read_text()),
        )
    )

    assert [] == sorted(each for each in named if each not in known and OF_HISTOGRAMS.sub("", each) not in known)
