"""What was advised, what it predicted, and what then happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from pdwatch.judge.advice import Limits, ServiceLimits
from pdwatch.judge.advice.case import Case
from pdwatch.judge.advice.decisions import KEPT, Decisions
from pdwatch.judge.advice.need import Need
from pdwatch.model.encode import plain
from pdwatch.model.judgement import Action, Advice, Decision, Outcome, Replicas
from pdwatch.model.target import Role

MakeNeed = Callable[..., Need]
MakeCase = Callable[..., Case]

P, D = Role.PREFILL, Role.DECODE
STARTUP = 60.0
LIMITS = ServiceLimits({role: Limits(startup=STARTUP) for role in (P, D)})
EVERY = 5.0


@dataclass
class Story:
    """Advice over time, and the replicas that are there meanwhile."""

    case: MakeCase
    need: MakeNeed
    decisions: Decisions = field(default_factory=Decisions)
    now: float = 1000.0

    def go(
        self,
        seconds: float,
        action: Action,
        *,
        there: tuple[int, int] = (2, 2),
        wanted: tuple[int, int] | None = None,
        use: tuple[float, float] = (0.5, 1.4),
        named: tuple[int, int] | None = None,
    ) -> Story:
        """Let *action* be advised while so many replicas of prefill and decode serve, and *named* are known."""
        prefill, decode = (self.need(role, n, utilization=u) for role, n, u in zip((P, D), there, use, strict=True))
        case = self.case(prefill, decode, limits=LIMITS)
        if named is not None:
            signals = self.case(self.need(P, named[0]), self.need(D, named[1])).signals
            case = self.case(prefill, decode, limits=LIMITS, signals=signals)
        current = named or there
        asked = [Replicas(now, then) for now, then in zip(current, wanted or current, strict=True)]
        advice = Advice(action, asked[0], asked[1], 0.9, self.now, f"{action} for a reason.")
        for _ in range(int(seconds / EVERY)):
            self.decisions.update(advice, case, self.now)
            self.now += EVERY
        return self

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """Action and outcome of each decision, oldest first."""
        return [(decision.action.value, decision.outcome.value) for decision in self.decisions.kept]


@pytest.fixture
def story(make_case: MakeCase, make_need: MakeNeed) -> Story:
    """A story in which one replica more of decode is advised after a while."""
    return Story(make_case, make_need).go(60.0, Action.HOLD, use=(0.5, 0.7))


def test_each_change_of_advice_is_a_decision(story: Story) -> None:
    """One that stands is one, however long; it says what it asks for and why."""
    story.go(120.0, Action.SCALE_DECODE, wanted=(2, 3))
    held, scaled = story.decisions.kept

    assert [("hold", "passed"), ("scale_decode", "pending")] == story.outcomes
    assert (Replicas(2, 2), Replicas(2, 3), 1060.0) == (scaled.prefill, scaled.decode, scaled.at)
    assert "scale_decode for a reason." == scaled.reason
    assert "It stood for 60 s." == held.note


def test_what_it_predicts_is_the_use_of_the_replicas_that_it_asks_for(story: Story) -> None:
    """140 % of two replicas are 93 % of three; the other role stays as it is."""
    story.go(EVERY, Action.SCALE_DECODE, wanted=(2, 3))

    assert {P: 0.5, D: 0.933} == story.decisions.kept[-1].predicted


def test_advice_that_was_followed_is_compared_with_what_it_predicted(story: Story) -> None:
    """The replicas are there after a minute; load spreads over them before it is measured."""
    story.go(60.0, Action.SCALE_DECODE, wanted=(2, 3))
    story.go(30.0, Action.SCALE_DECODE, there=(2, 3), wanted=(2, 3), use=(0.5, 1.2))
    assert ("scale_decode", "pending") == story.outcomes[-1]
    story.go(90.0, Action.SCALE_DECODE, there=(2, 3), wanted=(2, 3), use=(0.5, 0.9))
    scaled = story.decisions.kept[-1]

    assert Outcome.FOLLOWED is scaled.outcome
    assert {P: 0.5, D: 0.9} == scaled.observed
    assert scaled.note.startswith("The replicas were there after 60 s: ")
    assert "decode is at 90 % where 93 % was predicted" in scaled.note
    assert scaled.settled is not None
    assert scaled.at < scaled.settled <= story.now


def test_advice_that_was_followed_is_settled_though_another_one_came(story: Story) -> None:
    """With the replicas there is room again at once, so holding is advised before anything is measured."""
    story.go(60.0, Action.SCALE_DECODE, wanted=(2, 3))
    story.go(20.0, Action.HOLD, there=(2, 3), use=(0.5, 0.9))
    assert [("scale_decode", "pending"), ("hold", "pending")] == story.outcomes[-2:]
    story.go(90.0, Action.HOLD, there=(2, 3), use=(0.5, 0.9))

    assert [("scale_decode", "followed"), ("hold", "pending")] == story.outcomes[-2:]
    assert {P: 0.5, D: 0.9} == story.decisions.kept[-2].observed


def test_what_was_followed_stays_so_though_the_next_advice_is_followed_at_once(story: Story) -> None:
    """The replica that came is given back before the minute is over."""
    story.go(30.0, Action.SCALE_DECODE, wanted=(2, 3)).go(15.0, Action.SCALE_DECODE, there=(2, 3), wanted=(2, 3))
    story.go(15.0, Action.SCALE_IN_DECODE, there=(2, 3), wanted=(2, 2))
    story.go(90.0, Action.HOLD, there=(2, 2))

    assert [("scale_decode", "followed"), ("scale_in_decode", "followed")] == story.outcomes[1:3]


def test_replicas_that_are_starting_are_no_outcome_yet(story: Story) -> None:
    """Discovery names three, two have answered: holding meanwhile is neither passed nor partly."""
    story.go(10.0, Action.SCALE_DECODE, wanted=(2, 3))
    story.go(100.0, Action.HOLD, named=(2, 3))
    assert ("scale_decode", "pending") == story.outcomes[-2]
    story.go(100.0, Action.HOLD, there=(2, 3), use=(0.5, 0.9))

    assert ("scale_decode", "followed") == story.outcomes[-2]
    assert "The replicas were there after 110 s" in story.decisions.kept[-2].note


def test_a_shift_is_followed_once_both_roles_have_moved(story: Story) -> None:
    """One replica has gone, the other one has not come yet."""
    story.go(30.0, Action.SHIFT_TO_DECODE, there=(3, 2), wanted=(2, 3))
    story.go(100.0, Action.SHIFT_TO_DECODE, there=(2, 2), wanted=(2, 3))
    assert ("shift_to_decode", "pending") == story.outcomes[-1]
    story.go(100.0, Action.SHIFT_TO_DECODE, there=(2, 3), wanted=(2, 3))

    assert ("shift_to_decode", "followed") == story.outcomes[-1]


def test_replicas_given_back_are_followed(story: Story) -> None:
    """Fewer than before, as was asked."""
    story.go(30.0, Action.SCALE_IN_DECODE, there=(2, 4), wanted=(2, 3))
    story.go(100.0, Action.HOLD, there=(2, 3))

    assert ("scale_in_decode", "followed") == story.outcomes[-2]


def test_advice_that_nobody_heard_is_ignored(story: Story) -> None:
    """Three start-ups have passed, nothing moved, and the need is still there."""
    story.go(2 * STARTUP, Action.SCALE_DECODE, wanted=(2, 3))
    assert ("scale_decode", "pending") == story.outcomes[-1]
    story.go(4 * STARTUP, Action.SCALE_DECODE, wanted=(2, 3))

    assert ("scale_decode", "ignored") == story.outcomes[-1]
    assert "Nothing moved for 3 min and the need stayed." == story.decisions.kept[-1].note


def test_advice_that_was_followed_in_part_says_so(story: Story) -> None:
    """One replica came where two were asked for: whether nothing more comes, or the need ended before."""
    story.go(30.0, Action.SCALE_DECODE, wanted=(2, 4))
    story.go(5 * STARTUP, Action.SCALE_DECODE, there=(2, 3), wanted=(2, 4))
    assert ("scale_decode", "partly") == story.outcomes[-1]

    story.go(30.0, Action.SCALE_PREFILL, there=(2, 3), wanted=(4, 3))
    story.go(30.0, Action.HOLD, there=(3, 3))
    assert [("scale_prefill", "partly"), ("hold", "pending")] == story.outcomes[-2:]


def test_a_need_that_went_by_itself_has_passed(story: Story) -> None:
    """Nothing moved, and it holds again."""
    story.go(60.0, Action.SCALE_DECODE, wanted=(2, 3)).go(30.0, Action.HOLD)

    assert [("scale_decode", "passed"), ("hold", "pending")] == story.outcomes[-2:]
    assert "The need passed after 60 s and nothing moved." == story.decisions.kept[-2].note


def test_advice_that_another_one_replaced_says_so(story: Story) -> None:
    """Replicas were asked for, and before they moved others were."""
    story.go(60.0, Action.SCALE_DECODE, wanted=(2, 3)).go(30.0, Action.SHIFT_TO_DECODE, wanted=(1, 3))

    assert [("scale_decode", "replaced"), ("shift_to_decode", "pending")] == story.outcomes[-2:]


def test_an_outcome_is_for_good(story: Story) -> None:
    """What happens later is another story."""
    story.go(60.0, Action.SCALE_DECODE, wanted=(2, 3)).go(30.0, Action.HOLD)
    before = story.decisions.kept[:2]
    story.go(300.0, Action.HOLD, there=(2, 3)).go(60.0, Action.SCALE_DECODE, there=(2, 3), wanted=(2, 4))

    assert before == story.decisions.kept[:2]


def test_no_more_than_the_last_are_kept(story: Story) -> None:
    """Advice that changed a hundred times leaves the newest."""
    for _ in range(50):
        story.go(20.0, Action.SCALE_DECODE, wanted=(2, 3)).go(20.0, Action.HOLD)

    assert KEPT == len(story.decisions.kept) == 20
    assert ("hold", "pending") == story.outcomes[-1]


def test_decisions_go_through_a_file_and_are_settled_after_it(story: Story) -> None:
    """As JSON; one that is open stays open until its outcome is known."""
    story.go(60.0, Action.SCALE_DECODE, wanted=(2, 3))
    kept, again = story.decisions.kept, Decisions()
    again.recall(json.loads(json.dumps([plain(decision) for decision in kept])))
    assert kept == again.kept

    story.decisions = again
    story.go(100.0, Action.SCALE_DECODE, there=(2, 3), wanted=(2, 3), use=(0.5, 0.9))
    assert [("hold", "passed"), ("scale_decode", "followed")] == story.outcomes


@pytest.mark.parametrize("kept", [[1], [None], [{"at": 1.0}], [{"at": "soon", "action": "hold"}], ["hold"]])
def test_what_is_no_decision_is_refused(kept: list[object]) -> None:
    """And nothing of it is kept."""
    decisions = Decisions()
    with pytest.raises(ValueError):  # noqa: PT011  the words are of the records
        decisions.recall(kept)

    assert () == decisions.kept


def test_an_action_of_another_version_is_refused(story: Story) -> None:
    """A word that this version does not have is no decision that it could settle."""
    data = plain(story.decisions.kept[0]) | {"action": "scale_sideways"}
    with pytest.raises(ValueError, match="action"):
        Decisions().recall([data])

    assert isinstance(story.decisions.kept[0], Decision)
