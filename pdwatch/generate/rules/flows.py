"""Increases per second of what engines count, summed over each pool. The other records are made of these."""

from __future__ import annotations

from pdwatch.generate.rules.definition import Record
from pdwatch.generate.rules.spellings import aggregate, newest, rate
from pdwatch.model.reading import Quantity as Q

POOL = "service, role"
_COUNTERS = (
    ("prompt_tokens", Q.PROMPT_TOKENS, "Prompt tokens, computed or not."),
    ("prompt_tokens_computed", Q.PROMPT_TOKENS_COMPUTED, "Prompt tokens that the engine computed."),
    ("prompt_tokens_transferred", Q.PROMPT_TOKENS_TRANSFERRED, "Prompt tokens whose KV came from another worker."),
    ("generation_tokens", Q.GENERATION_TOKENS, "Tokens generated."),
    ("prefix_cache_queries", Q.PREFIX_CACHE_QUERIES, "Tokens looked up in the engines' own prefix caches."),
    ("prefix_cache_hits", Q.PREFIX_CACHE_HITS, "Tokens found there."),
    ("external_cache_queries", Q.EXTERNAL_CACHE_QUERIES, "Tokens looked up in the external KV cache."),
    ("external_cache_hits", Q.EXTERNAL_CACHE_HITS, "Tokens found there."),
    ("preemptions", Q.PREEMPTIONS, "Requests preempted."),
    ("requests_failed", Q.FINISHED_ERROR, "Requests that ended in an error."),
    ("kv_transfer_failures", Q.TRANSFER_FAILURES, "KV transfers that failed."),
    ("kv_receive_failures", Q.TRANSFER_FAILED_RECEIVES, "KV transfers whose receiver gave up."),
    ("kv_expired", Q.KV_EXPIRED, "KV that nobody fetched before it expired."),
)
_HISTOGRAMS = (
    ("ttft_seconds", Q.TTFT, True, "Time to the first token, as the role counts it."),
    ("itl_seconds", Q.ITL, True, "Time between two tokens."),
    ("queue_seconds", Q.QUEUE_TIME, False, "Time in the queue; on decode with the KV transfer."),
    ("prefill_seconds", Q.PREFILL_TIME, False, "Time from the first schedule to the first token."),
    ("kv_transfer_seconds", Q.TRANSFER_TIME, True, "Time of one KV transfer."),
    ("kv_transfer_bytes", Q.TRANSFER_BYTES, False, "Bytes of one KV transfer."),
)
_OUTCOMES = (Q.FINISHED_STOP, Q.FINISHED_LENGTH, Q.FINISHED_ABORT, Q.FINISHED_ERROR, Q.FINISHED_REPETITION)


def flow(name: str) -> str:
    """Return the name of the record of an increase per second by service and role."""
    return f"service_role:vllm_{name}:rate"


def bucket_flow(name: str) -> str:
    """Return the name of the record of the buckets of a histogram."""
    return f"service_role_le:vllm_{name}_bucket:rate"


def _buckets(name: str, quantity: Q, text: str) -> Record:
    """Versions differ in edges, and a sum over those that only some engines have would be no distribution."""
    summed = aggregate("sum", f"{POOL}, le", rate(quantity, "bucket"))
    having = aggregate("count", f"{POOL}, le", newest(quantity, "bucket"))
    engines = aggregate("count", POOL, newest(quantity, "count"))
    common = f"(\n{having}\n== on ({POOL}) group_left ()\n{engines}\n)"
    return Record(
        bucket_flow(name),
        f"{summed}\nand on ({POOL}, le)\n{common}",
        f"{text} Observations per second up to each edge that all engines have.",
    )


def _histogram(name: str, quantity: Q, text: str) -> tuple[Record, ...]:
    parts = (("sum", "Sum"), ("count", "Observations"))
    return tuple(
        Record(flow(f"{name}_{part}"), aggregate("sum", POOL, rate(quantity, part)), f"{text} {what} per second.")
        for part, what in parts
    )


RECORDS = (
    *(
        Record(flow(name), aggregate("sum", POOL, rate(quantity)), f"{text} Per second.")
        for name, quantity, text in _COUNTERS
    ),
    Record(
        flow("requests_finished"),
        aggregate("sum", POOL, "\nor ".join(map(rate, _OUTCOMES))),
        "Requests that finished, however: each outcome has a label of its own. Per second.",
    ),
    *(record for name, quantity, _, text in _HISTOGRAMS for record in _histogram(name, quantity, text)),
    *(_buckets(name, quantity, text) for name, quantity, kept, text in _HISTOGRAMS if kept),
)
