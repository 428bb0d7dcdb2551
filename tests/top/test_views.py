"""View-models: the verdict, the workers and their order, the pools, the evidence, the events."""

from __future__ import annotations

import csv
import io
import random
from math import nan

import pytest

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.model.judgement import Action, Cause, Decision, Evidence, Finding, Replicas, Severity
from pdwatch.model.latency import Attainment
from pdwatch.model.snapshot import Trouble
from pdwatch.model.target import Role, RoleSource
from pdwatch.top import exit_code, workers_csv
from pdwatch.top.columns import ALL, SETS, kept_by, layout, ordered
from pdwatch.top.events import changes
from pdwatch.top.gauges import load_of
from pdwatch.top.pools import panels
from pdwatch.top.signals import case
from pdwatch.top.status import Status
from pdwatch.top.trail import Trails
from pdwatch.top.troubles import troubles
from pdwatch.top.verdict import verdict
from pdwatch.top.workers import worker_rows

NOW = 1_795_000_000.0
LIMITS = Thresholds()


def test_hold_names_the_nearest_limit(worker, service) -> None:
    """Fine is informative: which number of which pool is nearest to its limit."""
    fleet = [worker("p-01", Role.PREFILL), worker("d-01", Role.DECODE, {"kv_cache_usage_ratio": 0.71})]
    answer = verdict(service(fleet), LIMITS, NOW)

    assert (Status.OK, "HOLD", "Nearest limit: decode KV use 71 % of 90 %.") == (
        answer.status,
        answer.words,
        answer.reason,
    )
    assert ("0.91", "4m10s") == (answer.confidence, answer.held)


def test_hold_at_the_maximum_is_no_calm(worker, service, advice) -> None:
    """A pool that is full and may not grow is held with a warning and its own reason."""
    reason = "Decode is too small. The pool is at its configured maximum of 6 replicas."
    state = service([worker("p-01", Role.PREFILL), worker("d-01")], advice(reason=reason), pressures={Role.DECODE: 1.4})
    answer = verdict(state, LIMITS, NOW)

    assert (Status.WARN, reason) == (answer.status, answer.reason)


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("SCALE DECODE  6 → 8", (Action.SCALE_DECODE, (5, 8))),
        ("SCALE IN PREFILL  5 → 4", (Action.SCALE_IN_PREFILL, (4, 6))),
        ("SHIFT TO DECODE  prefill 5 → 4  decode 6 → 7", (Action.SHIFT_TO_DECODE, (4, 7))),
        ("REBALANCE", (Action.REBALANCE, (5, 6))),
    ],
)
def test_the_verdict_has_its_size(expected: str, told: tuple[Action, tuple[int, int]], worker, service, advice) -> None:
    """Replicas there are and replicas wanted; with two roles, whose they are."""
    state = service([worker("d-01")], advice(*told))

    assert expected == verdict(state, LIMITS, NOW).words


def test_cannot_tell_is_never_green(worker, service, advice) -> None:
    """It has its own shape, and no confidence."""
    told = advice(Action.CANNOT_TELL, prefill=Replicas(5, None), decode=Replicas(6, None), since=nan)
    answer = verdict(service([worker("d-01")], told), LIMITS, NOW)

    assert (Status.UNKNOWN, "CANNOT TELL", "", "") == (answer.status, answer.words, answer.confidence, answer.held)


def test_the_exit_code_says_how_bad_it_is(worker, service, advice, snapshot) -> None:
    """0 without a finding, 1 for warnings, 2 for critical ones, 3 where it cannot be told; critical wins."""

    def finding(severity: Severity) -> Finding:
        return Finding("f", severity, {}, NOW, "says", "do")

    calm = service([worker("d-01")])
    warned, critical = (
        service([worker("d-01")], findings=(finding(s),)) for s in (Severity.WARNING, Severity.CRITICAL)
    )
    blind = service([worker("d-01")], advice(Action.CANNOT_TELL), service="other")

    assert [0, 1, 2, 3, 3] == [
        exit_code(snapshot(*found)) for found in ((calm,), (warned,), (critical,), (calm, blind), ())
    ]
    assert 2 == exit_code(snapshot(critical, blind))


def test_a_shard_without_a_service_has_no_finding(snapshot) -> None:
    """Unless a source fails, or nothing was found at all: then nobody knows whether it should watch something."""
    idle = {"shard": "2/2", "services_elsewhere": 3}

    assert [0, 3, 3] == [
        exit_code(snapshot(**state))
        for state in (idle, idle | {"discovery_errors": {"http": "gone"}}, {"shard": "2/2"})
    ]


@pytest.mark.parametrize(
    ("status", "word", "changed"),
    [
        (Status.OK, "ok", {}),
        (Status.OK, "restarted", {"restarts": 1}),
        (Status.WARN, "3 restarts", {"restarts": 3}),
        (Status.UNKNOWN, "stale 40s", {"stale": True, "age_seconds": 40.0}),
        (Status.UNKNOWN, "no page yet", {"up": False, "stale": True, "age_seconds": None, "engines": ()}),
        (Status.WARN, "refused once", {"up": False, "trouble": Trouble.UNREACHABLE, "failures": 1}),
        (Status.BAD, "down", {"up": False, "trouble": Trouble.UNREACHABLE, "failures": 2}),
        (Status.WARN, "no answer", {"up": False, "trouble": Trouble.SLOW, "failures": 4}),
        (Status.BAD, "unreadable", {"up": False, "trouble": Trouble.UNREADABLE}),
        (Status.WARN, "scaling", {"up": False, "trouble": Trouble.SCALING}),
    ],
)
def test_a_worker_is_one_word(status: Status, word: str, changed, worker, service) -> None:
    """The worst that can be said of it, in the word that is said first."""
    row = worker_rows(service([worker("d-01", **changed)]), LIMITS)[0]

    assert (status, word) == (row.status, row.word)


@pytest.mark.parametrize(
    ("status", "word", "engine"),
    [
        (Status.BAD, "KV full", {"kv_cache_usage_ratio": 0.93}),
        (Status.WARN, "KV high", {"kv_cache_usage_ratio": 0.86}),
        (Status.BAD, "stuck 12s", {"stuck_seconds": 12.0}),
        (Status.WARN, "errors", {"errors_per_second": 0.1}),
        (Status.WARN, "preempts", {"preemptions_per_second": 0.4}),
        (Status.OK, "idle", {"load": 0.0}),
        (Status.OK, "ok", {"kv_cache_usage_ratio": None, "load": None}),
    ],
)
def test_a_worker_is_judged_by_its_load(status: Status, word: str, engine, worker, service) -> None:
    """By the thresholds that every face uses."""
    row = worker_rows(service([worker("d-01", Role.DECODE, engine)]), LIMITS)[0]

    assert (status, word) == (row.status, row.word)


def test_a_finding_marks_its_worker_and_no_other(worker, service) -> None:
    """Information marks nobody."""
    scope = {"role": "decode", "worker": "d-02"}
    findings = (
        Finding("role_mismatch", Severity.CRITICAL, scope, NOW, "", ""),
        Finding("hint", Severity.INFO, {"worker": "d-01"}, NOW, "", ""),
    )
    rows = worker_rows(service([worker("d-01"), worker("d-02")], findings=findings), LIMITS)

    assert [(Status.OK, "ok"), (Status.BAD, "role mismatch")] == [(row.status, row.word) for row in rows]


def test_a_guessed_role_is_marked(worker, service) -> None:
    """A role that behaviour shows has a question mark."""
    row = worker_rows(service([worker("d-01", role_source=RoleSource.BEHAVIOUR)]), LIMITS)[0]

    assert "decode?" == row.role_word


def test_the_worst_come_first_and_unknown_values_last(worker, dead, service) -> None:
    """Severity by default; any column both ways round, with what is not known at the end."""
    fleet = [
        worker("d-01"),
        worker("d-02", engine={"kv_cache_usage_ratio": 0.95}),
        dead("d-03"),
        worker("p-01", Role.PREFILL),
    ]
    rows = worker_rows(service(fleet), LIMITS)

    assert ["d-03", "d-02", "d-01", "p-01"] == [row.worker for row in ordered(rows)]
    assert ["p-01", "d-01", "d-02", "d-03"] == [row.worker for row in ordered(rows, "tokens")]
    assert "p-01" == ordered(rows, "itl")[-1].worker
    assert "p-01" == ordered(rows, "itl", reverse=True)[-1].worker
    assert ["d-01", "d-02", "d-03", "p-01"] == [row.worker for row in ordered(rows, "worker")]


def test_every_order_is_total_and_loses_no_row(worker, service) -> None:
    """With absent and NaN values in any place, sorting keeps every row, twice the same."""
    draw = random.Random(7)
    values = (None, nan, 0.0, 0.2, 0.9)
    names = ("kv_cache_usage_ratio", "requests_running", "itl_seconds", "requests_per_second")
    fleet = [worker(f"d-{n:02}", engine={name: draw.choice(values) for name in names}) for n in range(40)]
    rows = list(worker_rows(service(fleet), LIMITS))
    for name in ("severity", *(column.name for column in ALL)):
        once, again = ordered(rows, name), ordered(rows[::-1], name)
        assert sorted(row.worker for row in rows) == sorted(row.worker for row in once)
        assert [row.worker for row in once] == [row.worker for row in again]


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["d-01", "d-02", "p-01"], ""),
        (["d-01", "d-02"], "DECODE"),
        (["d-02"], "decode full"),
        (["p-01"], "!decode"),
        (["d-01", "p-01"], "!full"),
        ([], "nothing"),
        (["d-01", "d-02", "p-01"], "!"),
        ([], "[("),
    ],
)
def test_a_filter_keeps_rows_with_every_word(expected: list[str], text: str, worker, service) -> None:
    """A word behind an exclamation mark must be absent; no text can make it fail."""
    fleet = [worker("d-01"), worker("d-02", engine={"kv_cache_usage_ratio": 0.95}), worker("p-01", Role.PREFILL)]
    rows = worker_rows(service(fleet), LIMITS)

    assert expected == [row.worker for row in kept_by(rows, text)]
    assert ["d-02"] == [row.worker for row in kept_by(rows, "", unhealthy_only=True)]


def test_columns_give_way_by_rank(worker, service) -> None:
    """However narrow the table is, its columns fit and the worker's name is the last to go."""
    rows = worker_rows(service([worker("a-rather-long-worker-name:8000")]), LIMITS)
    for _, columns in SETS:
        for width in range(4, 130):
            placed = layout(columns, rows, width)
            assert sum(size + 2 for _, size in placed) <= width or len(placed) == 1
            assert "worker" == placed[0][0].name


def test_csv_has_base_units_and_no_formulas(worker, service, snapshot) -> None:
    """Every worker once; what is not known is empty; a name that a spreadsheet would compute is text."""
    fleet = [worker("=cmd()", engine={"itl_seconds": None}, url="http://user:secret@d-01/metrics")]
    rows = list(csv.DictReader(io.StringIO(workers_csv(snapshot(service(fleet))))))

    assert ["'=cmd()"] == [row["worker"] for row in rows]
    assert ("0.34", "", "http://d-01/metrics", "ok") == tuple(rows[0][name] for name in ("kv", "itl", "url", "status"))


def test_pools_stand_side_by_side_with_the_same_rows(worker, service, advice) -> None:
    """Prefill first, also where a side has no worker; what the advised size would give is told."""
    scaling = Decision(
        NOW, Action.SCALE_DECODE, Replicas(5, 5), Replicas(6, 9), "", predicted={Role.PREFILL: 0.4, Role.DECODE: 0.94}
    )
    state = service(
        [worker("d-01")],
        advice(Action.SCALE_DECODE, (5, 9)),
        pressures={Role.DECODE: 1.5},
        decisions=(scaling,),
    )
    prefill, decode = panels(state, worker_rows(state, LIMITS), LIMITS, Trails(), NOW)

    assert (
        ["load", "kv", "queue"]
        == [row.gauge.name for row in prefill.rows[:3]]
        == [row.gauge.name for row in decode.rows[:3]]
    )
    assert "no worker of this role was found" == prefill.remark
    assert "150 % of capacity (decode KV); 94 % predicted with 9" == decode.remark
    assert Status.UNKNOWN is prefill.status


def test_an_objective_is_judged_by_its_share(worker, service) -> None:
    """A p99 above an objective that 95 % must meet is fine while 96 % do."""
    fleet = [worker("p-01", Role.PREFILL), worker("d-01")]
    for ratio, status in ((0.96, Status.OK), (0.94, Status.WARN), (None, Status.UNKNOWN)):
        state = service(fleet, slo={"itl": Attainment(0.05, ratio, 0.05, 0.95)})
        _, decode = panels(state, worker_rows(state, LIMITS), LIMITS, Trails(), NOW)
        assert status is decode.row("itl").status


def test_evidence_is_sorted_into_pressing_quiet_and_unknown(worker, service, advice) -> None:
    """The advice's own numbers come first and once; what it names without a limit stands with what presses."""
    scope = {"role": "decode"}
    evidence = (
        Evidence("pressure_ratio", 1.4, "ratio", 1.0, scope),
        Evidence("requests_waiting", 9.0, "requests", None, scope),
    )
    state = service(
        [worker("p-01", Role.PREFILL), worker("d-01")],
        advice(Action.SCALE_DECODE, (5, 8), evidence=evidence),
        pressures={Role.DECODE: 1.4, Role.PREFILL: None},
    )
    found = case(state, LIMITS)

    assert [("pressure_ratio", "140 %", "≥ 100 %"), ("requests_waiting", "9 req", "–")] == [
        (s.name, s.value_words, s.limit_words) for s in found.pressing
    ]
    assert [("pressure_ratio", "prefill")] == [(s.name, s.scope) for s in found.unknown]
    assert ("kv_transfer_failures_per_second", "> 0 /s") in [(s.name, s.limit_words) for s in found.quiet]


def test_events_tell_what_changed(worker, dead, service, advice, snapshot) -> None:
    """Advice, findings, workers that go, come back, restart, appear and leave."""
    finding = Finding("worker_down", Severity.CRITICAL, {"worker": "d-01"}, NOW, "d-01 is down", "")
    before = snapshot(service([worker("d-01"), dead("d-02"), worker("d-03"), worker("d-04")]))
    after = snapshot(
        service(
            [dead("d-01"), worker("d-02"), worker("d-03", restarts=1), worker("d-05")],
            advice(Action.FIX, reason="d-01 is down"),
            findings=(finding,),
        ),
        t=NOW + 2,
    )

    assert [
        ("verdict", "HOLD → FIX: d-01 is down"),
        ("d-01", "d-01 is down"),
        ("d-01", "gave no page: connection refused"),
        ("d-02", "answers again"),
        ("d-03", "restarted"),
        ("d-05", "appeared as decode"),
        ("d-04", "is no longer listed"),
    ] == [(event.subject, event.text) for event in changes(before, after)]
    assert [] == changes(after, after)
    assert ("d-01", "over: worker down") in [(event.subject, event.text) for event in changes(after, before)]


def test_a_root_stands_before_what_comes_from_it() -> None:
    """Whatever the order; a symptom whose root is over stands for itself, and a group is as grave as its worst."""
    port = Finding("fabric_port_down", Severity.WARNING, {"host": "n1"}, NOW, "", "")
    slow = Finding("kv_transfer_slow", Severity.CRITICAL, {"worker": "p-1"}, NOW, "", "", because_of=_cause(port))
    alone = Finding("preempting", Severity.WARNING, {"role": "decode"}, NOW, "", "", because_of=Cause("gone", {}))
    found = troubles([slow, alone, port])

    assert [(alone, ()), (port, (slow,))] == [(trouble.root, trouble.symptoms) for trouble in found]
    assert [Severity.WARNING, Severity.CRITICAL] == [trouble.severity for trouble in found]


def _cause(finding: Finding) -> Cause:
    return Cause(finding.finding, finding.scope)


def test_the_verdict_names_the_bound_that_is_tightest(states) -> None:
    """Beside confidence and age; not where something is broken, where capacity is not the question."""
    told = {
        name: verdict(states[name][-1].services["prod-eu-1"], LIMITS, NOW) for name in ("healthy", "decode", "fabric")
    }

    assert ["decode KV 71 %", "decode KV 131 %", ""] == [answer.tightest for answer in told.values()]


def test_the_load_of_a_pool_is_that_of_its_binding_bound(states, worker, service) -> None:
    """The number that the advice rests on; without bounds, what the gauges of the pool show."""
    decode = states["decode"][-1].services["prod-eu-1"]
    plain = service([worker("d-01")], pressures={Role.DECODE: 0.4})

    assert (1.31, "decode KV") == load_of(decode, decode.pools[Role.DECODE])
    assert (0.4, "decode KV") == load_of(plain, plain.pools[Role.DECODE])
