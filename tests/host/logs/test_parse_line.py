"""What single lines tell."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdwatch.host.logs import parse_line
from pdwatch.host.logs.parse import RULES
from pdwatch.model.logline import (
    EngineFault,
    EngineStats,
    EplbRearrangement,
    EplbStep,
    EventBody,
    FaultKind,
    KvExpired,
    RearrangementPhase,
    StatsDisabled,
    TransferSummaries,
    TransferSummary,
    VersionBanner,
)

STEP = "EPLB step: avg_tokens=12.50, max_tokens=25, balancedness=0.5000"
NAMED_STEP = "EPLB step: 2999 for model deepseek-ai/R1: avg_tokens=1.00, max_tokens=2, balancedness=0.5000"
EXPIRED = "Releasing expired KV blocks for request cmpl-1 b which were retrieved by"
BANNER = "(APIServer pid=9) INFO 05-14 09:09:58 [api_server.py:1272] vLLM API server version"
NIXL = (
    "KV Transfer metrics: Num successful transfers=4, Avg xfer time (ms)=14.9, P90 xfer time (ms)=32.51, "
    "Avg post time (ms)=1.49, P90 post time (ms)=3.251, Avg MB per transfer=568.5, Throughput (MB/s)=38146.0, "
    "Avg number of descriptors=320.0, Num failed transfers=0, Num KV expired reqs=1, Num notifs after expiry=2"
)


def body_of(line: str) -> EventBody | None:
    event = parse_line(line)
    return event.body if event else None


@pytest.mark.parametrize(
    ("prefix", "process", "pid"),
    [
        ("", None, None),
        ("INFO 08-05 17:32:58 metrics.py:455] ", None, None),
        ("INFO 08-05 17:32:58 [loggers.py:116] ", None, None),
        ("(VllmWorker rank=0 pid=123) INFO 08-05 17:32:58 [eplb_state.py:315] ", "VllmWorker", 123),
        ("(APIServer pid=17288) INFO 11-21 05:39:15 [loggers.py:335] ", "APIServer", 17288),
        ("\x1b[1;36m(Worker_DP0_TP0_EP0 pid=9)\x1b[0;0m INFO 08-05 17:32:58 [a.py:1] ", "Worker_DP0_TP0_EP0", 9),
        ("(EngineCore_DP1 pid=7) DEBUG 08-05 17:32:58.123 [v1/metrics/loggers.py:123] ", "EngineCore_DP1", 7),
        ("(RayWorkerWrapper pid=5, ip=10.0.0.1) (Worker pid=6) INFO 08-05 17:32:58 [a.py:1] ", "RayWorkerWrapper", 5),
        ("2026-11-21T05:39:15.123456789Z stdout F (Worker pid=9) INFO 11-21 05:39:15 [a.py:1] ", "Worker", 9),
        ("Nov 21 05:39:15 node0 vllm[88]: (Worker pid=9) INFO 11-21 05:39:15 [a.py:1] ", "Worker", 9),
        ("decode-1  | (Worker pid=9) INFO 11-21 05:39:15 [a.py:1] ", "Worker", 9),
        ("3: (Worker pid=9) INFO 11-21 05:39:15 [a.py:1] ", "Worker", 9),
    ],
)
def test_prefixes_of_every_version_and_carrier(prefix: str, process: str | None, pid: int | None) -> None:
    """The message is the same behind each, and the process is the one named first."""
    event = parse_line(prefix + STEP)

    assert event is not None
    assert EplbStep(12.5, 25, 0.5) == event.body
    assert (process, pid) == (event.process, event.pid)


def test_json_lines() -> None:
    """vLLM's JSON formatter, and the JSON that Docker wraps plain lines in."""
    formatted = json.dumps(
        {"asctime": "x", "levelname": "INFO", "name": "v", "processName": "Worker_TP0", "process": 9, "message": STEP}
    )
    wrapped = json.dumps({"log": f"(Worker pid=8) INFO 11-21 05:39:15 [a.py:1] {STEP}\n", "stream": "stdout"})
    first, second = parse_line(formatted), parse_line(wrapped)

    assert first is not None
    assert second is not None
    assert (EplbStep(12.5, 25, 0.5), "Worker_TP0", 9) == (first.body, first.process, first.pid)
    assert (EplbStep(12.5, 25, 0.5), "Worker", 8) == (second.body, second.process, second.pid)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (STEP, EplbStep(12.5, 25, 0.5)),
        (
            NAMED_STEP,
            EplbStep(1, 2, 0.5, 2999, "deepseek-ai/R1"),
        ),
        (
            f"{NAMED_STEP}, steps until the next rearrangement: 1",
            EplbStep(1, 2, 0.5, 2999, "deepseek-ai/R1", 1),
        ),
        ("EPLB step: avg_tokens=0.00, max_tokens=0, balancedness=0.0000", EplbStep(0, 0, None)),
        ("EPLB step: avg_tokens=nan, max_tokens=0, balancedness=0.0000", None),
        ("EPLB step: avg_tokens=, max_tokens=0", None),
    ],
)
def test_eplb_steps_of_every_version(line: str, event: EplbStep | None) -> None:
    """A step without tokens has no balance."""
    assert event == body_of(line)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("Rearranging experts...", EplbRearrangement(RearrangementPhase.STARTED)),
        ("Rearranging experts (async mode) ...", EplbRearrangement(RearrangementPhase.STARTED, None, True)),
        (
            "Rearranging experts sync mode (profile)...",
            EplbRearrangement(RearrangementPhase.STARTED, None, False, True),
        ),
        ("Rearranged experts in 1.25 seconds.", EplbRearrangement(RearrangementPhase.FINISHED, 1.25)),
        (
            "Rearranged experts (profile) in 0.50 seconds.",
            EplbRearrangement(RearrangementPhase.FINISHED, 0.5, None, True),
        ),
        ("Rearranged experts  in 2.00 s.", EplbRearrangement(RearrangementPhase.FINISHED, 2.0)),
        (
            "[EPLB] Skip rearrange: imbalance 1.2000 -> 1.1900 (no material gain)",
            EplbRearrangement(RearrangementPhase.SKIPPED),
        ),
    ],
)
def test_rearrangements(line: str, event: EplbRearrangement) -> None:
    """Beginning, end and omission, with the mode where it is named."""
    assert event == body_of(line)


def test_nixl_transfers_are_in_base_units() -> None:
    """Milliseconds become seconds, what the line calls MB is MiB."""
    expected = TransferSummary(
        transfers=4,
        seconds_mean=pytest.approx(0.0149),
        seconds_p90=pytest.approx(0.03251),
        post_seconds_mean=pytest.approx(0.00149),
        post_seconds_p90=pytest.approx(0.003251),
        bytes_mean=568.5 * 1048576,
        bandwidth_bytes_per_second=38146.0 * 1048576,
        descriptors_mean=320,
        failed_transfers=0,
        expired=1,
        notified_after_expiry=2,
    )

    assert TransferSummaries((expected,)) == body_of(NIXL)


def test_mooncake_counts_failed_receives() -> None:
    """Mooncake has no post time and a failure of its own."""
    body = body_of("KV Transfer metrics: Num successful transfers=1, Avg xfer time (ms)=2.0, Num failed recvs=3")

    assert TransferSummaries((TransferSummary(transfers=1, seconds_mean=0.002, failed_receives=3),)) == body


def test_a_multi_connector_nests_dictionaries() -> None:
    """Each connector is apart, numpy's own spelling of numbers and `nan` are understood."""
    nixl = "NixlPullConnector={'Num successful transfers': 2, 'Avg xfer time (ms)': np.float64(1.5), 'P90': nan}"
    offloading = "OffloadingConnector={'vllm:kv_offload_total_bytes_total': 4096, 'note': 'text'}"
    nested = "MultiConnector={'NixlPushConnector': {'Num failed transfers': 1}}"
    expected = (
        TransferSummary("NixlPullConnector", transfers=2, seconds_mean=0.0015),
        TransferSummary("OffloadingConnector", other={"vllm:kv_offload_total_bytes_total": 4096.0}),
        TransferSummary("NixlPushConnector", failed_transfers=1),
    )

    assert TransferSummaries(expected) == body_of(f"KV Transfer metrics: {nixl}, {offloading}, {nested}")


@pytest.mark.parametrize(
    "rest",
    ["", "garbage", "A={", "A={'x': __import__('os')}", "A={'x': [}", "A=" + "{" * 5000 + "}" * 5000, "=1", "x=nan"],
)
def test_a_transfer_line_without_numbers_is_no_event(rest: str) -> None:
    """Nothing of it is evaluated, and no depth of nesting breaks it."""
    assert None is body_of(f"KV Transfer metrics: {rest}")


def test_the_stats_line_of_a_decode_worker() -> None:
    """Every part has its field; percentages become ratios and the device's name does not matter."""
    line = (
        "(APIServer pid=1) INFO 11-21 05:42:36 [loggers.py:335] Engine 003: Avg prompt throughput: 0.5 tokens/s, "
        "Avg generation throughput: 16.8 tokens/s, Running: 1 reqs, Waiting: 4 reqs, Deferred: 3 reqs, KV fetch: 5 "
        "waiting to start, 6 in progress, 7 completed waiting, CPU KV cache usage: 12.7%, Prefix cache hit rate: 0.4%, "
        "External prefix cache hit rate: 100.0%, MM cache hit rate: 3.0%"
    )

    assert EngineStats(
        "3", None, 0.5, 16.8, 1, 4, 3, 5, 6, 7, pytest.approx(0.127), pytest.approx(0.004), 1.0
    ) == body_of(line)


def test_stats_lines_of_older_and_aggregated_forms() -> None:
    """The line of 0.6 names no engine; an aggregated one says how many there are."""
    old = "INFO 01-01 00:00:00 metrics.py:455] Avg prompt throughput: 1.0 tokens/s, Avg generation throughput: 2.0 "
    old += "tokens/s, Running: 3 reqs, Swapped: 0 reqs, Pending: 4 reqs, "
    old += "GPU KV cache usage: 50.0%, CPU KV cache usage: 0.0%."
    several = "2 Engines Aggregated: Avg prompt throughput: 1.0 tokens/s, Avg generation throughput: 2.0 tokens/s"

    assert EngineStats(None, None, 1.0, 2.0, 3, 4, kv_cache_usage_ratio=0.5) == body_of(old)
    assert EngineStats(None, 2, 1.0, 2.0) == body_of(several)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            f"{EXPIRED} 0 decode worker(s) within 480 seconds.",
            KvExpired(0, 480.0),
        ),
        (
            f"{EXPIRED} 2 remote worker(s) before lease expired.",
            KvExpired(2),
        ),
        (
            "AsyncLLM created with api_server_count more than 1; disabling stats logging to avoid incomplete stats.",
            StatsDisabled(),
        ),
        (
            f"{BANNER} 0.14.1",
            VersionBanner("0.14.1"),
        ),
        ("vLLM API server version 0.8.3.dev358+g24bc0a9f7", VersionBanner("0.8.3.dev358+g24bc0a9f7")),
        ("Initializing a V1 LLM engine (v0.10.0) with config: model='m'", VersionBanner("0.10.0")),
        ("       █▄█▀ █     █     █     █  version 0.33.0", VersionBanner("0.33.0")),
        ("using CUDA version 12.8", None),
        ("NIXL compatibility check passed (hash: d85c)", None),
        ("Remote engine at 10.0.0.1:5600 connected", None),
    ],
)
def test_what_else_is_understood(line: str, event: EventBody | None) -> None:
    """Expiries with and without the timeout, switched-off statistics, versions; and lines that only look like these."""
    assert event == body_of(line)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("NIXL transfer failure: transfer_failed | Context: {'req': 1}", FaultKind.TRANSFER_FAILED),
        ("NIXL compatibility hash mismatch. Local: a Remote: b", FaultKind.COMPATIBILITY_MISMATCH),
        ("Evicted stale remote engine 1234", FaultKind.STALE_REMOTE),
        ("Remote engine at 10.0.0.1:5600 changed from a to b.", FaultKind.STALE_REMOTE),
        (
            "Potentially invalid KV blocks for unrecognized request x were retrieved by a decode worker.",
            FaultKind.INVALID_BLOCKS_READ,
        ),
        (
            "/src/host/transport/transport.cpp:nvshmemi_transport_init:282: init failed for transport: IBGDA",
            FaultKind.RDMA_INIT_FAILED,
        ),
        ("x.cpp:12: Unable to initialize any transports. returning error.", FaultKind.RDMA_INIT_FAILED),
        ("NVSHMEM API called before NVSHMEM initialization has completed", FaultKind.RDMA_INIT_FAILED),
        ("ibgda.cpp:1: non-zero status: 7 cannot register cq buf.", FaultKind.LOCKED_MEMORY),
        ("ValueError: No available memory for the cache blocks. Try increasing", FaultKind.OUT_OF_MEMORY),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", FaultKind.OUT_OF_MEMORY),
    ],
)
def test_faults(line: str, kind: FaultKind) -> None:
    """Each phrase is found behind a prefix too."""
    assert EngineFault(kind) == body_of(line)
    assert EngineFault(kind) == body_of(f"(Worker_TP0 pid=1) ERROR 11-21 05:39:15 [a.py:1] {line}")


@pytest.mark.parametrize("quoted", [STEP, NIXL, "NIXL transfer failure: x", "cannot register cq buf"])
def test_what_a_user_writes_is_no_event(quoted: str) -> None:
    """With request logging on, prompts are in the log."""
    line = (
        f"(APIServer pid=1) INFO 11-21 05:39:15 [logger.py:41] Received request cmpl-1: prompt: '{quoted}', params: x"
    )

    assert None is parse_line(line)


def test_the_logs_of_a_real_pair(prefill_log: list[str], decode_log: list[str]) -> None:
    """Twelve expiries on prefill after decode was lost, transfers only on decode, a line every ten seconds on both."""
    prefill = Counter(type(body_of(line)).__name__ for line in prefill_log)
    decode = Counter(type(body_of(line)).__name__ for line in decode_log)

    assert {"EngineStats": sum("Engine 000" in line for line in prefill_log), "KvExpired": 12} == {
        name: count for name, count in prefill.items() if name != "NoneType"
    }
    assert sum("KV Transfer" in line for line in decode_log) == decode["TransferSummaries"] > 20
    assert sum("Engine 000" in line for line in decode_log) == decode["EngineStats"] > 20
    assert "KvExpired" not in decode


@given(
    st.lists(
        st.text()
        | st.sampled_from([needle for needle, _ in RULES])
        | st.sampled_from([STEP, NIXL, "{", "9" * 5000, "={"]),
        max_size=6,
    ).map("".join)
)
def test_no_line_breaks_the_parser(line: str) -> None:
    """Whatever a line holds, it is an event or it is not."""
    parse_line(line)


@given(st.sampled_from([STEP, NIXL]), st.data())
def test_no_torn_line_breaks_the_parser(line: str, data: st.DataObject) -> None:
    """A known line with a piece replaced by anything."""
    start = data.draw(st.integers(0, len(line)))
    stop = data.draw(st.integers(start, len(line)))

    parse_line(line[:start] + data.draw(st.text(max_size=20)) + line[stop:])
