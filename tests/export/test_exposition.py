"""The page of `/metrics`: what it holds, what it leaves out, and that Prometheus can read it."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from dataclasses import replace
from math import inf, nan

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from pdwatch.catalog.metrics import METRICS
from pdwatch.export.dialect import Dialect
from pdwatch.export.exposition import TABLES, body_of, page_of
from pdwatch.export.itself import INSTANT_TABLE, Instant, process_values
from pdwatch.model.reading import Histogram
from pdwatch.model.snapshot import EngineState, SelfState, Snapshot
from pdwatch.model.target import Role

PROCESS = {
    "process_cpu_seconds_total": 12.5,
    "process_resident_memory_bytes": 5e7,
    "process_virtual_memory_bytes": 4e8,
    "process_start_time_seconds": 1795230000.0,
    "process_open_fds": 17.0,
    "process_max_fds": 1024.0,
}
INSTANT = Instant(2.5, True, 1795230001.0, 0, PROCESS, version="0.1.0", python="3.11.9")


def page(snapshot: Snapshot | None, dialect: Dialect = Dialect.TEXT, instant: Instant = INSTANT) -> str:
    return page_of(body_of(snapshot, dialect), instant).decode()


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse_text(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((f"pdwatch_{name}", frozenset(labels.items())))


def names(text: str) -> set[str]:
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}


@pytest.mark.parametrize(
    ("dialect", "file"), [(Dialect.TEXT, "exposition.prom"), (Dialect.OPENMETRICS, "exposition.om")]
)
def test_exposition_is_stable(golden, fleet, dialect, file):
    """The page of a known fleet is the same byte for byte, in both formats."""
    golden.check(file, page(fleet, dialect).encode())


def test_every_metric_is_emitted_and_every_emitted_name_is_in_the_catalogue(fleet):
    """A fleet of which everything is known shows each metric of the catalogue and no other."""
    assert {metric.name for metric in METRICS} == names(page(fleet))


def test_every_metric_has_one_extractor():
    """No metric is left without a source and none has two."""
    definitions = [definition for table in (*TABLES, INSTANT_TABLE) for definition in table]

    assert sorted(metric.name for metric in METRICS) == sorted(definition.name for definition in definitions)


@pytest.mark.live
def test_promtool_has_no_complaint(fleet):
    """Prometheus's own linter reads the page and finds nothing to say."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=page(fleet), capture_output=True, check=False, text=True, timeout=60
    )

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_openmetrics_is_well_formed(fleet):
    """The strict OpenMetrics parser reads the page and finds the same families as in the text format."""
    strict = {family.name for family in parse_openmetrics(page(fleet, Dialect.OPENMETRICS))}

    assert {name.removesuffix("_total").removesuffix("_info") for name in names(page(fleet))} == strict


def test_a_gzipped_page_is_the_plain_page(fleet):
    """Deflated once and completed at each request, it unpacks to the same bytes, again and again."""
    body = body_of(fleet, Dialect.TEXT)
    first, second = (gzip.decompress(page_of(body, INSTANT, gzip=True)) for _ in range(2))

    assert page(fleet).encode() == first == second


def test_what_is_unknown_has_no_sample(bare):
    """A worker that never answered is counted as down, and nothing is said of what it might hold."""
    shown = names(page(bare, instant=Instant()))

    assert 0.0 == value(page(bare), "worker_up", service="default", role="unknown", replica="w", worker="w")
    assert not {"pdwatch_requests_waiting", "pdwatch_kv_transfer_seconds", "pdwatch_desired_replicas"} & shown
    assert not {"pdwatch_snapshot_age_seconds", "pdwatch_config_last_reload_successful"} & shown


@pytest.mark.parametrize("strange", [nan, inf, -inf])
def test_a_value_that_is_not_finite_has_no_sample(fleet, with_workers, make_worker, strange):
    """NaN and infinities are no measurements."""
    worker = make_worker("decode-0", Role.DECODE, engines=(EngineState("0", requests_waiting=strange),))
    broken = with_workers(fleet, worker)

    assert "pdwatch_requests_waiting" not in names(page(broken))


def test_a_stale_worker_keeps_its_up_and_age_and_loses_its_engines(fleet):
    """The last values of a worker that went away vanish, so that nobody takes them for current ones."""
    text = page(fleet)
    labels = {"service": "deepseek-r1", "role": "decode", "replica": "d1", "worker": "decode-1"}

    assert (0.0, 41.0) == (value(text, "worker_up", **labels), value(text, "worker_page_age_seconds", **labels))
    assert None is value(text, "requests_waiting", **labels, engine="0")
    assert 4.0 == value(text, "requests_waiting", **labels | {"replica": "d0", "worker": "decode-0"}, engine="0")


def test_a_worker_that_left_leaves_no_series(fleet, with_workers, make_worker):
    """Families are built from the newest snapshot alone."""
    smaller = with_workers(fleet, make_worker("prefill-0", Role.PREFILL))

    assert "decode-0" in page(fleet)
    assert "decode-0" not in page(smaller)


def test_a_service_without_anything_is_quiet():
    """An empty fleet shows pdwatch itself and nothing else."""
    text = page(Snapshot(1.0, {}, {}, SelfState(0, 0, 0)))

    assert 0.0 == value(text, "cycles_total")
    assert not {name for name in names(text) if name.startswith(("pdwatch_worker", "pdwatch_pool", "pdwatch_advice"))}


def test_advice_is_one_hot(fleet):
    """Exactly one action is 1, and it is the advised one."""
    actions = {
        dict(labels)["action"]: number
        for (name, labels), number in samples(page(fleet)).items()
        if name == "pdwatch_advice"
    }

    assert ["scale_decode"] == [action for action, number in actions.items() if number == 1.0]
    assert 10 == len(actions)


def test_a_finding_is_active_once_however_often_it_stands(fleet):
    """Two findings of one kind are one series, while the count says two."""
    service = fleet.services["deepseek-r1"]
    twice = replace(service, findings=(*service.findings, service.findings[1]))
    text = page(replace(fleet, services={"deepseek-r1": twice}))

    labels = {"service": "deepseek-r1", "finding": "worker_down", "severity": "critical"}
    assert 1.0 == value(text, "finding_active", **labels)
    assert 2.0 == value(text, "findings", service="deepseek-r1", severity="critical")


def test_current_and_desired_replicas_are_those_of_the_advice(fleet):
    """What an autoscaler compares comes from one source."""
    text = page(fleet)
    decode = {"service": "deepseek-r1", "role": "decode"}

    assert (2.0, 3.0) == (value(text, "current_replicas", **decode), value(text, "desired_replicas", **decode))


def test_a_histogram_without_edges_still_counts(fleet):
    """Sum and count alone give one infinite bucket."""
    service = fleet.services["deepseek-r1"]
    transfer = replace(service.transfer, histogram=Histogram((), (), 6.0, 3.0))
    text = page(replace(fleet, services={"deepseek-r1": replace(service, transfer=transfer)}))

    labels = {"service": "deepseek-r1", "role": "decode"}
    assert 3.0 == value(text, "kv_transfer_seconds_bucket", **labels, le="+Inf")
    assert (6.0, 3.0) == tuple(value(text, f"kv_transfer_seconds_{part}", **labels) for part in ("sum", "count"))


@pytest.mark.parametrize(
    "evil",
    ['quote " inside', "back\\slash", "two\nlines", "nul \x00 and escape \x1b", "half \ud800 pair", "ünïcode 漢字", ""],
)
def test_label_values_from_outside_cannot_break_the_page(fleet, with_workers, make_worker, evil):
    """Whatever a page or a discovery source calls a worker, both parsers read the exposition and see one worker."""
    strange = replace(make_worker("decode-0", Role.DECODE), worker=evil, replica=evil, model=evil)
    snapshot = with_workers(fleet, strange)
    up = [
        metric
        for metric in parse_openmetrics(page(snapshot, Dialect.OPENMETRICS))
        if metric.name == "pdwatch_worker_up"
    ]

    assert 1 == len(up[0].samples)
    assert (
        up[0].samples[0].labels
        == next(parse_text(page(snapshot).partition("# HELP pdwatch_worker_stale")[0])).samples[0].labels
    )
    assert "\x00" not in page(snapshot)


def test_workers_with_the_same_labels_show_once_and_are_counted(fleet, with_workers, make_worker):
    """Prometheus refuses a page with the same series twice; the first stands and the rest are counted."""
    twin = make_worker("decode-0", Role.DECODE, engines=())
    body = body_of(with_workers(fleet, twin, replace(twin, up=False)), Dialect.TEXT)
    text = page_of(body, replace(INSTANT, duplicates=body.duplicates)).decode()

    assert 1 == text.count("pdwatch_worker_up{")
    assert 1.0 == value(text, "worker_up", service="deepseek-r1", role="decode", replica="d0", worker="decode-0")
    assert body.duplicates == value(text, "duplicate_samples") > 0


def test_a_fleet_without_twins_has_no_duplicates(fleet):
    """Nothing is left out of a page without equal labels."""
    assert 0 == body_of(fleet, Dialect.TEXT).duplicates


def test_256_workers_fit_on_a_page(fleet, with_workers, make_worker):
    """Each of many workers has its series."""
    many = [
        replace(make_worker("decode-0", Role.DECODE), worker=f"w{index}", replica=f"r{index}") for index in range(256)
    ]

    assert 256 == page(with_workers(fleet, *many)).count("\npdwatch_worker_up{")


def test_samples_carry_no_timestamps(fleet):
    """Each line is a series and a value, so that Prometheus stamps it and notices when it vanishes."""
    lines = [line for line in page(fleet).splitlines() if not line.startswith("#")]

    assert [] == [line for line in lines if len(line.rpartition("}")[2].split()) > (1 if "}" in line else 2)]


def test_a_source_that_fails_shows_without_its_password(fleet):
    """The URL of a discovery source may hold credentials; the label holds none."""
    sources = {"http://admin:secret@router:8123/workers": "timed out"}
    text = page(replace(fleet, self_state=replace(fleet.self_state, discovery_errors=sources)))

    assert 0.0 == value(text, "discovery_up", source="http://router:8123/workers")
    assert "secret" not in text


def test_process_values_are_of_this_process():
    """The standard process metrics come with their standard names."""
    assert set(PROCESS) == set(process_values())


def test_process_values_are_absent_without_proc(tmp_path):
    """On a system without /proc there are none, and no error."""
    assert {} == process_values(str(tmp_path))
