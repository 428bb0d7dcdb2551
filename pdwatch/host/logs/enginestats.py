"""The periodic line of an engine (vllm/v1/metrics/loggers.py): `Engine 000: Avg prompt throughput: …`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pdwatch.host.logs.numbers import NUMBER, finite, ratio
from pdwatch.model.logline import EngineStats

_LINE = re.compile(r"(?:Engine (\d{1,6}): |(\d{1,6}) Engines Aggregated: )?(Avg prompt throughput: .*)", re.ASCII)
_NAMED = re.compile(rf"(.{{1,64}}?): {NUMBER}", re.ASCII)
_COUNTED = re.compile(r"(\d{1,12}) (waiting to start|in progress|completed waiting)", re.ASCII)
_NAMES: Mapping[str, tuple[str, Callable[[str], float | None]]] = {
    "Avg prompt throughput": ("prompt_tokens_per_second", finite),
    "Avg generation throughput": ("generation_tokens_per_second", finite),
    "Running": ("running", finite),
    "Waiting": ("waiting", finite),
    "Pending": ("waiting", finite),
    "Deferred": ("deferred", finite),
    "Prefix cache hit rate": ("prefix_cache_hit_ratio", ratio),
    "External prefix cache hit rate": ("external_cache_hit_ratio", ratio),
}
_STAGES = {
    "waiting to start": "kv_fetch_waiting",
    "in progress": "kv_fetch_in_progress",
    "completed waiting": "kv_fetch_completed",
}
_USAGE = " KV cache usage"


def engine_stats(text: str) -> EngineStats | None:
    """Return an engine's numbers. `Preemptions` is left out: the line prints 0 whatever happened (0.11 to 0.33)."""
    line = _LINE.match(text)
    if line is None:
        return None
    values: dict[str, float | None] = {}
    for part in line[3].split(", "):
        _read(part, values)
    engine = None if line[1] is None else str(int(line[1]))
    return EngineStats(engine, None if line[2] is None else int(line[2]), **values)


def _read(part: str, values: dict[str, float | None]) -> None:
    """Put one part into *values*. The device before `KV cache usage` varies; of two (0.6) the first is the GPU's."""
    counted = _COUNTED.search(part)
    if counted is not None:
        values[_STAGES[counted[2]]] = finite(counted[1])
        return
    named = _NAMED.match(part)
    if named is None:
        return
    if named[1].endswith(_USAGE):
        values.setdefault("kv_cache_usage_ratio", ratio(named[2]))
    elif named[1] in _NAMES:
        target, read = _NAMES[named[1]]
        values[target] = read(named[2])
