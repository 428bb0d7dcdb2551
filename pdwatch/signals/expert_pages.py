"""How evenly experts are used, where an engine's page tells (SGLang, if asked to): mean over maximum, 1 is even."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pdwatch.model.reading import Quantity as Q
from pdwatch.model.window import Flow, Window, together


def expert_balance_told(windows: Iterable[tuple[str, Iterable[Window]]]) -> dict[str, float]:
    """Return the mean of each replica that tells; *windows* are those of its workers, by replica."""
    flows: dict[str, list[Flow]] = defaultdict(list)
    for replica, own in windows:
        for window in own:
            if any(Q.EXPERT_BALANCEDNESS in part.shape.histograms for part in window.flow.parts):
                flows[replica].append(window.flow)
    seen = {replica: together(parts).histogram(Q.EXPERT_BALANCEDNESS) for replica, parts in flows.items()}
    return {replica: told.mean for replica, told in seen.items() if told is not None and told.mean is not None}
