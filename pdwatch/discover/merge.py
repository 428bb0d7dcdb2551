"""One list of targets from the answers of several sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from pdwatch.model.target import DEFAULT_SERVICE, RoleSource, Target, worker_name

_TRUST = {source: rank for rank, source in enumerate(RoleSource)}

_NAMES: tuple[Callable[[Target], str], ...] = (
    lambda target: target.worker,
    lambda target: worker_name(target.url),
    lambda target: f"{worker_name(target.url)}{urlsplit(target.url).path}",
    lambda target: target.url,
)
"""What a worker may be called, the next where two workers would be called the same. URLs differ always."""


def merged(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return each URL once, in order of first sight, every worker with a name of its own.

    The more trusted role wins; of all else the first that was said. Labels are put together. A worker that is asked
    itself is not told by another as well.
    """
    by_url: dict[str, Target] = {}
    for target in targets:
        known = by_url.get(target.url)
        by_url[target.url] = target if known is None else _joined(known, target)
    for url in [url for url, target in by_url.items() if not target.is_asked and url.partition("#")[0] in by_url]:
        del by_url[url]
    return _distinct(tuple(by_url.values()))


def _joined(first: Target, later: Target) -> Target:
    role_from = later if _TRUST[later.role_source] < _TRUST[first.role_source] else first
    return replace(
        first,
        worker=first.worker if first.worker != worker_name(first.url) else later.worker,
        service=first.service if first.service != DEFAULT_SERVICE else later.service,
        role=role_from.role,
        role_source=role_from.role_source,
        replica=first.replica or later.replica,
        host=first.host or later.host,
        labels={**later.labels, **first.labels},
    )


def _distinct(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Give all workers of one name the next kind of name until none is called as another of its service.

    Which name a worker gets depends on the set of targets and never on their order.
    """
    levels = [0] * len(targets)
    while True:
        names = [_NAMES[level](target) for level, target in zip(levels, targets, strict=True)]
        called = [(target.service, name) for target, name in zip(targets, names, strict=True)]
        counts = Counter(called)
        taken_twice = [index for index, each in enumerate(called) if counts[each] > 1]
        raised = [index for index in taken_twice if levels[index] < len(_NAMES) - 1]
        if not raised:
            return tuple(_named(target, name) for target, name in zip(targets, names, strict=True))
        for index in raised:
            levels[index] += 1


def _named(target: Target, name: str) -> Target:
    return target if name == target.worker else replace(target, worker=name)
