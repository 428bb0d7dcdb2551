"""Findings as `pdwatch check` prints them."""

from __future__ import annotations

import pytest

from pdwatch.cli.findings import findings_in_words
from pdwatch.model.judgement import Cause, Evidence, Finding, Severity

NOW = 1000.0
DEAD = {"role": "decode", "worker": "decode-1"}
ROOT = Finding(
    "worker_down",
    Severity.CRITICAL,
    DEAD,
    NOW - 180,
    "decode-1 is down: connection refused, 36 times in a row, last page 3 min ago.",
    "Restart the worker.",
    (Evidence("scrape_failures", 36.0, "scrapes", 2.0), Evidence("unknown", None, "seconds")),
)


def _symptom(number: int, finding: str = "kv_leak") -> Finding:
    scope = {"role": "prefill", "worker": f"prefill-{number}"}
    because = Cause("worker_down", DEAD)
    return Finding(finding, Severity.WARNING, scope, NOW, f"prefill-{number} holds KV.", "Wait.", (), because)


def _lines(*findings: Finding) -> list[str]:
    return list(findings_in_words(findings, NOW))


def test_a_root_is_told_with_its_evidence_its_mend_and_its_symptoms() -> None:
    """What is not known is left out; a symptom needs no mend of its own."""
    assert [
        "",
        "  CRITICAL worker_down: decode-1 is down: connection refused, 36 times in a row, last page 3 min",
        "    ago.",
        "    for 3 min, evidence: scrape_failures 36 scrapes (limit 2 scrapes)",
        "    do: Restart the worker.",
        "    with it:",
        "      warning kv_leak: prefill-0 holds KV.",
    ] == _lines(ROOT, _symptom(0))


@pytest.mark.parametrize(("count", "told", "more"), [(3, 3, []), (4, 4, []), (5, 3, ["      and 2 more"])])
def test_many_symptoms_of_a_kind_are_counted(count: int, told: int, more: list[str]) -> None:
    """Fifty leaking prefill workers say no more than three; one more than three is told rather than counted."""
    lines = _lines(ROOT, *map(_symptom, range(count)))

    assert told == sum("kv_leak" in line for line in lines)
    assert more == [line for line in lines if "more" in line]


def test_roots_of_a_kind_are_told_together() -> None:
    """With the mend once, and the symptoms of all below it."""
    second = Finding(
        "worker_down", Severity.CRITICAL, DEAD | {"worker": "decode-2"}, NOW, "decode-2 is down.", "Restart."
    )
    lines = _lines(ROOT, _symptom(0), second)

    assert "    also: decode-2 is down." in lines
    assert 1 == sum("do:" in line for line in lines)
    assert "      warning kv_leak: prefill-0 holds KV." == lines[-1]


def test_the_chain_to_the_first_token_is_one_sentence() -> None:
    """In the order of the hops, with what is usual for the one that grew."""
    chain = {"router": 0.012, "prefill_queue": 1.9, "prefill": 0.3, "prefill_queue_usual": 0.05}
    evidence = tuple(Evidence(f"ttft_chain_{name}_seconds", value, "seconds") for name, value in chain.items())
    late = Finding("slo_ttft_missed", Severity.WARNING, {}, NOW, "Late.", "Look.", evidence)

    assert "    way to the first token: router 12 ms, prefill queue 1.9 s (usually 50 ms), prefill 300 ms" in _lines(
        late
    )
    assert [] == [line for line in _lines(late) if "evidence" in line]


@pytest.mark.parametrize(
    ("value", "limit", "unit", "words"),
    [
        (0.997, 0.9, "ratio", "x 0.997 (limit 0.9)"),
        (25.0, 20.0, "seconds", "x 25 s (limit 20 s)"),
        (3.2e9, 25e9, "bytes per second", "x 3.2 GB/s (limit 25.0 GB/s)"),
        (0.87, 0.05, "per second", "x 52.2/min (limit 3.0/min)"),
        (7e10, None, "bytes", "x 70 GB"),
        (23456.0, None, "tokens", "x 23,456 tokens"),
        (45.5, 0.0, "per second", "x 45.5/s (limit 0)"),
        (6.9e8, 1.98e9, "hertz", "x 690 MHz (limit 1980 MHz)"),
    ],
)
def test_numbers_are_told_in_units_that_people_read(value: float, limit: float | None, unit: str, words: str) -> None:
    """Not 3.2e+09 bytes per second."""
    finding = Finding("f", Severity.WARNING, {}, NOW, "It is.", "Mend.", (Evidence("x", value, unit, limit),))

    assert f"    new, evidence: {words}" in _lines(finding)
