"""What logs tell of transfers that no page counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pdwatch.judge.definition import Hit
from pdwatch.model.hostsignals import HostSignals
from pdwatch.model.judgement import Severity
from pdwatch.model.logline import FaultKind
from pdwatch.model.snapshot import TransferState

Named = Callable[..., list[Hit]]
Make = Callable[..., Any]


def _told(kind: FaultKind) -> HostSignals:
    return HostSignals(faults={kind: {"vllm.log": 12.0}})


def test_failed_transfers_are_told_by_the_log_of_versions_that_do_not_count(named: Named, group: Make) -> None:
    """vLLM before 0.11.2 has no counter of them."""
    found = named("kv_transfer_failing", group=group(), signals=_told(FaultKind.TRANSFER_FAILED))

    assert [
        "decode-0 on node1 failed to transfer KV 12 s ago, says its log; its version does not count how often."
    ] == [hit.summary for hit in found]
    assert [Severity.WARNING] == [hit.severity for hit in found]


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_where_failures_are_counted_the_log_adds_nothing(rate: float, named: Named, group: Make) -> None:
    """One finding for one fault."""
    transfer = {"transfer": TransferState(failures_per_second=rate)}
    signals = _told(FaultKind.TRANSFER_FAILED)
    found = named("kv_transfer_failing", group=group(), signals=signals, service_signals=transfer)

    assert [{}] * int(rate) == [hit.scope for hit in found]


def test_invalid_blocks_are_told_by_the_log_before_they_were_counted(named: Named, group: Make) -> None:
    """vLLM before 0.32; answers may be garbled."""
    found = named("kv_read_after_expiry", group=group(), signals=_told(FaultKind.INVALID_BLOCKS_READ))

    assert [{"role": "decode", "worker": "decode-0", "host": "node1"}] == [hit.scope for hit in found]
    assert [None] == [hit.severity for hit in found]
