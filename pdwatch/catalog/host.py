"""Metrics of hosts as a whole, of the engine processes on them and of what their logs tell."""

from __future__ import annotations

from pdwatch.catalog.definition import MetricDef, define

HOST = ("host",)
COLLECTOR = (*HOST, "collector")
GROUP = (*HOST, "group")
PROCESS = (*GROUP, "pid")
SOURCE = (*HOST, "source")
BALANCE = (*SOURCE, "model")

UP = define("host_up", "Whether the last look at each source of the host gave something, 1 or 0.", HOST)
STALE = define("host_stale", "Whether what is known of the host is too old to be judged, 1 or 0.", HOST)
AGE = define("host_reading_age_seconds", "Age of what is known of the host, in seconds.", HOST)
ORIGIN = define("host_origin_info", "Where the numbers of the host come from, always 1.", (*HOST, "origin"), "info")
COLLECTOR_UP = define(
    "host_collector_up", "Whether the collector could read what the host has of its kind, 1 or 0.", COLLECTOR
)
COLLECTOR_SECONDS = define(
    "host_collector_duration_seconds", "Time that the last collection took, in seconds.", COLLECTOR
)
COLLECTOR_ABSENT = define(
    "host_collector_absent_info",
    "Why there is nothing of its kind on the host, always 1.",
    (*COLLECTOR, "reason"),
    "info",
)
COLLECTOR_FAILED = define(
    "host_collector_failed_info",
    "Why the collector could not read what exists, always 1.",
    (*COLLECTOR, "reason"),
    "info",
)

# Engine processes. `group` is the pid of the launcher.
GROUP_INFO = define(
    "engine_group_info",
    "A launcher and everything below it, always 1.",
    (*GROUP, "family", "orphaned"),
    "info",
)
GROUP_CONFIG = define(
    "engine_config_info",
    "One thing that arguments, environment and limits of an engine group say, always 1.",
    (*GROUP, "key", "value"),
    "info",
)
PROCESS_INFO = define(
    "engine_process_info",
    "One process of an engine group and its ranks, always 1.",
    (*PROCESS, "parent", "kind", "dp", "pp", "tp", "ep", "index", "namespace_pid"),
    "info",
)
PROCESS_STATE = define(
    "engine_process_state_info", "The kernel's word for the state of a process, always 1.", (*PROCESS, "state"), "info"
)
PROCESS_START = define("engine_process_start_timestamp_seconds", "Start of a process, in Unix seconds.", PROCESS)
PROCESS_RESIDENT = define("engine_process_resident_memory_bytes", "Resident memory of a process, in bytes.", PROCESS)
UNREADABLE = define("host_unreadable_processes", "Processes whose arguments may not be read.", HOST)

# Logs
LOG_LINES = define("engine_log_lines_total", "Lines read of a log.", SOURCE, "counter")
LOG_AT = define(
    "engine_log_last_timestamp_seconds", "When the newest understood line of a log was read, in Unix seconds.", SOURCE
)
LOG_INFO = define(
    "engine_log_info",
    "Version that a log tells, and whether its engine prints no statistics, always 1.",
    (*SOURCE, "version", "stats_disabled"),
    "info",
)
LOG_FAULTS = define("engine_log_faults_total", "Faults that a log tells of, by kind.", (*SOURCE, "fault"), "counter")
LOG_FAULT_AT = define(
    "engine_log_fault_timestamp_seconds", "When a kind of fault was last read, in Unix seconds.", (*SOURCE, "fault")
)
LOG_EXPIRED = define(
    "engine_log_expired_requests_total", "Requests whose KV blocks prefill gave up.", SOURCE, "counter"
)
LOG_REARRANGEMENTS = define(
    "engine_log_rearrangements_total", "Rearrangements of experts that began.", SOURCE, "counter"
)
LOG_REARRANGEMENT = define(
    "engine_log_rearrangement_seconds", "Time of the last rearrangement of experts that ended, in seconds.", SOURCE
)
BALANCEDNESS = define(
    "engine_log_expert_balancedness_ratio", "Tokens per expert-parallel rank, mean over maximum; 1 is even.", BALANCE
)
BALANCEDNESS_USABLE = define(
    "engine_log_expert_balancedness_usable",
    "Whether the version prints the balance over ranks, 1 or 0; absent where it is not known.",
    BALANCE,
)
BALANCEDNESS_AT = define(
    "engine_log_expert_balancedness_timestamp_seconds", "When the balance was read, in Unix seconds.", BALANCE
)
BALANCEDNESS_STEP = define("engine_log_expert_balancedness_step", "Step that the balance is of.", BALANCE)
LOG_BEHIND = define("engine_log_behind_bytes", "Bytes of logs that are written and not yet read.", HOST)
LOG_NOTE = define(
    "engine_log_note_info", "A log that cannot be read, with the mend, always 1.", (*HOST, "note"), "info"
)

METRICS: tuple[MetricDef, ...] = tuple(entry for entry in tuple(vars().values()) if isinstance(entry, MetricDef))
