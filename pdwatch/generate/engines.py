"""docs/engines.md: which signals are read of which engine and version, from what, and how that was verified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pdwatch.engines import FAMILIES
from pdwatch.engines.family import Family, Kind
from pdwatch.engines.row import Row
from pdwatch.model.reading import Missing, Quantity, release

_HEAD = """# Engines, routers and layers

What pdwatch reads of each, generated from the tables under `pdwatch/engines/` by `pdwatch generate docs`.

Pages are told by what is on them, not by a setting: any target may be of any family, services of different engines
stand side by side in one fleet, and a page may hold several families at once, as an engine with its KV layer. A page
that nobody recognises still tells whether its worker lives and when its process began. What an engine does not export
is `null`, never 0, and `pdwatch check` lists what its version lacks.

A role comes from what was declared, else from a router or front end, else from what the worker says of itself when
asked (SGLang), else from the labels of its page, else from its behaviour, marked as a guess. A page that speaks about
workers is itself none, whatever was declared. Aggregated workers are a pool of role `both`, without findings about two
roles.

**Verified**: *live* was run and watched (`make live-engines` does it again); *recorded* is a page of the real program;
*printed by the classes* is a page that upstream's own metric classes printed with made-up values; *synthetic* was
written after upstream's sources or documentation, with its names, types, labels and buckets.
"""

_LEGEND = "An asterisk marks what takes more than the version; the tables of the families say what.\n"


def engines_page() -> str:
    """Return the whole page."""
    told = [family for family in FAMILIES if family.table.rows]
    workers = [family for family in told if family.kind in (Kind.ENGINE, Kind.PLATFORM, Kind.LAYER)]
    fronts = [family for family in told if family.kind is Kind.FRONT]
    parts = (
        _overview(),
        "## Of workers\n",
        _LEGEND,
        *_matrix(workers),
        "## Of front ends\n",
        *_matrix(fronts),
        *(line for family in FAMILIES for line in _section(family)),
    )
    return "\n".join((_HEAD, *parts))


def _overview() -> str:
    rows = (
        f"| [{family.name}](#{family.name}) | {family.kind.value} | {family.page} | {family.verified} |"
        for family in FAMILIES
    )
    return "\n".join(("| family | kind | page | verified |", "|---|---|---|---|", *rows, ""))


def _matrix(families: Sequence[Family]) -> Iterator[str]:
    """Yield a table of quantities by family: with the version that a name is known since, where one is."""
    yield f"| quantity | {' | '.join(family.name for family in families)} |"
    yield f"|---|{'---|' * len(families)}"
    for quantity in Quantity:
        cells = [_cell([row for row in family.table.rows if row.quantity is quantity]) for family in families]
        if any(cells):
            yield f"| {_words(quantity)} | {' | '.join(cells)} |"
    yield ""


def _cell(rows: Sequence[Row]) -> str:
    """Return since when a quantity is told; a mark where that is always or not known."""
    if not rows:
        return ""
    conditional = "*" if all(row.needs for row in rows) else ""
    if any(not row.since for row in rows):
        return f"✓{conditional}"
    return f"since {min((row.since for row in rows), key=release)}{conditional}"


def _section(family: Family) -> Iterator[str]:
    yield f'<a id="{family.name}"></a>\n'
    yield f"## {family.name}\n"
    first = next(other for other in FAMILIES if other.about == family.about)
    yield f"{family.about.strip()}\n" if first is family else f"See [{first.name}](#{first.name}).\n"
    yield f"Page: {family.page}. Verified: {family.verified}.\n"
    if family.table.rows:
        yield from ("| quantity | from | when | note |", "|---|---|---|---|", *_rows(family), "")


def _rows(family: Family) -> Iterable[str]:
    for row in family.table.rows:
        labels = ",".join(f"{label}={value}" for label, value in row.where.items())
        name = f"{family.table.prefixes[0]}{row.name}{f'{{{labels}}}' if labels else ''}"
        count = f" by `{family.table.prefixes[0]}{row.count}`" if row.count else ""
        when = Missing(row.quantity, row.name, row.since, row.until, row.needs).versions
        note = "; ".join(part for part in ("adds to the row above" if row.adds else "", row.note) if part)
        yield f"| {_words(row.quantity)} | `{name}`{count} | {when} | {note} |"


def _words(quantity: Quantity) -> str:
    return quantity.value.replace("_", " ")
