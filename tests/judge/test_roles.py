"""Workers that do the other side's work, or half of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.snapshot import ServiceSignals, WorkerState
from pdwatch.model.target import Role, RoleSource

Hits = Callable[[str, ServiceSignals], list[Hit]]
MakeWorker = Callable[..., WorkerState]
MakeService = Callable[..., ServiceSignals]


def test_role_mismatch_names_declared_and_shown(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """Declared decode, one token a request."""
    swapped = worker(Role.DECODE, behaviour=Role.PREFILL)
    found = hits("role_mismatch", service([worker(Role.PREFILL), swapped]))

    assert ["decode-0 is declared decode but behaves as prefill."] == [hit.summary for hit in found]


def test_a_guessed_role_cannot_mismatch(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """What was told from behaviour agrees with it."""
    guessed = worker(Role.DECODE, behaviour=Role.PREFILL, role_source=RoleSource.BEHAVIOUR)

    assert [] == hits("role_mismatch", service([guessed]))


@pytest.mark.parametrize("tokens", [180.0, 1.5])
def test_prefill_that_answers_requests_itself(
    tokens: float, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """The router sends it whole requests."""
    busy = worker(Role.PREFILL, behaviour=Role.UNKNOWN, engine={"generation_tokens_per_request": tokens})
    found = hits("prefill_decoding", service([busy, worker(Role.DECODE)]))

    assert [{"role": "prefill", "worker": "prefill-0"}] == [hit.scope for hit in found]


@pytest.mark.parametrize("tokens", [None, 1.0, 1.49])
def test_prefill_that_answers_with_one_token(
    tokens: float | None, worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """As it should, whatever a few odd requests do."""
    calm = worker(Role.PREFILL, engine={"generation_tokens_per_request": tokens})

    assert [] == hits("prefill_decoding", service([calm, worker(Role.DECODE)]))


def test_swapped_roles_are_told_as_such(worker: MakeWorker, service: MakeService, hits: Hits) -> None:
    """A worker that receives KV and generates is decode, declared as prefill."""
    swapped = worker(Role.PREFILL, behaviour=Role.DECODE, engine={"generation_tokens_per_request": 180.0})

    assert [] == hits("prefill_decoding", service([swapped]))
    assert 1 == len(hits("role_mismatch", service([swapped])))


def test_a_handful_of_long_answers_on_prefill_prove_nothing(
    worker: MakeWorker, service: MakeService, hits: Hits
) -> None:
    """Somebody tried it by hand."""
    tried = worker(Role.PREFILL, engine={"generation_tokens_per_request": 180.0, "requests_in_window": 4.0})

    assert [] == hits("prefill_decoding", service([tried]))
