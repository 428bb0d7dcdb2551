"""Lines of expert-parallel load balancing (vllm/distributed/eplb/eplb_state.py), printed by rank 0 of an expert group.

0.9.2 to 0.11.0    EPLB step: avg_tokens=…, max_tokens=…, balancedness=…
0.11.2 to 0.13.0   EPLB step: N for model M: avg_tokens=…, max_tokens=…, balancedness=…
since 0.14.1       EPLB step: N for model M: …, steps until the next rearrangement: N
"""

from __future__ import annotations

import re

from pdwatch.host.logs.numbers import NUMBER, finite
from pdwatch.model.logline import EplbRearrangement, EplbStep, RearrangementPhase

_STEP = re.compile(
    rf"EPLB step: (?:(\d{{1,12}}) for model (.{{1,256}}?): )?avg_tokens={NUMBER}, max_tokens={NUMBER}, "
    rf"balancedness={NUMBER}(?:, steps until the next rearrangement: (\d{{1,12}}))?",
    re.ASCII,
)
_STARTED = re.compile(r"Rearranging experts(.{0,64}?)\.\.\.")
_FINISHED = re.compile(rf"Rearranged experts(.{{0,64}}?)\bin {NUMBER} s", re.ASCII)
_SKIPPED = "[EPLB] Skip rearrange"


def eplb_step(text: str) -> EplbStep | None:
    """Return the balance of a step."""
    match = _STEP.match(text)
    if match is None:
        return None
    average, most, balance = finite(match[3]), finite(match[4]), finite(match[5])
    if average is None or most is None:
        return None
    return EplbStep(
        avg_tokens=average,
        max_tokens=most,
        balancedness=balance if most > 0 else None,
        step=int(match[1]) if match[1] else None,
        model=match[2],
        steps_to_rearrangement=int(match[6]) if match[6] else None,
    )


def rearrangement(text: str) -> EplbRearrangement | None:
    """Return the beginning, the end or the omission of a rearrangement."""
    if text.startswith(_SKIPPED):
        return EplbRearrangement(RearrangementPhase.SKIPPED)
    finished = _FINISHED.match(text)
    if finished is not None:
        return EplbRearrangement(RearrangementPhase.FINISHED, finite(finished[2]), *_mode(finished[1]))
    started = _STARTED.match(text)
    return EplbRearrangement(RearrangementPhase.STARTED, None, *_mode(started[1])) if started else None


def _mode(said: str) -> tuple[bool | None, bool]:
    asynchronous = True if "async mode" in said else (False if "sync mode" in said else None)
    return asynchronous, "(profile)" in said
