"""The fixed text of a page, so that the next page is checked and read without a look at names and labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from weakref import WeakValueDictionary

from pdwatch.model.page import Layout
from pdwatch.scrape.errors import PageError, excerpt
from pdwatch.scrape.series import SERIES, Identity, PageLimits, check_limits, identify, sample_value, unquote

Pick = Callable[[Sequence[str]], tuple[str, ...]]

_TYPE = re.compile(r'\s*#\s+TYPE\s+("(?:[^"\\]|\\.)*+"|\S+)\s+(\S+)')


@dataclass(frozen=True, slots=True)
class Reading:
    """What a parser reads from every page of its target."""

    wanted: Callable[[str], bool]
    """Says by sample name whether a sample is read."""
    limits: PageLimits


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Template:
    """A page without its values."""

    layout: Layout
    identities: Sequence[Identity]
    """Beside `layout.series`."""
    line_count: int
    comments: tuple[str, ...]
    prefixes: tuple[str, ...]
    """Series text with the separator behind it, one per sample line."""
    fixed_chars: int
    """Characters of a page that are not behind a prefix."""
    pick_comments: Pick
    pick_samples: Pick
    pick_wanted: Pick
    """From the tails of all sample lines to the tails in the order of `layout.series`."""
    wanted_lines: Sequence[int]

    def read(self, text: str, lines: Sequence[str]) -> list[float] | None:
        """Return the values of the page *text*, split into *lines*; `None` where the page has another shape."""
        if len(lines) != self.line_count or self.pick_comments(lines) != self.comments:
            return None
        tails = list(map(str.removeprefix, self.pick_samples(lines), self.prefixes))
        joined = "".join(tails)
        if len(joined) != len(text) - self.fixed_chars:  # a line kept its start, so it is not the series it was
            return None
        wanted = self.pick_wanted(tails)
        try:
            return list(map(float if "_" not in joined else sample_value, wanted))
        except ValueError:
            pass
        try:
            return list(map(sample_value, wanted))
        except ValueError:
            return None

    def malformed(self, lines: Sequence[str]) -> PageError:
        """Return the error that names the first line of *lines* without a value."""
        for index, identity in zip(self.wanted_lines, self.identities, strict=True):
            try:
                sample_value(lines[index].removeprefix(identity.text))
            except ValueError:
                return malformed_line(index, lines[index])
        raise AssertionError("every line of the page has a value")


def malformed_line(index: int, line: str) -> PageError:
    """Return the error for the line at *index*, counted from 0."""
    return PageError(f"line {index + 1} is no sample: {excerpt(line)}")


_templates: WeakValueDictionary[tuple[Reading, tuple[str, ...]], Template] = WeakValueDictionary()


def template_for(lines: Sequence[str], reading: Reading, previous: Template | None) -> Template:
    """Return the template of the page *lines*, one object for all pages of the same fixed text.

    A page that has the series of *previous* in another order keeps the layout of *previous*. Raises `PageError`.
    """
    matches = [SERIES.match(line) for line in lines]
    fixed = tuple(line if match is None else match[0] for line, match in zip(lines, matches, strict=True))
    key = (reading, fixed)
    template = _templates.get(key)
    if template is None:
        names = {index: match[1] for index, match in enumerate(matches) if match is not None}
        template = _templates[key] = _build(fixed, names, reading, previous)
    return template


def _build(
    fixed: tuple[str, ...], names: Mapping[int, str | None], reading: Reading, previous: Template | None
) -> Template:
    """Make the template of the lines *fixed*; *names* has an entry, perhaps without a name, per sample line."""
    if len(names) > reading.limits.max_samples:
        raise PageError(f"has {len(names)} samples, limit {reading.limits.max_samples}")
    comments = [index for index in range(len(fixed)) if index not in names]
    types = _types(fixed, comments)
    layout, wanted = _layout(_wanted(fixed, names, reading), types, previous)
    place = {index: position for position, index in enumerate(names)}
    prefixes = tuple(fixed[index] for index in names)
    return Template(
        layout=layout,
        identities=tuple(identity for _, identity in wanted),
        line_count=len(fixed),
        comments=tuple(fixed[index] for index in comments),
        prefixes=prefixes,
        fixed_chars=sum(map(len, fixed)) + len(fixed) - 1,
        pick_comments=_picker(comments),
        pick_samples=_picker(tuple(names)),
        pick_wanted=_picker([place[index] for index, _ in wanted]),
        wanted_lines=tuple(index for index, _ in wanted),
    )


def _types(fixed: Sequence[str], comments: Iterable[int]) -> dict[str, str]:
    """Return the declared types by family name; a line that is neither comment nor blank is malformed."""
    types = {}
    for index in comments:
        line = fixed[index].strip()
        if line and not line.startswith("#"):
            raise malformed_line(index, line)
        if match := _TYPE.match(line):
            types[unquote(match[1])] = match[2]
    return types


def _wanted(fixed: Sequence[str], names: Mapping[int, str | None], reading: Reading) -> list[tuple[int, Identity]]:
    """Return line and identity of the samples to read, in page order."""
    found = []
    for index, name in names.items():
        if name is not None and not reading.wanted(name):
            continue
        check_limits(fixed[index], reading.limits)
        try:
            identity = identify(fixed[index])
        except ValueError:
            raise malformed_line(index, fixed[index]) from None
        if name is None and not reading.wanted(identity.series.name):
            continue
        found.append((index, identity))
    return found


def _layout(
    wanted: list[tuple[int, Identity]], types: dict[str, str], previous: Template | None
) -> tuple[Layout, list[tuple[int, Identity]]]:
    """Return the layout and *wanted* in its order: that of *previous* where the series are the same, else a new one."""
    if previous is not None and previous.layout.types == types:
        lines = {identity: index for index, identity in wanted}
        if len(lines) == len(wanted) == len(previous.identities) and lines.keys() == set(previous.identities):
            return previous.layout, [(lines[identity], identity) for identity in previous.identities]
    return Layout(tuple(identity.series for _, identity in wanted), types), wanted


def _picker(places: Sequence[int]) -> Pick:
    """Return a function that gives the items at *places* as a tuple, whatever their number."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda items: tuple(items[place] for place in places)
