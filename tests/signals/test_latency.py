"""The chain of hops to the first token."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from pdwatch.model.reading import Histogram
from pdwatch.model.snapshot import TransferState
from pdwatch.model.target import Role
from pdwatch.model.window import Flow, Window
from pdwatch.signals.latency import chain

MakeWindow = Callable[..., Window]
Flows = Callable[[Mapping[Role, Mapping[str, float]]], dict[Role, Flow]]


@pytest.fixture
def flows(make_window: MakeWindow) -> Flows:
    """Ten requests a role, each with the given means in seconds."""

    def make(means: Mapping[Role, Mapping[str, float]]) -> dict[Role, Flow]:
        bounds = (60.0, float("inf"))
        return {
            role: make_window(
                **{name: Histogram(bounds, (10.0, 10.0), 10 * mean, 10.0) for name, mean in named.items()}
            ).flow
            for role, named in means.items()
        }

    return make


def test_the_transfer_is_taken_out_of_decodes_queue(flows: Flows) -> None:
    """vLLM counts the wait for remote KV as queue time on decode."""
    means = {
        Role.PREFILL: {"queue_time": 0.2, "prefill_time": 0.5},
        Role.DECODE: {"queue_time": 0.3, "prefill_time": 0.03},
    }
    found = chain(flows(means), TransferState(seconds_mean=0.1))

    assert (0.2, 0.5, 0.1) == pytest.approx((found.prefill_queue, found.prefill, found.transfer))
    assert 0.23 == pytest.approx(found.decode_admission)


def test_the_router_adds_what_the_engines_do_not_take(flows: Flows) -> None:
    """A request takes 9.5 s through it, 0.7 s of them on prefill and 8.5 s on decode."""
    means = {Role.ROUTER: {"e2e": 9.5}, Role.PREFILL: {"e2e": 0.7}, Role.DECODE: {"e2e": 8.5}}

    assert 0.3 == pytest.approx(chain(flows(means), TransferState()).router)


def test_a_front_end_that_tells_of_first_tokens_is_compared_by_them(flows: Flows) -> None:
    """Their times are short, so the difference is exact."""
    means = {
        Role.ROUTER: {"ttft": 1.0, "e2e": 9.5},
        Role.PREFILL: {"ttft": 0.7, "e2e": 0.7},
        Role.DECODE: {"ttft": 0.2, "e2e": 8.5},
    }

    assert 0.1 == pytest.approx(chain(flows(means), TransferState()).router)


@pytest.mark.parametrize("roles", [(Role.ROUTER, Role.PREFILL), (Role.PREFILL, Role.DECODE)])
def test_without_all_parts_nothing_is_said_of_the_router(roles: tuple[Role, ...], flows: Flows) -> None:
    """Absent is not zero."""
    assert chain(flows({role: {"e2e": 1.0} for role in roles}), TransferState()).router is None


def test_a_router_that_is_quicker_than_its_engines_adds_nothing(flows: Flows) -> None:
    """Windows of two pages differ a little."""
    means = {Role.ROUTER: {"e2e": 9.1}, Role.PREFILL: {"e2e": 0.7}, Role.DECODE: {"e2e": 8.5}}

    assert 0.0 == chain(flows(means), TransferState()).router
