"""KV transfer: which side tells, how long it takes, whether KV moves at all."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

from pdwatch.model.reading import Histogram
from pdwatch.model.target import Role
from pdwatch.model.window import Window
from pdwatch.signals.flows import ServiceFlows
from pdwatch.signals.transfer import transfer_state

MakeWindow = Callable[..., Window]
Counted = Callable[[float, float], Histogram]


def _times(count: float, total: float) -> Histogram:
    return Histogram((0.1, inf), (count, count), total, count)


def _flows(**by_role: Window) -> ServiceFlows:
    return ServiceFlows({Role(role): window.flow for role, window in by_role.items()}, {}, seconds=10.0)


def test_in_pull_mode_decode_tells(make_window: MakeWindow, counted: Counted) -> None:
    """Prefill's histograms exist and stay empty; they are not taken for transfers that stopped."""
    prefill = make_window(transfer_time=_times(0, 0.0), transfer_bytes=counted(0, 0), prefill_time=counted(8.0, 20))
    decode = make_window(transfer_time=_times(20, 0.8), transfer_bytes=counted(8e9, 20))
    state = transfer_state(_flows(prefill=prefill, decode=decode), None, None)

    assert Role.DECODE is state.reported_by
    assert pytest.approx(0.04) == state.seconds_mean
    assert pytest.approx(1e10) == state.bandwidth_bytes_per_second
    assert pytest.approx(0.1) == state.prefill_ratio
    assert state.kv_moving is True


def test_in_push_mode_prefill_tells(make_window: MakeWindow, counted: Counted) -> None:
    """The configured connector decides, though both sides have the histograms."""
    prefill = make_window(transfer_time=_times(20, 0.4), transfer_bytes=counted(8e9, 20))
    decode = make_window(transfer_time=_times(0, 0.0), transfer_bytes=counted(0, 0))
    state = transfer_state(_flows(prefill=prefill, decode=decode), "nixl-push", None)

    assert (Role.PREFILL, pytest.approx(0.02)) == (state.reported_by, state.seconds_mean)


def test_without_any_transfer_nobody_tells(make_window: MakeWindow) -> None:
    """Idle is unknown, not zero seconds."""
    state = transfer_state(_flows(decode=make_window(transfer_time=_times(0, 0.0))), None, None)

    assert (None, None, None) == (state.reported_by, state.seconds_mean, state.kv_moving)


def test_prompts_computed_on_decode_mean_that_kv_does_not_move(make_window: MakeWindow) -> None:
    """All uncached prompt tokens were computed where they should have arrived."""
    decode = make_window(prompt_tokens_computed=9000.0, prompt_tokens_transferred=0.0)
    state = transfer_state(_flows(decode=decode), None, None)

    assert (False, 1.0) == (state.kv_moving, state.kv_recomputed_share)


def test_failures_of_both_sides_are_summed(make_window: MakeWindow) -> None:
    """A handshake fails on decode, a notification on prefill."""
    prefill, decode = make_window(transfer_failures=10.0, kv_expired=20.0), make_window(transfer_failures=5.0)
    state = transfer_state(_flows(prefill=prefill, decode=decode), None, None)

    assert (1.5, 2.0) == (state.failures_per_second, state.expired_per_second)
