"""The length of answers, those that still run among them."""

from __future__ import annotations

import pytest

from pdwatch.signals.capacity.lengths import AnswerLengths

TOKENS_A_SECOND = 20.0
ARRIVALS = 4.0
"""A second."""


class Answers:
    """Answers that arrive evenly and each generate at the same pace; what a pool of engines would count."""

    def __init__(self) -> None:
        self.lengths = AnswerLengths()
        self.ended_tokens: list[float] = []
        """Tokens of those that ended since the last look."""
        self._running: list[tuple[float, float]] = []
        self._now = 0.0

    def run(self, seconds: float, tokens: float) -> None:
        """Let answers of *tokens* arrive for so many seconds, and look every five."""
        self.ended_tokens = []
        for _ in range(int(seconds / 5)):
            generated, ended, left = 0.0, 0.0, []
            self._running += [(tokens, 0.0)] * int(5 * ARRIVALS)
            for length, done in self._running:
                more = min(5 * TOKENS_A_SECOND, length - done)
                generated += more
                if done + more < length:
                    left.append((length, done + more))
                else:
                    ended += 1.0
                    self.ended_tokens.append(length)
            self._running = left
            self._now += 5.0
            self.lengths.add(self._now, generated, ended)


def test_answers_that_are_alike_have_their_length() -> None:
    """Whatever runs at both ends of the past."""
    answers = Answers()
    answers.run(600.0, 200.0)

    assert 200.0 == pytest.approx(answers.lengths.mean(), rel=0.05)


def test_longer_answers_are_seen_before_the_first_of_them_ends() -> None:
    """Answers take a minute instead of ten seconds: after half of it those that ended all still tell the old length."""
    answers = Answers()
    answers.run(600.0, 200.0)
    answers.run(30.0, 1200.0)
    seen, ended = answers.lengths.mean(), list(answers.ended_tokens)
    answers.run(900.0, 1200.0)

    assert {200.0} == set(ended)
    assert seen is not None
    assert seen > 260.0
    assert 1200.0 == pytest.approx(answers.lengths.mean(), rel=0.1)


def test_nothing_is_told_before_an_answer_ends() -> None:
    """Tokens alone give no length."""
    lengths = AnswerLengths()

    assert lengths.mean() is None
    lengths.add(5.0, 1000.0, 0.0)
    assert lengths.mean() is None


def test_hours_are_not_kept() -> None:
    """Of a day at one answer a minute, the length is that of the last quarter of an hour."""
    lengths = AnswerLengths()
    for minute in range(1440):
        lengths.add(60.0 * minute, 100.0 if minute < 1400 else 300.0, 1.0)

    assert 300.0 == pytest.approx(lengths.mean())
