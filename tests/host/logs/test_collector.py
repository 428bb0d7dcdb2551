"""Everything that the logs of a host have told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pdwatch.host.collector import CollectError, NothingHere
from pdwatch.host.logs import JournalTail, LogCollector, LogTail
from pdwatch.model.logline import FaultKind, HostLogs

STEP = "EPLB step: 7 for model m: avg_tokens=1.00, max_tokens=2, balancedness=0.5000, "
STEP += "steps until the next rearrangement: 3\n"


class Clock:
    """Time that moves when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A log file, its collector and its clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.collector = LogCollector([LogTail(str(path), from_start=True)], self.clock)

    def write(self, *lines: str) -> HostLogs:
        with self.path.open("a") as file:
            file.writelines(line if line.endswith("\n") else f"{line}\n" for line in lines)
        return self.collector.collect()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "d0.log").write_text("")
    found = Watched(tmp_path / "d0.log")
    yield found
    found.collector.close()


def test_the_prefill_log_of_a_real_pair(watched: Watched, prefill_log: list[str]) -> None:
    """Twelve requests expired; its last line about itself is kept; nothing is said about transfers."""
    (log,) = watched.write(*prefill_log).sources

    assert (str(watched.path), len(prefill_log)) == (log.source, log.lines)
    assert (12, {}, ()) == (log.expired, log.faults, log.transfer)
    assert 0.595 == pytest.approx(log.engines["0"].kv_cache_usage_ratio)


def test_the_decode_log_of_a_real_pair(watched: Watched, decode_log: list[str]) -> None:
    """The newest summary of transfers, in bytes and seconds."""
    (log,) = watched.write(*decode_log).sources
    (transfer,) = log.transfer

    assert 0 == log.expired
    assert 0.0 < (transfer.seconds_mean or 0.0) < 1.0
    assert (transfer.bytes_mean or 0.0) > 10_000


def test_counts_rise_over_collections(watched: Watched) -> None:
    """A fault is counted once, with the time at which it was read."""
    fault = "(Worker pid=1) ERROR 11-21 05:39:15 [a.py:1] NIXL transfer failure: x | Context: y"
    watched.write(fault)
    watched.clock.now = 1010.0
    (log,) = watched.write(fault, "quiet").sources
    watched.clock.now = 1020.0
    (later,) = watched.write("quiet").sources

    assert {FaultKind.TRANSFER_FAILED: 2} == log.faults == later.faults
    assert {FaultKind.TRANSFER_FAILED: 1010.0} == later.fault_at


def test_balancedness_has_age_and_the_version_of_its_log(watched: Watched) -> None:
    """The banner in the log says whether the number is usable."""
    watched.write(STEP)
    watched.clock.now = 1005.0
    (unknown,) = watched.collector.collect().balancedness
    (known,) = watched.write("vLLM API server version 0.27.1").balancedness

    assert (0.5, "m", None, 5.0) == (unknown.ratio, unknown.model, unknown.usable, unknown.age_seconds)
    assert False is known.usable


def test_a_version_from_elsewhere(tmp_path: Path) -> None:
    """The endpoint's version serves where the banner was written before we came."""
    path = tmp_path / "d0.log"
    path.write_text(STEP)
    collector = LogCollector([LogTail(str(path), from_start=True)], Clock(), {str(path): "0.33.0"})
    (state,) = collector.collect().balancedness
    collector.close()

    assert True is state.usable


def test_a_restart_forgets_what_the_last_process_said(watched: Watched) -> None:
    """Counts stay, states go."""
    watched.write(
        "AsyncLLM created with api_server_count more than 1; disabling stats logging to avoid incomplete stats.",
        "Engine 000: Avg prompt throughput: 1.0 tokens/s, Avg generation throughput: 1.0 tokens/s, Running: 1 reqs",
        "Rearranging experts sync mode (profile)...",
        "Rearranging experts sync mode ...",
        "Rearranged experts  in 2.50 s.",
    )
    (log,) = watched.write("vLLM API server version 0.33.0").sources

    assert ("0.33.0", False, {}) == (log.version, log.stats_disabled, log.engines)
    assert (1, 2.5) == (log.rearrangements, log.rearrangement_seconds)


def test_switched_off_statistics_are_known(watched: Watched) -> None:
    """So that their absence is not taken for idleness."""
    line = "AsyncLLM created with api_server_count more than 1; disabling stats logging to avoid incomplete stats."
    (log,) = watched.write(line).sources

    assert log.stats_disabled


def test_no_log_is_no_error() -> None:
    """A host without configured logs is quiet."""
    with pytest.raises(NothingHere, match="no log is configured"):
        LogCollector([], Clock()).collect()


def test_one_failing_source_is_a_note_and_all_are_an_error(tmp_path: Path) -> None:
    """The others are read."""
    (tmp_path / "a.log").write_text("line\n")
    missing = JournalTail("vllm.service", command=(str(tmp_path / "journalctl"),))
    collector = LogCollector([missing, LogTail(str(tmp_path / "a.log"), from_start=True)], Clock())
    logs = collector.collect()
    collector.close()

    assert [1] == [log.lines for log in logs.sources]
    assert 1 == len(logs.notes)
    with pytest.raises(CollectError, match="cannot be run"):
        LogCollector([missing], Clock()).collect()


def test_prompts_and_secrets_in_logs_are_not_kept(watched: Watched) -> None:
    """Events hold numbers, names of models and of processes, never the text of a line."""
    logs = watched.write(
        "(Worker pid=1) ERROR 11-21 05:39:15 [a.py:1] NIXL transfer failure: pl4nted | Context: {'key': 'pl4nted'}",
        "vLLM API server version 0.33.0 args: Namespace(api_key='pl4nted')",
        "Releasing expired KV blocks for request pl4nted which were retrieved by 0 decode worker(s) within 480 seconds",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate pl4nted",
    )

    assert 2 == sum(logs.sources[0].faults.values())
    assert "pl4nted" not in repr(logs)


def test_memory_stays_flat_where_file_names_come_and_go(tmp_path: Path) -> None:
    """The log that has been silent for longest is forgotten first."""
    collector = LogCollector([LogTail(str(tmp_path), from_start=True)], Clock())
    for turn in range(11):
        for at in range(100):
            (tmp_path / f"{turn}-{at}.log").write_text(STEP)
        logs = collector.collect()
        for path in tmp_path.iterdir():
            path.unlink()
        collector.collect()
        collector.collect()
    collector.close()

    assert 1024 == len(logs.sources) == len(logs.balancedness)
    assert str(tmp_path / "0-0.log") not in {log.source for log in logs.sources}
