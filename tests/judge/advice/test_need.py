"""What one role needs from tick to tick: patient, and silent on what replicas do not cure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import isinf, log, sqrt
from random import Random
from typing import Any

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.advice.need import Need, NeedWatch, Sign, drain_seconds
from pdwatch.judge.advice.role import RoleLoad
from pdwatch.model.judgement import Bound
from pdwatch.model.target import Role

MakeLoad = Callable[..., RoleLoad]

EVERY = 5.0
STARTUP = 120.0
"""Seconds; a need must show for a part of it, 42 s, before it is one."""
BEARS = 20_000.0
"""Tokens a second of the two replicas."""


@dataclass
class Play:
    """A role of two replicas under demand given as a share of what they bear."""

    make: MakeLoad
    startup: float = STARTUP
    replicas: int = 2
    watch: NeedWatch = field(default_factory=lambda: NeedWatch(by_length=False))
    now: float = 0.0
    noisy: Random | None = None
    rate: float = 4.0
    """Requests a second at full use."""

    def run(self, seconds: float, use: float, standing: bool = False, **load: Any) -> list[Need]:
        """Let *use* last for so many seconds and return the need of each tick."""
        return [self.tick(use, standing, **load) for _ in range(int(seconds / EVERY))]

    def rise(self, seconds: float, begin: float, end: float) -> list[Need]:
        """Let use go from *begin* to *end*."""
        return [self.tick(begin + (end - begin) * at / seconds) for at in range(0, int(seconds), int(EVERY))]

    def tick(self, use: float, standing: bool = False, **load: Any) -> Need:
        """Return the need of the next tick."""
        self.now += EVERY
        arrivals, tokens = self._arrived(use)
        fields: dict[str, Any] = {"replicas": self.replicas, "demand": tokens, "arrivals": arrivals} | load
        found = self.watch.update(self.make(**fields), Thresholds(), self.startup, self.now, standing)
        assert found is not None
        return found

    def _arrived(self, use: float) -> tuple[float, float]:
        """Return the requests and tokens a second of a tick, by chance where it is noisy: Poisson's and lognormal."""
        mean = BEARS / self.rate
        if self.noisy is None:
            return use * self.rate, use * BEARS
        left, count = EVERY, 0
        while (left := left - self.noisy.expovariate(use * self.rate)) > 0:
            count += 1
        sigma = sqrt(log(1.3))
        tokens = sum(mean * self.noisy.lognormvariate(-(sigma**2) / 2, sigma) for _ in range(count))
        return count / EVERY, tokens / EVERY


@pytest.fixture
def play(make_load: MakeLoad) -> Callable[..., Play]:
    """A role whose demand is played."""
    return lambda **options: Play(make_load, **options)


def grows(needs: list[Need]) -> list[bool]:
    """Tell at which ticks more replicas were needed for sure."""
    return [need.grows for need in needs]


def changes(counts: list[int]) -> int:
    """Return how often a number differs from the one before."""
    return sum(one != other for one, other in pairwise(counts))


def until(needs: list[Need], what: Callable[[Need], bool]) -> float:
    """Return the seconds from the first of *needs* until *what* holds."""
    return next(EVERY * (index + 1) for index, need in enumerate(needs) if what(need))


def test_a_leap_is_seen_within_seconds_and_believed_within_a_part_of_a_start_up(play: Callable[..., Play]) -> None:
    """Demand goes from 60 % to 160 %: a sign at once, more replicas once a burst would be over."""
    role = play()
    role.run(300.0, 0.6)
    needs = role.run(600.0, 1.6)

    assert until(needs, lambda need: need.sign is Sign.DEMAND) <= 25.0
    assert until(needs, lambda need: need.grows) <= STARTUP / 2
    assert {need.wanted for need in needs if need.grows} <= {4, 5}
    assert changes([need.wanted for need in needs if need.grows]) <= 1
    assert 1.6 == pytest.approx(needs[-1].utilization)


def test_a_slow_rise_is_seen_before_it_is_far_above(play: Callable[..., Play]) -> None:
    """From 70 % to 110 % within half an hour: seen by the longer pasts, when it is hardly above."""
    role = play(noisy=Random(3))
    role.run(300.0, 0.7)
    needs = role.rise(1800.0, 0.7, 1.1)
    seen = until(needs, lambda need: need.grows)

    assert 0.85 <= 0.7 + 0.4 * seen / 1800.0 <= 1.08


def test_a_steep_rise_is_seen_before_the_limit_is_reached(play: Callable[..., Play]) -> None:
    """From 50 % to 150 % in ten minutes: at the limit, asked for a start-up of three minutes later, it is too late."""
    role = play(startup=180.0)
    role.run(300.0, 0.5)
    needs = role.rise(600.0, 0.5, 1.5)

    assert Sign.TREND in [need.sign for need in needs if need.utilization < 1.0]
    assert until(needs, lambda need: need.grows) < 300.0


def test_a_rise_that_ends_below_the_limit_is_no_need(play: Callable[..., Play]) -> None:
    """From 40 % to 75 % in ten minutes, and then steady."""
    role = play()
    role.run(300.0, 0.4)
    needs = role.rise(600.0, 0.4, 0.75)

    assert not any(grows(needs + role.run(900.0, 0.75)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_at_three_quarters_stays_silent_for_hours(play: Callable[..., Play], seed: int) -> None:
    """Arrivals by chance, lengths that vary, two replicas used to 75 %: nothing is needed, nothing is too much."""
    needs = play(noisy=Random(seed)).run(2 * 3600.0, 0.75)

    assert {2} == {need.wanted for need in needs}
    assert {0} == {need.spare for need in needs}


def test_a_burst_shorter_than_patience_is_silent(play: Callable[..., Play]) -> None:
    """Twice the demand for half a minute is seen, and over before a replica would serve."""
    role = play()
    role.run(600.0, 0.6)
    burst, after = role.run(25.0, 2.0), role.run(300.0, 0.6)

    assert any(need.over for need in burst)
    assert not any(grows(burst + after))
    assert after[-1].sign is None


def test_a_burst_is_answered_where_replicas_come_at_once(play: Callable[..., Play]) -> None:
    """The same burst, a minute of it, with a start-up of ten seconds."""
    role = play(startup=10.0)
    role.run(600.0, 0.6)

    assert any(grows(role.run(60.0, 2.0)))


def test_a_queue_on_one_engine_is_silent(play: Callable[..., Play]) -> None:
    """Five minutes of work wait on a single engine: that is uneven load, no lack of replicas."""
    role = play()
    needs = role.run(600.0, 0.7, waiting_seconds=300.0, even=False)

    assert {None} == {need.sign for need in needs}
    assert not any(grows(needs))


def test_a_queue_that_is_gone_before_a_replica_serves_is_silent(play: Callable[..., Play]) -> None:
    """Twenty seconds of work wait while half of the capacity is free: gone in forty."""
    role = play()
    needs = role.run(600.0, 0.5, waiting_seconds=20.0)

    assert {None} == {need.sign for need in needs}
    assert 40.0 == pytest.approx(needs[-1].drain)


def test_a_queue_that_outlasts_a_start_up_is_a_need(play: Callable[..., Play]) -> None:
    """Forty seconds of work wait at 90 %: gone in four hundred, and a replica serves in 120."""
    needs = play().run(120.0, 0.9, waiting_seconds=40.0)

    assert Sign.QUEUE is needs[-1].sign
    assert needs[-1].wanted > 2


def test_requests_that_wait_for_blocks_are_a_need_whatever_was_learned(play: Callable[..., Play]) -> None:
    """Caches are full and requests wait at each tick: capacity may be told as large as it likes."""
    needs = play().run(120.0, 0.6, crowded=0.95)

    assert Sign.QUEUE is needs[-1].sign
    assert any(grows(needs))


def test_caches_that_are_full_now_and_then_are_silent(play: Callable[..., Play]) -> None:
    """One tick in three."""
    role = play()
    needs = [need for _ in range(60) for need in role.run(10.0, 0.6) + role.run(5.0, 0.6, crowded=0.95)]

    assert {None} == {need.sign for need in needs}


def test_a_need_lingers_over_a_moment_below_the_limit(play: Callable[..., Play]) -> None:
    """Advice does not come and go with chance: for half a minute nothing shows it, and then it is above again."""
    role = play(rate=400.0)
    role.run(300.0, 1.1)
    below = role.run(30.0, 0.93)

    assert below[-1].sign is None
    assert all(grows(below + role.run(60.0, 1.1)))


def test_demand_that_fell_is_no_sign_though_the_minutes_before_were_above(play: Callable[..., Play]) -> None:
    """The mean of the longer pasts is above for minutes more; what counts is whether it still goes on."""
    role = play(rate=400.0)
    role.run(300.0, 1.3)

    assert {None} == {need.sign for need in role.run(60.0, 0.6)[5:]}


def test_a_need_does_not_outlast_its_demand(play: Callable[..., Play]) -> None:
    """Demand falls to half: within two minutes nothing is asked for."""
    role = play()
    assert grows(role.run(300.0, 1.2))[-1]
    needs = role.run(300.0, 0.5)

    assert until(needs, lambda need: not need.grows) <= 120.0
    assert not any(grows(needs[24:]))


def test_what_is_advised_already_needs_no_patience(play: Callable[..., Play]) -> None:
    """pdwatch was started anew or a plan changed its name while the need stands."""
    fresh, standing = play(), play()
    fresh.run(300.0, 0.6)
    standing.run(300.0, 0.6)
    first = until(fresh.run(120.0, 1.6), lambda need: need.grows)

    assert until(standing.run(120.0, 1.6, standing=True), lambda need: need.grows) < first


def test_replicas_are_spare_only_after_a_long_past(play: Callable[..., Play]) -> None:
    """Four replicas, demand for one: a minute of that takes none away, two start-ups and more do."""
    role = play(replicas=4)
    needs = role.run(900.0, 0.3)

    assert {0} == {need.spare for need in needs[: int(2 * STARTUP / EVERY)]}
    assert needs[-1].spare == 3
    assert until(needs, lambda need: need.spare > 0) >= needs[-1].past


def test_a_peak_within_the_past_keeps_its_replicas(play: Callable[..., Play]) -> None:
    """Two minutes at 150 % of one replica and then little: the replica stays until the peak is long gone."""
    role = play(replicas=4)
    role.run(900.0, 0.3)
    role.run(120.0, 1.5)
    needs = role.run(900.0, 0.3)

    assert {0} == {need.spare for need in needs[: int(2 * STARTUP / EVERY)]}
    assert needs[-1].spare == 3


def test_the_last_replica_is_never_spare(play: Callable[..., Play]) -> None:
    """Nothing arrives for an hour."""
    assert {0} == {need.spare for need in play(replicas=1).run(3600.0, 0.001)}


def test_a_replica_that_would_be_missed_barely_may_be_lent_and_is_not_idle(play: Callable[..., Play]) -> None:
    """On one fewer demand would be 90 % of capacity: enough where the other role is in need and no GPU is left."""
    needs = play(rate=400.0).run(300.0, 0.45)

    assert (1, 0) == (needs[-1].lendable, needs[-1].idle)


def test_a_replica_that_nobody_would_miss_is_idle(play: Callable[..., Play]) -> None:
    """On one fewer demand would be 40 % of capacity. That is known sooner than that it is spare for good."""
    needs = play(rate=400.0).run(120.0, 0.2)

    assert (1, 1, 0) == (needs[-1].lendable, needs[-1].idle, needs[-1].spare)


def test_who_is_in_need_lends_nothing(play: Callable[..., Play]) -> None:
    """Whatever its demand was before."""
    role = play(replicas=4)
    role.run(900.0, 0.3)
    need = role.run(60.0, 0.3, crowded=0.95)[-1]

    assert need.over
    assert (0, 0, 0) == (need.spare, need.lendable, need.idle)


@pytest.mark.parametrize(("headroom", "wanted"), [(0.0, 2), (1.0, 3)])
def test_room_for_a_crowd_is_kept_where_it_is_asked_for(make_load: MakeLoad, headroom: float, wanted: int) -> None:
    """Demand is at 60 % and nothing shows; twice of it would be 120 %."""
    watch, thresholds = NeedWatch(by_length=False), Thresholds().overridden({"burst_headroom": headroom})
    for tick in range(120):
        load = make_load(demand=0.6 * BEARS, arrivals=400.0)
        need = watch.update(load, thresholds, STARTUP, EVERY * tick)

    assert need is not None
    assert wanted == need.wanted
    assert (need.sign is Sign.ROOM) == (headroom > 0)


def test_a_role_of_unknown_capacity_needs_nothing_yet(make_load: MakeLoad) -> None:
    """Its demand is remembered until more is known."""
    watch = NeedWatch(by_length=False)
    for tick in range(20):
        load = make_load(demand=50_000.0, capacities=lambda _: {})
        assert watch.update(load, Thresholds(), STARTUP, EVERY * tick) is None

    assert EVERY * 19 == watch.demand.seconds


def test_no_more_than_four_times_the_replicas_are_asked_for(play: Callable[..., Play]) -> None:
    """Thirty times the demand of two replicas is a flood, and what lasts of it is seen later."""
    role = play()
    role.run(300.0, 0.6)

    assert role.run(300.0, 30.0)[-1].wanted == 8


def test_replicas_are_asked_for_at_which_there_is_room(play: Callable[..., Play]) -> None:
    """150 % of two replicas is all of three: four leave the room that is planned for."""
    need = play(rate=400.0).run(300.0, 1.5)[-1]

    assert 4 == need.wanted
    assert (need.load.utilization(need.wanted, need.demanded) or 0.0) <= Thresholds().pressure_target


def test_decode_grows_by_answers_that_become_longer(make_load: MakeLoad) -> None:
    """As many requests as before; what they generate trebles."""
    watch, wanted = NeedWatch(by_length=True), []
    for tick in range(180):
        lengths = (4000.0, 20.0) if tick < 90 else (12_000.0, 20.0)
        load = make_load(Role.DECODE, demand=0.0, arrivals=5.0, lengths=lengths, memory=20.0)
        need = watch.update(load, Thresholds(), STARTUP, EVERY * tick)
        wanted.append(0 if need is None else need.wanted)

    assert {2} == set(wanted[:90])
    assert wanted[-1] > 2


def test_the_time_until_a_queue_is_gone(make_load: MakeLoad) -> None:
    """By what is left of capacity; without end where nothing is left; none where nothing waits."""
    waits = make_load(waiting_seconds=30.0)

    assert 60.0 == pytest.approx(drain_seconds(waits, BEARS, BEARS / 2))
    assert isinf(drain_seconds(waits, BEARS, BEARS))
    assert isinf(drain_seconds(waits, BEARS, 2 * BEARS))
    assert 0.0 == drain_seconds(make_load(), BEARS, 2 * BEARS)


def test_the_bound_that_binds_is_the_lowest(make_load: MakeLoad) -> None:
    """Of decode that bears 1,000 tokens a second by its cache and 2,000 by its steps, a replica bears 1,000."""
    load = make_load(Role.DECODE, demand=500.0)

    assert (2000.0, Bound.DECODE_KV) == (load.capacity(2), load.binding)
    assert (0.25, 0.5) == (load.utilization(2), load.utilization(1))
    assert [250.0, 250.0] == [bound.demand for bound in load.bounds(250.0)]
    assert 1.0 == load.utilization(2, 2000.0)
