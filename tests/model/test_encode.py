"""A snapshot as JSON and back."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from math import inf, isfinite, nan

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdwatch.model.encode import dumps, public_url, snapshot_from_json, snapshot_to_json, to_bytes
from pdwatch.model.hostsignals import TransferPathSignals
from pdwatch.model.judgement import Action, Advice, Cause, Evidence, Finding, Replicas, Severity
from pdwatch.model.latency import Attainment, LatencyState, Quantiles, TtftChain
from pdwatch.model.reading import Histogram, Missing, Quantity
from pdwatch.model.snapshot import (
    EngineState,
    PoolState,
    SelfState,
    ServiceState,
    Snapshot,
    TransferState,
    Trouble,
    WorkerState,
)
from pdwatch.model.target import Role, RoleSource

finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=6)
PLAIN = {"float": finite, "str": words, "int": st.integers(0, 99), "bool": st.booleans()}
PLAIN |= {f"{kind} | None": st.none() | strategy for kind, strategy in tuple(PLAIN.items())}


def records(kind, **given_fields):
    """Any record of *kind*: plain fields by their annotation, the others as given."""
    plain = {entry.name: PLAIN[entry.type] for entry in fields(kind) if entry.type in PLAIN}
    return st.builds(kind, **plain | given_fields)


def lists(strategy):
    return st.lists(strategy, max_size=2).map(tuple)


@st.composite
def histograms(draw):
    bounds = (*sorted(draw(st.lists(finite, max_size=3))), inf)
    counts = draw(st.lists(finite, min_size=len(bounds), max_size=len(bounds)))
    return Histogram(bounds, tuple(counts), draw(finite), draw(finite))


roles = st.sampled_from(Role)
by_role = st.dictionaries(roles, histograms(), max_size=2)
scopes = st.dictionaries(
    st.sampled_from(["role", "replica", "worker", "engine", "host", "gpu", "port"]), words, max_size=2
)
evidence = records(Evidence, scope=scopes)
replicas = records(Replicas)
quantiles = records(Quantiles)
pools = st.dictionaries(roles, records(PoolState, busiest_engine=st.none() | st.tuples(words, words)), max_size=2).map(
    lambda found: {role: replace(pool, role=role) for role, pool in found.items()}
)
workers = records(
    WorkerState,
    role=roles,
    role_source=st.sampled_from(RoleSource),
    behaviour=roles,
    trouble=st.none() | st.sampled_from(Trouble),
    engines=lists(records(EngineState)),
    missing=lists(records(Missing, quantity=st.sampled_from(Quantity))),
)
services = records(
    ServiceState,
    pools=pools,
    transfer=records(TransferState, reported_by=st.none() | roles, histogram=st.none() | histograms()),
    experts=st.dictionaries(words, finite, max_size=2),
    latency=records(
        LatencyState,
        ttft_seconds=quantiles,
        itl_seconds=quantiles,
        chain=records(TtftChain),
        chain_usual=records(TtftChain),
        ttft_by_role=by_role,
        itl_by_role=by_role,
    ),
    slo=st.dictionaries(words, records(Attainment), max_size=2),
    transfer_paths=st.dictionaries(words, records(TransferPathSignals), max_size=2),
    advice=records(Advice, action=st.sampled_from(Action), prefill=replicas, decode=replicas, evidence=lists(evidence)),
    workers=lists(workers),
    routers=lists(workers),
    findings=lists(
        records(
            Finding,
            severity=st.sampled_from(Severity),
            scope=st.dictionaries(words, words, max_size=2),
            evidence=lists(evidence),
            because_of=st.none() | records(Cause, scope=st.dictionaries(words, words, max_size=2)),
        )
    ),
)
snapshots = records(
    Snapshot,
    services=st.dictionaries(words, services, max_size=2).map(
        lambda found: {name: replace(service, service=name) for name, service in found.items()}
    ),
    hosts=st.just({}),
    self_state=records(
        SelfState,
        discovery_errors=st.dictionaries(words, words, max_size=2),
        thresholds=st.dictionaries(words, finite, max_size=2),
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(snapshots)
def test_what_is_written_is_read_back(snapshot):
    """Nothing is lost on the way to a terminal that attaches to a running serve."""
    assert snapshot == snapshot_from_json(json.loads(dumps(snapshot)))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(snapshots)
def test_a_snapshot_is_one_line_of_strict_json(snapshot):
    """A reader of lines sees one, and no parser meets NaN or Infinity."""
    line = dumps(snapshot)

    assert line.isascii()
    assert "\n" not in line
    assert snapshot_to_json(snapshot) == json.loads(line, parse_constant=pytest.fail)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(snapshots)
def test_programs_and_terminals_are_told_the_same(snapshot):
    """Whatever the text holds, half of a surrogate pair included."""
    assert snapshot_to_json(snapshot) == json.loads(to_bytes(snapshot), parse_constant=pytest.fail)


def test_half_of_a_surrogate_pair_spoils_no_snapshot(small):
    """A router's answer may hold one; it has no UTF-8."""
    odd = replace(small, services={"s": replace(small.services["s"], experts={"d\ud800": 1.0})})

    assert {"d\ud800": 1.0} == json.loads(to_bytes(odd))["services"]["s"]["experts"]


@pytest.mark.parametrize("end", [chr(number) for number in range(0x2100) if len(f"a{chr(number)}b".splitlines()) > 1])
def test_a_snapshot_is_one_line_whatever_a_reader_takes_for_the_end_of_one(small, end):
    """A viewer that reads the stream by lines is not thrown off by a name."""
    odd = replace(small, services={"s": replace(small.services["s"], experts={f"d{end}": 1.0})})

    assert 1 == len(to_bytes(odd).decode().splitlines())
    assert {f"d{end}": 1.0} == json.loads(to_bytes(odd))["services"]["s"]["experts"]


@pytest.fixture
def small():
    """A service with one engine."""
    worker = WorkerState(
        "decode-0",
        "http://user:secret@node2:8000/metrics",
        Role.DECODE,
        RoleSource.DECLARED,
        "d0",
        "node2",
        True,
        1.2,
        version="0.33.0",
        engines=(EngineState("0", requests_waiting=1.0, kv_cache_usage_ratio=0.93),),
    )
    found = (Evidence("kv_usage_p90", 0.96, "ratio", 0.9, {"role": "decode"}),)
    service = ServiceState(
        service="s",
        pools={Role.DECODE: PoolState(Role.DECODE, 1, 1, 1, 1, False, busiest_engine=("decode-0", "0"))},
        transfer=TransferState(Role.DECODE, 0.035),
        experts={"d0": 0.84},
        latency=LatencyState(ttft_seconds=Quantiles(0.4, 1.42, 2.2)),
        slo={"ttft": Attainment(2.0, 0.97, 2.5, 0.95)},
        workers=(worker,),
        advice=Advice(Action.SCALE_DECODE, Replicas(2, 2), Replicas(4, 6), 0.84, 5.0, "one sentence", found),
        findings=(Finding("kv_cache_saturated", Severity.WARNING, {"role": "decode"}, 5.0, "full", "add", found),),
    )
    return Snapshot(9.0, {"s": service}, {}, SelfState(1, 1, 0, 0.01))


def test_the_keys_are_those_that_others_rely_on(small):
    """Each key of the documented form is there, at its place, with its value."""
    data = snapshot_to_json(small)
    service = data["services"]["s"]

    assert {"t", "services", "hosts", "self"} == set(data)
    assert (1, 0, 0.01) == (data["self"]["workers"], data["self"]["stale"], data["self"]["cycle_seconds"])
    assert {"replicas", "workers", "engines", "up", "role_guessed", "requests_waiting", "requests_running"} | {
        "kv_cache_usage_ratio",
        "queue_imbalance_ratio",
        "pressure_ratio",
    } <= set(service["pools"]["decode"])
    assert {"worker": "decode-0", "engine": "0"} == service["pools"]["decode"]["busiest_engine"]
    assert {"seconds_mean", "seconds_p95", "bandwidth_bytes_per_second", "failures_per_second", "prefill_ratio"} <= set(
        service["transfer"]
    )
    assert {"d0": 0.84} == service["experts"]
    assert 1.42 == service["latency"]["ttft_seconds"]["p95"]
    assert {"ttft": 0.97} == service["slo"]
    assert {"action": "scale_decode", "prefill": {"current": 2, "desired": 2}, "confidence": 0.84}.items() <= service[
        "advice"
    ].items()


def test_evidence_findings_and_workers_have_the_documented_form(small):
    """Scope words stand beside the signal; severity is a word; an engine is an object of its worker."""
    service = snapshot_to_json(small)["services"]["s"]
    evidence = [{"signal": "kv_usage_p90", "role": "decode", "value": 0.96, "threshold": 0.9, "unit": "ratio"}]
    finding = {"finding": "kv_cache_saturated", "severity": "warning", "scope": {"role": "decode"}, "since": 5.0}

    assert evidence == service["advice"]["evidence"] == service["findings"][0]["evidence"]
    assert finding.items() <= service["findings"][0].items()
    assert {"worker": "decode-0", "role": "decode", "replica": "d0", "host": "node2", "up": True}.items() <= service[
        "workers"
    ][0].items()
    assert "0" == service["workers"][0]["engines"][0]["engine"]


def test_what_is_unknown_is_null_and_never_zero(small):
    """A gauge that the engine does not export is null."""
    engine = snapshot_to_json(small)["services"]["s"]["workers"][0]["engines"][0]

    assert (1.0, None) == (engine["requests_waiting"], engine["requests_running"])


@pytest.mark.parametrize("strange", [nan, inf, -inf])
def test_what_is_not_finite_is_null(small, strange):
    """JSON has no NaN and no infinity."""
    service = small.services["s"]
    odd = replace(small, services={"s": replace(service, experts={"d0": strange})})

    assert {"d0": None} == json.loads(dumps(odd))["services"]["s"]["experts"]


def test_passwords_in_urls_are_not_written(small):
    """The URL of a worker and of a source may hold credentials; the snapshot shows neither."""
    errors = {"http://user:secret@router/workers": "http://user:secret@router/workers timed out"}
    line = dumps(replace(small, self_state=replace(small.self_state, discovery_errors=errors)))

    assert "secret" not in line
    assert '"http://node2:8000/metrics"' in line
    assert "http://router/workers timed out" in line


def test_a_url_without_password_stays():
    """Only what stands before an `@` of the host is left out."""
    assert "http://node2:8000/a@b" == public_url("http://node2:8000/a@b")


def test_a_reader_skips_what_it_does_not_know(small):
    """A newer serve may say more, with new words; the rest is read as ever."""
    data = json.loads(dumps(small))
    service = data["services"]["s"]
    data["moon"] = service["pools"]["decode"]["moon"] = 1
    service["advice"]["action"] = "levitate"
    service["workers"][0] |= {"role_source": "oracle", "trouble": "ghosts", "missing": [{"quantity": "ectoplasm"}]}
    read = snapshot_from_json(data).services["s"]

    assert small.services["s"].pools == read.pools
    assert (Action.CANNOT_TELL, RoleSource.NONE) == (read.advice.action, read.workers[0].role_source)
    assert (None, ()) == (read.workers[0].trouble, read.workers[0].missing)


def test_a_reader_takes_what_is_left_out_as_unknown():
    """The least that the documented form holds is enough."""
    pool = {"replicas": 2, "workers": 2, "engines": 2, "up": 2, "role_guessed": False, "requests_waiting": 4}
    worker = {"worker": "d", "role": "decode", "replica": "d0", "host": "n", "up": True, "engines": [{"engine": "0"}]}
    data = {"t": 5, "services": {"s": {"pools": {"prefill": pool}, "workers": [worker], "slo": {"ttft": 0.9}}}}
    read = snapshot_from_json(data | {"self": {"workers": 2, "up": 2, "stale": 0}})
    service = read.services["s"]

    assert (4.0, None) == (service.pools[Role.PREFILL].requests_waiting, service.pools[Role.PREFILL].pressure_ratio)
    assert (None, 0.9) == (service.workers[0].age_seconds, service.slo["ttft"].ratio)
    assert not isfinite(service.slo["ttft"].objective_seconds)


def paths(value, path=()):
    """Every place in a JSON document."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from paths(child, (*path, key))


@pytest.mark.parametrize("wrong", [None, 3, "text", [], [1], {}, {"x": 1}, True])
def test_a_wrong_value_anywhere_is_read_or_refused(small, wrong):
    """Whatever stands at whichever place, a reader gets a snapshot or a message, and never another error."""
    refused = 0
    for path in list(paths(json.loads(dumps(small))))[1:]:
        data = json.loads(dumps(small))
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = wrong
        try:
            assert isinstance(snapshot_from_json(data), Snapshot)
        except ValueError:
            refused += 1

    assert refused > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("t"), "the snapshot has no 't'; it was not written by pdwatch"),
        (lambda data: data.update(services=[]), "'services' of a snapshot must be an object, not []"),
        (lambda data: data["services"]["s"].update(workers={}), "'workers' of a snapshot must be a list of objects"),
        (
            lambda data: data["services"]["s"]["workers"][0].update(up="yes"),
            "WorkerState: 'up' is 'yes'; bool is expected",
        ),
        (
            lambda data: data["services"]["s"]["pools"]["decode"].update(pressure_ratio="much"),
            "PoolState: 'pressure_ratio' is 'much'; a number is expected",
        ),
        (
            lambda data: data["services"]["s"]["pools"]["decode"].pop("up"),
            "missing 1 required positional argument: 'up'",
        ),
    ],
)
def test_what_is_no_snapshot_is_refused_in_one_line(small, change, message):
    """The message names the record and the key."""
    data = json.loads(dumps(small))
    change(data)

    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        snapshot_from_json(data)
    assert "\n" not in str(caught.value)
