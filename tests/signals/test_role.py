"""What a worker does shows in its numbers."""

from __future__ import annotations

from collections.abc import Callable

from pdwatch.model.reading import Histogram
from pdwatch.model.target import Role
from pdwatch.model.window import Window
from pdwatch.signals.role import behaviour, transferred_share

MakeWindow = Callable[..., Window]
Counted = Callable[[float, float], Histogram]


def test_one_token_a_request_is_prefill(make_window: MakeWindow, counted: Counted) -> None:
    """The router asks prefill for a single token."""
    window = make_window(
        prompt_tokens_computed=9000.0, prompt_tokens_transferred=0.0, request_generation_tokens=counted(20, 20)
    )

    assert Role.PREFILL is behaviour(window.flow)


def test_prompts_that_arrive_by_transfer_are_decode(make_window: MakeWindow, counted: Counted) -> None:
    """Decode receives the KV of its prompts."""
    window = make_window(
        prompt_tokens_computed=20.0, prompt_tokens_transferred=9000.0, request_generation_tokens=counted(2000, 20)
    )

    assert Role.DECODE is behaviour(window.flow)


def test_computing_and_answering_is_both(make_window: MakeWindow, counted: Counted) -> None:
    """An aggregated worker computes its prompts and generates its answers."""
    window = make_window(
        prompt_tokens_computed=9000.0, prompt_tokens_transferred=0.0, request_generation_tokens=counted(2000, 20)
    )

    assert Role.BOTH is behaviour(window.flow)


def test_too_few_requests_tell_nothing(make_window: MakeWindow, counted: Counted) -> None:
    """Two requests are no behaviour."""
    window = make_window(
        prompt_tokens_computed=900.0, prompt_tokens_transferred=0.0, request_generation_tokens=counted(2, 2)
    )

    assert Role.UNKNOWN is behaviour(window.flow)


def test_before_tokens_by_source_the_connectors_cache_tells(make_window: MakeWindow) -> None:
    """0.11 to 0.14 count external cache hits only."""
    assert 0.9 == transferred_share(make_window(external_cache_hits=90.0, external_cache_queries=100.0).flow)


def test_a_version_that_tells_neither_is_unknown(make_window: MakeWindow) -> None:
    """0.10 has no way to say whether KV moved."""
    assert transferred_share(make_window(prompt_tokens=100.0).flow) is None
