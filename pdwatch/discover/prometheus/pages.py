"""From the samples of a query to one scrape for each target of that Prometheus.

Prometheus adds the labels of the target to each series and renames those of the page that are called alike to
`exported_NAME`. Its own series `up` has the labels of the target and no other, so that both can be taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pdwatch.discover.prometheus.query import DURATION, UP, Sample

LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""Names of labels that stand on a page without quotes."""

_EXPORTED = "exported_"
_OF_ANY_PROGRAM = "process_"
_TARGET = ("job", "instance")

Key = tuple[str, str]
"""Job and instance."""


@dataclass(slots=True)
class Instance:
    """All that is known of one target of that Prometheus."""

    key: Key
    series: list[Sample] = field(default_factory=list)
    up: Sample | None = None
    duration: Sample | None = None

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the target; where `up` is not among the samples, job and instance alone."""
        if self.up is not None:
            return self.up.labels
        return dict(zip(_TARGET, self.key, strict=True))

    @property
    def at(self) -> float:
        """Unix seconds of the last scrape that is known."""
        return max([one.at for one in self.series] + ([self.up.at] if self.up is not None else []))

    @property
    def is_engine(self) -> bool:
        """Whether it has a metric that not every program has."""
        return any(not one.name.startswith(_OF_ANY_PROGRAM) for one in self.series)

    @property
    def failed(self) -> bool:
        """Whether Prometheus could not scrape the target."""
        return self.up is not None and float(self.up.value) == 0 and self.up.at >= self.at

    def page(self) -> str:
        """Return the page as the target printed it at its last scrape, as far as it was asked for."""
        at = self.at
        lines = sorted(f"{_series(one, self.labels)} {one.value}" for one in self.series if one.at == at)
        names = sorted({one.name for one in self.series if one.at == at})
        return "".join([f"# TYPE {name} untyped\n" for name in names] + [f"{line}\n" for line in lines])


def instances(samples: Iterable[Sample]) -> list[Instance]:
    """Return the targets that samples belong to, in order; samples without the label `instance` belong to none."""
    found: dict[Key, Instance] = {}
    for one in samples:
        key = (one.labels.get("job", ""), one.labels.get("instance", ""))
        if key[1]:
            _put(found.setdefault(key, Instance(key)), one)
    return [found[key] for key in sorted(found)]


def _put(instance: Instance, one: Sample) -> None:
    if one.name == UP:
        instance.up = one if instance.up is None or one.at > instance.up.at else instance.up
    elif one.name == DURATION:
        instance.duration = one
    else:
        instance.series.append(one)


def _series(one: Sample, target: Mapping[str, str]) -> str:
    """Return the series as the page had it."""
    labels = {_own(name, target): value for name, value in one.labels.items() if name not in target}
    text = ",".join(f'{_name(name)}="{_escaped(value)}"' for name, value in sorted(labels.items()))
    return f"{one.name}{{{text}}}" if text else one.name


def _own(name: str, target: Mapping[str, str]) -> str:
    bare = name.removeprefix(_EXPORTED)
    return bare if name.startswith(_EXPORTED) and bare in target else name


def _name(label: str) -> str:
    return label if LABEL.fullmatch(label) else f'"{_escaped(label)}"'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
