"""A request on its way through the fleet, and what remains of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pdwatch.demo.model.decode import DecodeEngine
    from pdwatch.demo.model.prefill import PrefillEngine


class Outcome(StrEnum):
    """How a request ended for its client."""

    OK = "ok"
    FAILED = "failed"


class Finished(NamedTuple):
    """The truth about a request, for scoring. Times are simulated seconds; `None` where it did not get that far."""

    id: int
    arrival: float
    end: float
    input_tokens: int
    output_tokens: int
    outcome: Outcome
    ttft: float | None
    """Client's time to first token: arrival to the first token of decode."""
    tpot: float | None
    """Mean time of the tokens after the first."""
    prefill: str | None
    decode: str | None
    """Names of the engines that served it, `worker/rank`."""
    preemptions: int


@dataclass(slots=True, eq=False)
class Request:
    """One request in flight. A `None` time has not come yet."""

    id: int
    arrival: float
    input_tokens: int
    output_tokens: int
    luck: float
    cached_tokens: int
    """Prompt tokens found in prefill's prefix cache."""
    pulls_kv: bool = True
    """Whether decode reads the KV from prefill; otherwise it computes the prompt itself."""
    outcome: Outcome | None = None

    prefill: PrefillEngine | None = None
    prefill_arrival: float = 0.0
    prefill_scheduled: float | None = None
    computed_tokens: int = 0

    decode: DecodeEngine | None = None
    decode_arrival: float = 0.0
    decode_scheduled: float | None = None
    fetch_started: float = 0.0
    slots: int = 0
    """Tokens whose KV it holds on decode; while it runs, as of `joined_step`."""
    generated: int = 0
    """Tokens it has; while it runs, as of `joined_step`."""
    joined_step: int = 0
    last_step: int = 0
    """The step that gives its last token, unless it is preempted."""
    left_to_compute: int = 0
    computed_here: int = 0
    """Prompt tokens that decode computed itself."""
    first_token: float | None = None
    last_token: float = 0.0
    preemptions: int = 0

    def finished(self, now: float) -> Finished:
        """The record of a request that has an outcome, as of *now*."""
        ok = self.outcome is Outcome.OK and self.first_token is not None
        gaps = self.output_tokens - 1
        return Finished(
            self.id,
            self.arrival,
            now,
            self.input_tokens,
            self.output_tokens,
            self.outcome or Outcome.FAILED,
            None if self.first_token is None else self.first_token - self.arrival,
            (now - (self.first_token or 0.0)) / gaps if ok and gaps else None,
            self.prefill.name if self.prefill else None,
            self.decode.name if self.decode else None,
            self.preemptions,
        )
