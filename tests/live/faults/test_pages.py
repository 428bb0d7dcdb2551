"""Some forty workers misbehave at once under one serve: each is named for what it does, the others
go on, what was last known stays, and nothing leaks.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

pytestmark = pytest.mark.live

TIMEOUT = 0.6
"""Of a scrape, in seconds; the server of the workers knows it."""
CALM = ("calm-0", "calm-1", "calm-2", "calm-3")
GROWTH_MIB = 160
"""By how much the memory may grow from the first rounds to the end: pages of up to `max_body` are on their way in all
of ten workers at once.
"""


class Case(NamedTuple):
    """What is told of a worker that misbehaves: the kind of trouble, and what the error says."""

    trouble: str | None
    words: str = ""


UNREADABLE, REFUSES, SLOW, UNREACHABLE = "unreadable", "refuses", "slow", "unreachable"
TOO_MUCH = Case(UNREADABLE, "answered more than 2097152 bytes: raise max_body")
LATE = Case(SLOW, "timed out after 0.6s")
FINE = Case(None)

CASES = {
    "html": Case(UNREADABLE, "answered HTML, not metrics: is this the metrics port"),
    "empty": Case(UNREADABLE, "answered an empty page"),
    "json": Case(UNREADABLE, "line 1 is no sample"),
    "gigabyte": TOO_MUCH,
    "told-gigabyte": TOO_MUCH,
    "bomb": TOO_MUCH,
    "broken-gzip": Case(UNREADABLE, "answered gzip that cannot be decompressed"),
    "ten-million": TOO_MUCH,
    "many-series": Case(UNREADABLE, "has 20005 samples, limit 5000"),
    "endless-labels": TOO_MUCH,
    "many-labels": Case(UNREADABLE, "has a series with 100 labels, limit 64"),
    "long-label": Case(UNREADABLE, "has a label value of 10000 characters, limit 4096"),
    "not-utf8": Case(UNREADABLE, "answered a page that is not UTF-8 at byte"),
    "no-number": Case(UNREADABLE, "line 6 is no sample: vllm:num_preemptions_total"),
    "torn-line": Case(UNREADABLE, "line 6 is no sample: vllm:num_preemptions_total"),
    "not-http": Case(UNREACHABLE, "answered something that is not HTTP"),
    "no-answer": Case(UNREACHABLE, "closed the connection without an answer"),
    "mid-body": Case(UNREACHABLE, "closed the connection in the middle of the answer"),
    "401": Case(REFUSES, "401 asks for credentials"),
    "403": Case(REFUSES, "403 asks for credentials"),
    "404": Case(REFUSES, "404 has no page at /404/metrics"),
    "429": Case(REFUSES, "429 too many requests"),
    "500": Case(REFUSES, "500 internal server error"),
    "503": Case(REFUSES, "503 service unavailable"),
    "scaling": Case("scaling", "503 scaling"),
    "redirect": Case(REFUSES, "302 redirects to http://127.0.0.1:1/elsewhere: use that URL"),
    "slow-0.9": FINE,
    "slow-1.1": LATE,
    "slow-10": LATE,
    "never": LATE,
    "endless-header": Case(UNREACHABLE, "not HTTP"),
    "duplicate": FINE,
    "conflicting": FINE,
    "nan": Case(UNREADABLE, "counts nan of vllm:num_preemptions, which cannot be"),
    "inf": Case(UNREADABLE, "counts inf of vllm:num_preemptions, which cannot be"),
    "negative": Case(UNREADABLE, "of vllm:num_preemptions, which cannot be"),
    "odd-gauges": FINE,
    "huge": FINE,
    "wrong-types": FINE,
    "mixed": FINE,
    "past": FINE,
    "future": FINE,
    "flapping": FINE,
    "evil": FINE,
}


def bad(hostile, *names):
    """Make these misbehave from now on, and no other."""
    httpx.put(f"{hostile}/-/{','.join(names) or 'none'}", trust_env=False).raise_for_status()


def groups(hostile, names, service):
    """Return workers as target groups."""
    return [
        {
            "targets": [f"{hostile}/{name}/metrics"],
            "labels": {"service": service, "worker": name, "role": "prefill" if number % 2 else "decode"},
        }
        for number, name in enumerate(names)
    ]


@pytest.fixture(scope="module")
def serve(serve_of, write, hostile):
    """pdwatch on all of them, on four that are always well, and on one whose name nobody resolves."""
    lost = [{"targets": ["nobody.invalid:8000"], "labels": {"service": "hostile", "worker": "no-name"}}]
    config = {
        "window": "10s",
        "scrape": {"timeout": f"{1000 * TIMEOUT:.0f}ms", "max_body": "2MiB", "max_samples": 5000},
        "discovery": [
            {"static": [*groups(hostile, CASES, "hostile"), *groups(hostile, CALM, "calm"), *lost]},
            {"http": {"url": f"{hostile}/sd", "refresh": "1s"}},
            {"router": {"url": f"{hostile}/router", "service": "found", "refresh": "1s"}},
        ],
        "hosts": [{"static": [{"targets": [f"{hostile}/agent"], "labels": {"host": "node7"}}]}],
    }
    return serve_of("--config", str(write(config)))


def workers(snapshot, service="hostile"):
    """Return the workers of a service by name."""
    found = snapshot["services"].get(service, {"workers": []})
    return {worker["worker"]: worker for worker in found["workers"]}


def newest(serve):
    """Return when the newest snapshot was taken."""
    return serve.snapshots[-1]["t"] if serve.snapshots else 0.0


def well(snapshot):
    """Tell whether every worker but the one without a name is up, with rates."""
    known = workers(snapshot)
    return len(known) == len(CASES) + 1 and all(
        worker["up"] and not worker["stale"] and all(e["prompt_tokens_per_second"] for e in worker["engines"][:1])
        for name, worker in known.items()
        if name != "no-name"
    )


def as_expected(snapshot):
    """Tell whether every worker has the trouble that is its own."""
    known = workers(snapshot)
    return all(known[name]["trouble"] == case.trouble for name, case in CASES.items())


class Used(NamedTuple):
    """What a process holds."""

    files: int
    threads: int
    mib: float


def used(serve):
    """Return what the serve holds at the moment."""
    pid = serve.program.process.pid
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    numbers = {key: int(value) for key, value in re.findall(r"^(Threads|VmRSS):\s+(\d+)", status, re.MULTILINE)}
    return Used(len(list(Path(f"/proc/{pid}/fd").iterdir())), numbers["Threads"], numbers["VmRSS"] / 1024)


class Course(NamedTuple):
    """What came of the day on which everything misbehaved."""

    before: dict
    during: list[dict]
    after: dict
    began: Used
    ended: Used


@pytest.fixture(scope="module")
def course(serve, hostile):
    """All well, then all bad for some rounds, then all well again."""
    before = serve.wait_for(well, "rates of all workers")
    began = used(serve)
    bad(hostile, *CASES)
    first = serve.wait_for(as_expected, "every fault", after=before["t"])
    last = serve.wait_for(lambda one: workers(one)["never"]["failures"] >= 6, "six rounds", after=first["t"])
    bad(hostile)
    after = serve.wait_for(lambda one: well(one) and one["t"] > last["t"] + 1, "all well again", after=last["t"])
    during = [one for one in serve.since(before["t"]) if first["t"] <= one["t"] <= last["t"]]
    return Course(before, during, after, began, used(serve))


@pytest.mark.parametrize("name", CASES)
def test_what_a_worker_does_is_named(course, name):
    """Kind and words, in every round that it goes on; what only looks odd is read, without a negative rate."""
    told = [workers(one)[name] for one in course.during]
    rates = [v for w in told for e in w["engines"] for k, v in e.items() if k.endswith("_per_second") and v is not None]

    assert {CASES[name].trouble} == {worker["trouble"] for worker in told}
    assert all(CASES[name].words in (worker["error"] or "") for worker in told), told[-1]["error"]
    assert all(worker["up"] is (CASES[name].trouble is None) for worker in told)
    assert [] == [rate for rate in rates if rate < 0]


def test_every_worker_has_its_case(program):
    """No worker misbehaves unjudged."""
    assert set(program["workers"]) == CASES.keys()


def test_a_worker_that_scales_is_not_down(course):
    """vLLM answers 503 while its number of engines changes: that is information. Another 503 is a warning."""
    findings = [f for one in course.during for f in one["services"]["hostile"]["findings"]]
    told = {
        name: {(f["finding"], f["severity"]) for f in findings if f["scope"].get("worker") == name}
        for name in ("scaling", "503")
    }

    assert told["scaling"] <= {("worker_stale", "info")}
    assert ("worker_stale", "warning") in told["503"]


def test_a_gauge_that_cannot_be_is_not_known(course):
    """A gauge that is no number, or below zero, is absent; the rest of its page is read."""
    engine = workers(course.during[-1])["odd-gauges"]["engines"][0]

    assert [None, None, None] == [engine[k] for k in ("requests_running", "requests_waiting", "kv_cache_usage_ratio")]
    assert engine["prompt_tokens_per_second"] > 0


def test_series_that_stand_there_twice_are_named(course):
    """With the worker and a series, as a warning where the two have different values; no number is the sum of both."""
    findings = [f for f in course.during[-1]["services"]["hostile"]["findings"] if f["finding"] == "series_repeated"]
    told = {f["scope"]["worker"]: (f["severity"], f["summary"].partition(" has ")[2]) for f in findings}
    engines = {name: workers(course.during[-1])[name]["engines"][0] for name in ("duplicate", "conflicting")}

    assert {"duplicate", "conflicting", "mixed"} == told.keys()
    assert ("info", "5 series more than once, each with the same value") == (
        told["duplicate"][0],
        told["duplicate"][1].partition(", such")[0],
    )
    assert told["conflicting"] == (
        "warning",
        "1 series more than once, 1 with another value, such as vllm:prompt_tokens_total; the first of each counts.",
    )
    assert [4, 4] == [engine["requests_running"] for engine in engines.values()]


def test_a_name_that_nobody_resolves(course):
    """It is told as that, or as late where the resolver does not answer in time."""
    said = {workers(one)["no-name"]["error"] for one in course.during}

    assert said <= {"no such host", "timed out after 0.6s"}


def test_the_rest_is_not_affected(course):
    """No round is late, no calm worker is stale or in a finding, and no service but the hostile is in trouble."""
    calm = [worker for one in course.during for worker in workers(one, "calm").values()]
    findings = [f for one in course.during for f in one["services"]["calm"]["findings"] if f["severity"] != "info"]

    assert 4 * len(course.during) == len(calm)
    assert [] == [worker for worker in calm if not worker["up"] or worker["stale"] or worker["failures"]]
    assert [] == findings


def test_what_was_last_known_stays(course):
    """A worker that fails keeps its engines and the numbers that it had, and their age rises."""
    before, last = workers(course.before), workers(course.during[-1])
    failing = [name for name, case in CASES.items() if case.trouble]

    assert dict.fromkeys(failing, 4) == {name: last[name]["engines"][0]["requests_running"] for name in failing}
    assert all(last[name]["stale"] and last[name]["age_seconds"] > before[name]["age_seconds"] for name in failing)


def test_all_recover(course):
    """When the faults end, every worker is up, no error is left, and no rate is of the time between."""
    known = workers(course.after)

    assert {None} == {worker["error"] for name, worker in known.items() if name != "no-name"}


def test_nothing_leaks(course):
    """Open files, threads and memory stay as they were."""
    assert course.ended.files <= course.began.files + 20
    assert course.ended.threads <= course.began.threads + 8
    assert course.ended.mib <= course.began.mib + GROWTH_MIB


def test_all_workers_at_once(course, serve, hostile):
    """A whole fleet that hangs is named as such; the serve itself answers, and all come back."""
    at = newest(serve)
    bad(hostile, "*")
    hung = serve.wait_for(lambda one: all(w["stale"] for w in workers(one, "calm").values()), "a fleet that hangs", at)
    answer = serve.client.get("/-/healthy")
    bad(hostile)
    back = serve.wait_for(well, "all of them", after=hung["t"])

    assert 200 == answer.status_code
    assert {"timed out after 0.6s"} == {worker["error"] for worker in workers(hung, "calm").values()}
    assert {4} == {worker["engines"][0]["requests_running"] for worker in workers(back, "calm").values()}


@pytest.mark.parametrize("how", ["gone", "lies", "endless"])
def test_sources_that_fail_or_lie_keep_their_workers(course, serve, hostile, how):
    """A list over HTTP and a router that fail, answer nonsense or never end are named; what they found stays."""
    serve.wait_for(lambda one: len(workers(one, "found")) == 2, "what the sources found", after=newest(serve))
    at = newest(serve)
    bad(hostile, f"sd-{how}", f"router-{how}")
    told = serve.wait_for(lambda one: len(one["self"]["discovery_errors"]) == 2, "word of both sources", at)
    bad(hostile)
    serve.wait_for(lambda one: not one["self"]["discovery_errors"], "good sources", after=told["t"])

    assert {"by-sd", hostile.removeprefix("http://")} == workers(told, "found").keys()
    assert 2 == sum(worker["up"] for worker in workers(told, "found").values())
    assert all(hostile in source for source in told["self"]["discovery_errors"])


def test_an_agent_that_is_gone(course, serve, hostile):
    """The host is told as down, with the reason; no worker is affected."""
    serve.wait_for(lambda one: one["hosts"]["node7"]["up"], "the host", after=newest(serve))
    at = newest(serve)
    bad(hostile, "agent-gone")
    told = serve.wait_for(lambda one: not one["hosts"]["node7"]["up"], "a host without agent", after=at)
    bad(hostile)
    serve.wait_for(lambda one: one["hosts"]["node7"]["up"], "the host again", after=told["t"])

    assert "500 internal server error" in told["hosts"]["node7"]["error"]
    assert all(worker["up"] for worker in workers(told, "calm").values())
