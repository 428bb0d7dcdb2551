"""What engine logs tell that no metric does: typed events of single lines.

Base units: seconds, bytes, ratios 0 to 1. A value that a line does not carry, or that it prints as `nan`, is `None`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class EplbStep:
    """Balance of one step over the ranks of an expert group, as its rank 0 prints it."""

    avg_tokens: float
    max_tokens: float
    balancedness: float | None
    """Mean over maximum of tokens; `None` when the step had none. Which mean depends on the version."""
    step: int | None = None
    """Steps since the last rearrangement; `None` in versions that do not print it (0.9 to 0.11.0)."""
    model: str | None = None
    steps_to_rearrangement: int | None = None
    """`None` in versions that do not print it (before 0.14)."""


class RearrangementPhase(StrEnum):
    """How far a rearrangement of experts is."""

    STARTED = "started"
    FINISHED = "finished"
    SKIPPED = "skipped"
    """The engine found no better placement."""


@dataclass(frozen=True, slots=True)
class EplbRearrangement:
    """A rearrangement of experts. In asynchronous mode, the default since 0.23, its end is never printed."""

    phase: RearrangementPhase
    seconds: float | None = None
    asynchronous: bool | None = None
    profile: bool = False
    """The dry run at start-up, which moves nothing."""


@dataclass(frozen=True, slots=True)
class TransferSummary:
    """One connector's part of a `KV Transfer metrics` line: everything since the line before.

    Counts are transfer handles of single ranks, not requests.
    """

    connector: str | None = None
    """Class name where the line names it (MultiConnector)."""
    transfers: float | None = None
    seconds_mean: float | None = None
    seconds_p90: float | None = None
    post_seconds_mean: float | None = None
    post_seconds_p90: float | None = None
    bytes_mean: float | None = None
    bandwidth_bytes_per_second: float | None = None
    """Bytes over summed durations: what one rank's transfer gets, not what the host carries."""
    descriptors_mean: float | None = None
    failed_transfers: float | None = None
    failed_receives: float | None = None
    expired: float | None = None
    notified_after_expiry: float | None = None
    other: Mapping[str, float] = field(default_factory=dict)
    """Numbers under names of the connector's own, in the units of these names."""


@dataclass(frozen=True, slots=True)
class TransferSummaries:
    """A `KV Transfer metrics` line. It does not say which engine of the process it is about."""

    summaries: tuple[TransferSummary, ...]


@dataclass(frozen=True, slots=True)
class EngineStats:
    """An engine's periodic line."""

    engine: str | None = None
    """Data-parallel rank; `None` where the line is about several engines or is from before 0.8."""
    engines: int | None = None
    """Number of engines in an aggregated line."""
    prompt_tokens_per_second: float | None = None
    """With cached and transferred tokens until 0.14, computed ones only since 0.16."""
    generation_tokens_per_second: float | None = None
    running: float | None = None
    waiting: float | None = None
    deferred: float | None = None
    kv_fetch_waiting: float | None = None
    kv_fetch_in_progress: float | None = None
    kv_fetch_completed: float | None = None
    kv_cache_usage_ratio: float | None = None
    prefix_cache_hit_ratio: float | None = None
    """Over the last thousand requests, so never equal to a ratio of counters."""
    external_cache_hit_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class KvExpired:
    """KV blocks that prefill gave up because decode did not read them in time."""

    readers: int
    """Decode workers that had read them."""
    after_seconds: float | None = None
    """The timeout, in versions that print it (until 0.21)."""


class FaultKind(StrEnum):
    """A fault that engines write to their log."""

    TRANSFER_FAILED = "transfer_failed"
    COMPATIBILITY_MISMATCH = "compatibility_mismatch"
    """The two sides differ in model, layout or version, so they refuse to exchange KV."""
    STALE_REMOTE = "stale_remote"
    """A peer came back under another identity or was dropped."""
    INVALID_BLOCKS_READ = "invalid_blocks_read"
    """Decode read blocks that prefill had already given away: output may be wrong."""
    RDMA_INIT_FAILED = "rdma_init_failed"
    LOCKED_MEMORY = "locked_memory"
    OUT_OF_MEMORY = "out_of_memory"


@dataclass(frozen=True, slots=True)
class EngineFault:
    """A line that tells of a fault. Its text is not kept."""

    kind: FaultKind


@dataclass(frozen=True, slots=True)
class StatsDisabled:
    """The engine has several API servers and prints no periodic lines: their absence means nothing."""


@dataclass(frozen=True, slots=True)
class VersionBanner:
    """The engine's version, printed once at its start."""

    version: str


EventBody = (
    EplbStep
    | EplbRearrangement
    | TransferSummaries
    | EngineStats
    | KvExpired
    | EngineFault
    | StatsDisabled
    | VersionBanner
)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One understood line and the process that wrote it."""

    body: EventBody
    process: str | None = None
    """`APIServer`, `EngineCore_DP0`, `Worker_TP0`, where the line says so."""
    pid: int | None = None
    """As the process sees itself: inside a container, the pid in there."""


@dataclass(frozen=True, slots=True)
class Balancedness:
    """Balance of the experts of one model on one replica, from the newest line with tokens in it."""

    source: str
    model: str
    ratio: float
    usable: bool | None
    """Whether the version prints the balance over ranks; `None` where the version is not known and does matter."""
    at: float
    """Unix seconds at which the line was read."""
    age_seconds: float
    step: int | None = None


@dataclass(frozen=True, slots=True)
class SourceLog:
    """Everything one log has told since it is being read. Counts only rise."""

    source: str
    at: float | None = None
    """Unix seconds of the newest understood line."""
    lines: int = 0
    version: str | None = None
    stats_disabled: bool = False
    faults: Mapping[FaultKind, int] = field(default_factory=dict)
    fault_at: Mapping[FaultKind, float] = field(default_factory=dict)
    """Unix seconds at which each kind of fault was last read."""
    expired: int = 0
    """Requests whose KV blocks were given up."""
    rearrangements: int = 0
    """Started, dry runs at start-up not counted."""
    rearrangement_seconds: float | None = None
    """Duration of the last one whose end was printed."""
    engines: Mapping[str, EngineStats] = field(default_factory=dict)
    """Newest line of each engine; the key of an aggregated line is empty."""
    transfer: tuple[TransferSummary, ...] = ()
    """Newest line about transfers."""


@dataclass(frozen=True, slots=True)
class HostLogs:
    """What the logs of one host tell."""

    sources: tuple[SourceLog, ...]
    balancedness: tuple[Balancedness, ...] = ()
    behind_bytes: int = 0
    """Bytes written and not yet read: more than one poll's worth came in."""
    notes: tuple[str, ...] = ()
    """Sources that could not be read, with the mend."""
