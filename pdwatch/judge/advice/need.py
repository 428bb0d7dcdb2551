"""What one role needs from tick to tick: more, fewer, or what it has; with patience on both sides.

More is needed when demand is above capacity by more than chance explains, in any of several pasts; or when what waits
would not be gone before a new replica serves; or when the trend leads there within a start-up. It must last a part of
the start-up first: a burst that is over sooner is not cured by a replica that comes later. Fewer are enough when the
highest demand of a long past fits on them with room.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.judge.advice.demand import Demand, Tick
from pdwatch.judge.advice.role import RoleLoad

_PASTS = ((20.0, 1.5), (40.0, 1.25), (80.0, 0.75), (160.0, 0.5))
"""Seconds over which demand is compared with capacity, and the standard errors by which it must be above: the short
ones see a leap, the long ones a slow rise."""
_LEVEL, _LATEST, _STILL = 60.0, 25.0, 0.9
_DONOR_PAST, _DONOR_LEVEL, _LENT = 75.0, 40.0, 0.95
"""Seconds of the past, and of the mean within it, that a role must fit on fewer replicas to lend one, and how full they
may get: the other role is in need."""
_PATIENCE_SHARE, _LEAST_PATIENCE, _MOST_PATIENCE = 0.35, 10.0, 60.0
_LINGER = 45.0
"""Seconds for which a need stands after its last sign."""
_FURTHEST = 1.3
"""Times the present demand that a trend is followed to at most: a leap has a slope, too, and does not go on."""
_FEWER = 1.1
"""How much more demand fewer replicas than asked for must bear, before fewer are asked for."""
_MOST_GROWTH = 4
"""Times the replicas there are that one advice asks for at most."""
_REMOVAL_LEAST = 180.0
"""Seconds of the past that must fit on fewer replicas at least; with a slow start-up, longer."""
_WAIT_SECONDS = 2.0
"""Work that waits below which a queue is no sign of anything."""
_FULL_WEIGHT, _FULL_SHARE = 0.15, 0.8
"""How fast the share of ticks at which a role was full forgets, and the share from which it counts."""


class Sign(StrEnum):
    """What shows that a role is too small, strongest first."""

    DEMAND = "demand"
    """More arrives than it bears."""
    QUEUE = "queue"
    """What waits is not worked off."""
    TREND = "trend"
    """It is going there."""
    ROOM = "room"
    """The room that is to be kept for a crowd is not there."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a role needs at one tick."""

    load: RoleLoad
    utilization: float
    """Mean demand of a minute over the capacity of the replicas there are."""
    error: float
    """Its standard error."""
    wanted: int
    """Replicas that bear it with room; those there are where nothing is needed."""
    sign: Sign | None
    """What shows that it is too small, whether or not for long enough; `None` where nothing does."""
    over_seconds: float
    """For how long."""
    patience: float
    """For how long it must be."""
    spare: int
    """Replicas that the highest demand of a long past leaves unneeded."""
    lendable: int
    """Replicas that the present demand leaves barely unneeded: they may change roles when no GPU is left."""
    idle: int
    """Replicas that the present demand leaves unneeded with room: they may change roles before a GPU is added."""
    past: float
    """Seconds of the past that `spare` rests on."""
    peak: float
    """Highest mean demand of a minute within it."""
    drain: float
    """Seconds until what waits is worked off; infinite where it only grows."""

    @property
    def demanded(self) -> float:
        """Mean demand of a minute, in tokens a second."""
        return self.utilization * self.load.able

    @property
    def grows(self) -> bool:
        """Whether more replicas are needed for sure."""
        return self.wanted > self.load.replicas

    @property
    def over(self) -> bool:
        """Whether anything shows that it is too small."""
        return self.sign is not None


class NeedWatch:
    """What is remembered of one role; *by_length* where demand is arrivals times a length still to be seen."""

    def __init__(self, by_length: bool) -> None:
        self.demand = Demand(by_length)
        self._since: float | None = None
        self._seen = 0.0
        self._given = False
        self._full = 0.0
        self._wanted: int | None = None

    def update(
        self, load: RoleLoad, thresholds: Thresholds, startup: float, now: float, standing: bool = False
    ) -> Need | None:
        """Take the load of a tick and return the need; `None` while capacity is not known.

        *standing* says that more of the role is advised already, so that a sign need not last anew.
        """
        self.demand.add(Tick(now, load.demand, load.arrivals, *(load.lengths or (0.0, 0.0))), load.scv)
        capacity, level = load.able, self.demand.level(_LEVEL)
        if capacity <= 0 or level is None:
            return None
        self._full += (float(load.crowded >= thresholds.kv_usage_high) - self._full) * _FULL_WEIGHT
        limit, past = thresholds.pressure_high * capacity, max(_REMOVAL_LEAST, 2 * startup + _LEVEL)
        drain = drain_seconds(load, capacity, self._latest())
        ahead, room = self._ahead(level.mean, startup), self._room(thresholds.burst_headroom)
        sign = self._sign(load, limit, ahead, room, drain > startup)
        patience = self._patience(load, startup) if thresholds.advice_seconds > 0 else 0.0
        self._given = self._given or (standing and sign is not None)
        planned = max(level.at_most(1.0), ahead, room) + load.waiting_seconds * capacity / max(60.0, startup)
        stands = self._stands(sign, level.mean, limit, patience, now)
        spare, lendable, idle = self._unneeded(load, thresholds, past, room) if sign is None else (0, 0, 0)
        return Need(
            load,
            utilization=level.mean / capacity,
            error=level.error / capacity,
            wanted=self._sized(load, planned if stands else None, thresholds.pressure_target, sign),
            sign=sign,
            over_seconds=0.0 if self._since is None else now - self._since,
            patience=patience,
            spare=spare,
            lendable=lendable,
            idle=idle,
            past=past,
            peak=self.demand.peak(past, _LEVEL, 1.0),
            drain=drain,
        )

    def _ahead(self, level: float, startup: float) -> float:
        """Return the demand to which the trend leads by the time that a new replica serves."""
        return min(level + self.demand.slope() * (startup + _LEVEL / 2), _FURTHEST * level)

    def _sized(self, load: RoleLoad, planned: float | None, target: float, sign: Sign | None) -> int:
        """Return the replicas for the demand that is *planned* for, those there are where none is.

        Those asked for before stay unless fewer would do with room to spare.
        """
        if planned is None:
            self._wanted = None
            return load.replicas
        more = sign is not None
        least, most = (_fitting(load, demand, target, more) for demand in (planned, _FEWER * planned))
        self._wanted = least if self._wanted is None else min(max(self._wanted, least), most)
        return self._wanted

    def _unneeded(self, load: RoleLoad, thresholds: Thresholds, past: float, room: float) -> tuple[int, int, int]:
        """Return `spare`, `lendable` and `idle` of a need."""
        target = thresholds.pressure_target
        return (
            self._spare(load, min(thresholds.pressure_low, target), past, _LEVEL, room),
            self._spare(load, _LENT, _DONOR_PAST, _DONOR_LEVEL, 0.0),
            self._spare(load, target, _DONOR_PAST, _DONOR_LEVEL, room),
        )

    def _room(self, headroom: float) -> float:
        """Return the demand for which replicas are kept whatever comes."""
        return self.demand.usual() * (1.0 + headroom) if headroom > 0 else 0.0

    def _patience(self, load: RoleLoad, startup: float) -> float:
        """Return for how long a sign must last. Longer answers are no burst: what they add stays."""
        smoothed = 0.0 if self.demand.leapt() else load.memory
        return min(_MOST_PATIENCE, max(_LEAST_PATIENCE, _PATIENCE_SHARE * startup - smoothed))

    def _latest(self) -> float:
        level = self.demand.level(_LATEST)
        return level.mean if level is not None else 0.0

    def _sign(self, load: RoleLoad, limit: float, ahead: float, room: float, slow_drain: bool) -> Sign | None:
        if self._above(limit):
            return Sign.DEMAND
        if load.even and ((slow_drain and load.waiting_seconds > _WAIT_SECONDS) or self._full > _FULL_SHARE):
            return Sign.QUEUE
        if ahead > limit:
            return Sign.TREND
        return Sign.ROOM if room > limit else None

    def _stands(self, sign: Sign | None, level: float, limit: float, patience: float, now: float) -> bool:
        """Tell whether more is needed for sure: a sign has lasted, and what it showed is not over."""
        lasted = self._lasted(sign is not None, self._gone(sign, level, limit), patience, now)
        return lasted and (sign is not None or level >= _STILL * limit)

    def _above(self, limit: float) -> bool:
        """Tell whether demand is above *limit* for sure in any past, and still is in the shortest."""
        latest = self.demand.level(_PASTS[0][0])
        if latest is None or latest.at_most(0.5) < limit:
            return False
        known = ((past, sure) for past, sure in _PASTS if past <= self.demand.seconds + 10.0)
        return any((level := self.demand.level(past)) and level.at_least(sure) > limit for past, sure in known)

    def _gone(self, sign: Sign | None, level: float, limit: float) -> bool:
        """Tell whether what a *sign* showed may be over already, by the demand of the last seconds."""
        if sign is Sign.DEMAND:
            return self._latest() < limit or level < _STILL * limit
        return sign is Sign.TREND and self._latest() < _STILL * level

    def _lasted(self, over: bool, gone: bool, patience: float, now: float) -> bool:
        """Tell whether a sign has lasted; where what showed it may be *gone* already, not yet."""
        if over:
            self._since = now if self._since is None else self._since
            self._seen = now
            self._given = self._given or (now - self._since >= patience and not gone)
        elif self._since is not None and now - self._seen >= (_LINGER if self._given else _LEAST_PATIENCE):
            self._since, self._given = None, False
        return self._given

    def _spare(self, load: RoleLoad, low: float, past: float, seconds: float, room: float) -> int:
        """Return the replicas that *room*, and the highest mean over *seconds* within the *past*, leave unneeded."""
        if self.demand.seconds < past:
            return 0
        return load.replicas - _least(load, max(room, self.demand.peak(past, seconds, 1.0)), low)


def drain_seconds(load: RoleLoad, capacity: float, demand: float) -> float:
    """Return the seconds until what waits is worked off while *demand* goes on."""
    if load.waiting_seconds <= 0:
        return 0.0
    left = 1.0 - demand / capacity
    return load.waiting_seconds / left if left > 0 else float("inf")


def _fitting(load: RoleLoad, demand: float, target: float, more: bool) -> int:
    """Return the replicas at which *demand* is within *target*: those there are at least, one more where *more*."""
    most = _MOST_GROWTH * max(1, load.replicas)
    for replicas in range(load.replicas + more, most + 1):
        used = load.utilization(replicas, demand)
        if used is not None and used <= target:
            return replicas
    return most


def _least(load: RoleLoad, demand: float, low: float) -> int:
    """Return the fewest replicas, at least one, at which *demand* is within *low*."""
    for replicas in range(1, load.replicas):
        used = load.utilization(replicas, demand)
        if used is not None and used <= low:
            return replicas
    return load.replicas
