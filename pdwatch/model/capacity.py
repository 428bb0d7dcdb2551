"""What a role is asked for and what its engines can do: the inputs of sizing. Learned online, nothing is profiled.

Rates are per second and for the whole pool. Tokens of prefill are prompt tokens to compute, those of decode tokens to
generate.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrefillLoad:
    """Prefill of one service at one tick."""

    demand: float
    """Tokens that arrive a second: those computed and those by which the queue grew since the last page."""
    arrivals: float
    """Requests that arrive a second."""
    tokens: float
    """Mean tokens of a request, over the window."""
    scv: float
    """Squared coefficient of variation of a request's tokens."""
    speed: float
    """Tokens that one engine computes a second when it never idles; mean over engines."""
    engines: int
    """Engines that answer."""
    backlog: float
    """Tokens that wait."""
    longest: float
    """Share of what waits that is on the engine with the longest queue."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """Seconds of a decode step: `base + per_request * n + per_token * K` for n requests that hold K tokens of KV."""

    base: float
    per_request: float
    per_token: float

    def slope(self, context: float) -> float:
        """Return the seconds that one more request of *context* tokens adds."""
        return self.per_request + self.per_token * context


@dataclass(frozen=True, slots=True)
class DecodeLoad:
    """Decode of one service at one tick."""

    demand: float
    """Tokens that arrive a second: requests that arrive at the service times the tokens of an answer."""
    arrivals: float
    """Requests that arrive a second."""
    tokens: float
    """Mean tokens of an answer: tokens generated over answers ended, so that those still running count."""
    scv: float
    """Squared coefficient of variation of an answer's tokens."""
    generated: float
    """Tokens generated since the last tick."""
    ended: float
    """Answers that ended since the last tick."""
    context: float
    """Mean tokens of KV that a running request holds."""
    step: StepTime | None
    """`None` before enough steps were seen."""
    kv_tokens: float | None
    """KV cache of one engine."""
    usage: float | None
    """Share of the KV caches in use."""
    itl: float | None
    """Mean seconds between tokens since the last page."""
    waiting: float
    """Requests that wait for KV blocks or for remote KV."""
    longest: float
    """Share of what waits that is on the engine with the longest queue."""
    engines: int
    """Engines that answer."""
