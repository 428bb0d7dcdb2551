"""The traffic: synthetic, by seed, in the trace format of Dynamo's simulator (that of Mooncake, one JSON a line)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

BLOCK_TOKENS = 512
"""Tokens that one hash of the format stands for."""
RATE, PROMPT, ANSWER = 10.0, 2500.0, 350.0
_PROMPT_SHAPE, _ANSWER_SHAPE = 4.0, 2.0
"""Lengths are gamma-distributed: prompts vary by a half of their mean, answers by 0.7."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Traffic from second `at` on: requests a second, mean tokens of a prompt and of an answer."""

    at: float
    rate: float = RATE
    prompt: float = PROMPT
    answer: float = ANSWER


@dataclass(frozen=True, slots=True)
class Load:
    """Phases by time; where they are `smooth`, traffic moves from each to the next in a straight line."""

    phases: tuple[Phase, ...]
    smooth: bool = False

    def at(self, second: float) -> Phase:
        """Return the traffic at a second."""
        index = max(i for i, phase in enumerate(self.phases) if phase.at <= second)
        before = self.phases[index]
        if not self.smooth or index + 1 == len(self.phases):
            return before
        after = self.phases[index + 1]
        share = (second - before.at) / (after.at - before.at)
        rate, prompt, answer = (a + share * (b - a) for a, b in zip(_means(before), _means(after), strict=True))
        return Phase(second, rate, prompt, answer)

    @property
    def peak(self) -> float:
        """The highest rate."""
        return max(phase.rate for phase in self.phases)


def _means(phase: Phase) -> tuple[float, float, float]:
    return phase.rate, phase.prompt, phase.answer


def loads(seconds: float) -> dict[str, Load]:
    """Return the loads of a run of so many seconds.

    steady; rise: four times the requests at the end; drift: longer prompts and shorter answers by the minute;
    burst: two and a half times the requests, for two minutes and later for five.
    """
    crowd = 2.5 * RATE
    return {
        "steady": Load((Phase(0.0),)),
        "rise": Load((Phase(0.0, 0.4 * RATE), Phase(seconds, 1.6 * RATE)), smooth=True),
        "drift": Load(
            (Phase(0.0, RATE, 0.7 * PROMPT, 1.5 * ANSWER), Phase(seconds, RATE, 1.6 * PROMPT, 0.6 * ANSWER)),
            smooth=True,
        ),
        "burst": Load(
            (
                Phase(0.0),
                Phase(0.3 * seconds, crowd),
                Phase(0.3 * seconds + 120.0),
                Phase(0.6 * seconds, crowd),
                Phase(0.6 * seconds + 300.0),
            )
        ),
    }


def requests(load: Load, seconds: float, seed: int) -> Iterator[tuple[float, int, int]]:
    """Yield second, prompt tokens and answer tokens of each arrival, in order. Arrivals are Poisson's."""
    random = Random(seed)
    now = random.expovariate(load.peak)
    while now < seconds:
        phase = load.at(now)
        if random.random() * load.peak < phase.rate:
            prompt = random.gammavariate(_PROMPT_SHAPE, phase.prompt / _PROMPT_SHAPE)
            answer = random.gammavariate(_ANSWER_SHAPE, phase.answer / _ANSWER_SHAPE)
            yield now, max(16, round(prompt)), max(2, round(answer))
        now += random.expovariate(load.peak)


def write_trace(path: Path, arrivals: Sequence[tuple[float, int, int]]) -> None:
    """Write *arrivals* as a trace. No two prompts have a block in common: nothing is to be found in a cache."""
    block = 0
    with path.open("w") as file:
        for at, prompt, answer in arrivals:
            blocks = -(-prompt // BLOCK_TOKENS)
            row = {"timestamp": round(at * 1000), "input_length": prompt, "output_length": answer}
            file.write(json.dumps(row | {"hash_ids": list(range(block, block + blocks))}) + "\n")
            block += blocks
