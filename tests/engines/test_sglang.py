"""SGLang's pages become readings: pages printed by its own metric classes, and synthetic ones for what varies."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from synthetic import SGLang

from pdwatch.engines.sglang import ROWS
from pdwatch.model.reading import HISTOGRAMS, Histogram, PageReading, release
from pdwatch.model.reading import Quantity as Q

ReadingOf = Callable[[str], PageReading]
PREFILL, DECODE = "sglang/sglang-0.5.23-prefill.txt.gz", "sglang/sglang-0.5.23-decode.txt.gz"
MIB = 2**20


def _seen(reading: PageReading, quantity: Q) -> Histogram:
    found = reading.engines[0].histogram(quantity)
    assert found is not None, quantity
    return found


def test_prefill_is_read_as_its_own_classes_print_it(reading_of: ReadingOf) -> None:
    """Two tensor ranks: the queues of the first; waiting is before and after the handshake."""
    reading = reading_of(PREFILL)
    engine = reading.engines[0]

    assert ("sglang", "prefill", ["0"]) == (reading.family, reading.told.role, [e.engine for e in reading.engines])
    assert 4.0 == engine.value(Q.REQUESTS_RUNNING)
    assert 3.0 + 5.0 == engine.value(Q.REQUESTS_WAITING)
    assert 7.0 == engine.value(Q.KV_SEND_IN_PROGRESS)
    assert 0.41 == engine.value(Q.KV_CACHE_USAGE)
    assert (9000.0, 1000.0, 0.0) == tuple(
        engine.value(q) for q in (Q.PROMPT_TOKENS_COMPUTED, Q.PROMPT_TOKENS_LOCAL_CACHE, Q.GENERATION_TOKENS)
    )
    assert (1000.0, 10000.0) == (engine.value(Q.PREFIX_CACHE_HITS), engine.value(Q.PREFIX_CACHE_QUERIES))
    assert (2.0, 1.0) == (engine.value(Q.FINISHED), engine.value(Q.FINISHED_ABORT))
    assert 262144 == reading.facts["0"].kv_cache_tokens
    assert 0.25 == _seen(reading, Q.PREFILL_TIME).mean


def test_transfers_of_prefill_are_summed_over_ranks_and_are_only_tails(reading_of: ReadingOf) -> None:
    """Each rank sends its own share: 2 x (12 + 40) ms and 2 x 2560 MiB. The time is of what is left after prefill."""
    reading = reading_of(PREFILL)
    tail, moved = _seen(reading, Q.TRANSFER_TAIL_TIME), _seen(reading, Q.TRANSFER_BYTES)

    assert reading.engines[0].histogram(Q.TRANSFER_TIME) is None
    assert (pytest.approx(0.104), 4.0) == (tail.sum, tail.count)
    assert (2 * 2560 * MIB, 4.0) == (moved.sum, moved.count)
    assert (0.001, 0.002, 0.005) == tail.bounds[:3]
    assert "sglang:kv_transfer_latency_ms" == reading.told.sources[Q.TRANSFER_TAIL_TIME]


def test_a_failure_seen_by_every_rank_is_one(reading_of: ReadingOf) -> None:
    """Ranks agree on failures, so that one transfer and two handshakes are three and not six."""
    assert 3.0 == reading_of(PREFILL).engines[0].value(Q.TRANSFER_FAILURES)


def test_decode_is_read_as_its_own_classes_print_it(reading_of: ReadingOf) -> None:
    """What waits for room and what receives KV waits; nothing is computed; every prompt arrived."""
    reading = reading_of(DECODE)
    engine = reading.engines[0]

    assert "decode" == reading.told.role
    assert (21.0, 2.0 + 6.0 + 8.0) == (engine.value(Q.REQUESTS_RUNNING), engine.value(Q.REQUESTS_WAITING))
    assert (6.0, 8.0) == (engine.value(Q.KV_FETCH_WAITING), engine.value(Q.KV_FETCH_IN_PROGRESS))
    assert (0.83, 3.0, 4321.0) == tuple(engine.value(q) for q in (Q.KV_CACHE_USAGE, Q.PREEMPTIONS, Q.GENERATION_TOKENS))
    assert (0.0, 10000.0) == (engine.value(Q.PROMPT_TOKENS_COMPUTED), engine.value(Q.PROMPT_TOKENS_TRANSFERRED))
    assert (pytest.approx(0.7), 2.0) == (_seen(reading, Q.TTFT).sum, _seen(reading, Q.TTFT).count)
    assert (pytest.approx(2 * (0.03 + 0.09)), 2 * (1 + 3)) == (_seen(reading, Q.ITL).sum, _seen(reading, Q.ITL).count)
    assert 200.0 == _seen(reading, Q.REQUEST_GENERATION_TOKENS).mean


def test_decodes_queue_time_is_another_one_and_not_read(reading_of: ReadingOf) -> None:
    """It begins when the KV has arrived; the wait for the KV is part of vLLM's, and of the chain of hops."""
    assert pytest.approx(0.05) == _seen(reading_of(PREFILL), Q.QUEUE_TIME).mean
    assert reading_of(DECODE).engines[0].histogram(Q.QUEUE_TIME) is None


def test_prefill_tells_no_first_token_and_says_what_that_needs(reading_of: ReadingOf) -> None:
    """Absent is not zero; the role is why, so it is no lack of a version."""
    reading = reading_of(PREFILL)
    lacking = {entry.quantity: entry for entry in reading.missing}

    assert reading.engines[0].histogram(Q.TTFT) is None
    assert not lacking[Q.TTFT].matters(None)


def test_what_only_appears_with_a_first_event_is_no_lack(reading_of: ReadingOf) -> None:
    """A page without retractions is of an engine that retracted nothing, not of an old one."""
    lacking = reading_of(str(SGLang("decode", requests=3))).missing

    assert [] == [entry.upstream for entry in lacking if entry.matters(None)]


def test_the_balance_of_experts_is_a_mean_over_what_was_reported(reading_of: ReadingOf) -> None:
    """0.8 and 0.9 were observed."""
    assert pytest.approx(0.85) == _seen(reading_of(PREFILL), Q.EXPERT_BALANCEDNESS).mean


@pytest.mark.parametrize("tensor", [1, 2, 8])
def test_tensor_ranks_do_not_multiply_requests(tensor: int, reading_of: ReadingOf) -> None:
    """Eight ranks that serve ten requests served ten; of KV each moved its part."""
    reading = reading_of(str(SGLang(requests=10, queue=3, tp=tensor)))

    assert 3.0 == reading.engines[0].value(Q.REQUESTS_WAITING)
    assert 10.0 == _seen(reading, Q.PREFILL_TIME).count
    assert 10.0 * tensor == _seen(reading, Q.TRANSFER_BYTES).count


def test_data_parallel_ranks_are_engines(reading_of: ReadingOf) -> None:
    """Four ranks of two tensor ranks each; what the front end counts stands with the first."""
    reading = reading_of(str(SGLang(engine_type="decode", requests=5, running=2, tp=2, dp=4)))

    assert ["0", "1", "2", "3"] == [engine.engine for engine in reading.engines]
    assert {2.0} == {engine.value(Q.REQUESTS_RUNNING) for engine in reading.engines}
    assert [5.0, None, None, None] == [engine.value(Q.FINISHED) for engine in reading.engines]
    assert {500.0} == {engine.value(Q.GENERATION_TOKENS) for engine in reading.engines}


def test_of_queues_by_priority_the_total_is_read(reading_of: ReadingOf) -> None:
    """The total stands under an empty priority, and each priority beside it: 5 wait, not 10. Finished ones add up."""
    own = 'engine_type="decode",model_name="m",tp_rank="0",pp_rank="0",moe_ep_rank="0"'
    page = (
        f'sglang:num_queue_reqs{{{own},priority=""}} 5\n'
        f'sglang:num_queue_reqs{{{own},priority="1"}} 2\n'
        f'sglang:num_queue_reqs{{{own},priority="7"}} 3\n'
        'sglang:num_requests_total{engine_type="decode",priority="1",is_streaming="true"} 4\n'
        'sglang:num_requests_total{engine_type="decode",priority="7",is_streaming="true"} 6\n'
    )
    engine = reading_of(page).engines[0]

    assert (5.0, 10.0) == (engine.value(Q.REQUESTS_WAITING), engine.value(Q.FINISHED))


@pytest.mark.parametrize("spelled", ["sglang_", "ray_sglang_", "ray_sglang:"])
def test_every_spelling_of_the_prefix_reads_the_same(spelled: str, reading_of: ReadingOf) -> None:
    """Routers and Ray rewrite the colon."""
    text = str(SGLang(requests=3, queue=1))

    assert reading_of(text).engines[0].values == reading_of(text.replace("sglang:", spelled)).engines[0].values


def test_labels_and_lines_may_come_in_any_order(reading_of: ReadingOf, page_text: Callable[[str], str]) -> None:
    """The multi-process collector sorts neither."""
    lines = page_text(PREFILL).splitlines()
    random.Random(5).shuffle(lines)
    plain, mixed = reading_of(PREFILL).engines[0], reading_of("\n".join(lines) + "\n").engines[0]

    for quantity in plain.shape.scalars:
        assert plain.value(quantity) == mixed.value(quantity), quantity
    for quantity in plain.shape.histograms:
        assert plain.histogram(quantity) == mixed.histogram(quantity), quantity


def test_a_role_that_may_be_switched_is_not_told_by_its_label(reading_of: ReadingOf) -> None:
    """`dynamic` says nothing; behaviour or the worker itself must."""
    assert reading_of(str(SGLang(engine_type="dynamic"))).told.role is None


@pytest.mark.parametrize(("kind", "role"), [("prefill", "prefill"), ("decode", "decode"), ("unified", "both")])
def test_the_label_tells_the_role(kind: str, role: str, reading_of: ReadingOf) -> None:
    """`unified` prefills and decodes."""
    assert role == reading_of(str(SGLang(engine_type=kind))).told.role


def test_queues_of_older_releases_are_read_by_their_old_names(reading_of: ReadingOf) -> None:
    """Until 0.5.11 the handshake queue was called prealloc; until 0.5.1 the one of KV in flight was misspelt."""
    page = (
        'sglang:num_queue_reqs{model_name="m"} 2\n'
        'sglang:num_prefill_prealloc_queue_reqs{model_name="m"} 3\n'
        'sglang:num_prefill_infight_queue_reqs{model_name="m"} 4\n'
    )
    engine = reading_of(page).engines[0]

    assert (5.0, 4.0) == (engine.value(Q.REQUESTS_WAITING), engine.value(Q.KV_SEND_IN_PROGRESS))


def _registered() -> dict[str, list[tuple[str, str, str]]]:
    """Return type, first and last release looked at, by name."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    with (Path(__file__).parent / "sglang-metrics-by-version.tsv").open(newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            name = row["name"].removesuffix("_total")
            found.setdefault(name, []).append((row["type"], row["first_seen"], row["last_seen"]))
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.quantity}")
def test_every_row_is_a_metric_of_sglang_in_its_versions(row: object) -> None:
    """Names, kinds and versions as in 21 releases from 0.4.6 to 0.5.23."""
    kinds = ("histogram", "summary") if row.quantity in HISTOGRAMS and not row.count else ("gauge", "counter")  # type: ignore[attr-defined]
    seen = [entry for entry in _registered()[row.name] if entry[0] in kinds]  # type: ignore[attr-defined]
    first, last = min((e[1] for e in seen), key=release), max((e[2] for e in seen), key=release)

    if row.since and not row.where:  # type: ignore[attr-defined]
        assert release(row.since) == release(first)  # type: ignore[attr-defined]
    assert release(row.until or "0.5.23") <= release(last)  # type: ignore[attr-defined]


def test_synthetic_pages_have_the_names_types_labels_and_buckets_of_sglangs_own(
    page_text: Callable[[str], str],
) -> None:
    """What the tests make up is what SGLang's classes print, but for the values."""
    for own, made in (
        (page_text(PREFILL), str(SGLang(requests=1, tp=2))),
        (page_text(DECODE), str(SGLang("decode", requests=1, retracted=1))),
    ):
        real = _anatomy(own)
        for name, (kind, labels, edges) in _anatomy(made).items():
            assert name in real, name
            assert (kind, labels, edges) == real[name], name


def _anatomy(text: str) -> dict[str, tuple[str, frozenset[str], tuple[str, ...]]]:
    """Return type, label names and bucket edges by metric."""
    kinds = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE")}
    found: dict[str, tuple[str, frozenset[str], tuple[str, ...]]] = {}
    for name, kind in kinds.items():
        lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name}_"))]
        labels = {
            part.split("=")[0] for line in lines for part in line[line.find("{") + 1 : line.rfind("}")].split(",")
        }
        edges = {line.split('le="')[1].split('"')[0] for line in lines if f"{name}_bucket" in line}
        ordered = tuple(f"{float(edge):.6g}" for edge in sorted(edges, key=float))
        found[name] = (kind, frozenset(labels), ordered)
    return found
