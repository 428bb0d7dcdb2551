"""Every query of every dashboard is answered by a real Prometheus that saw an incident."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pdwatch.generate.dashboards.files import files
from pdwatch.generate.dashboards.preview.pages import drawn
from pdwatch.generate.dashboards.preview.prometheus import Prometheus
from pdwatch.generate.dashboards.raw import names
from pdwatch.generate.options import Options
from pdwatch.model.reading import Quantity as Q

pytestmark = pytest.mark.live

LACKING: Mapping[str, tuple[str, ...]] = {
    "no experts, no logs": (
        *("pdwatch_expert_balancedness_ratio", "pdwatch_engine_log_expert_balancedness_ratio"),
        *("pdwatch_engine_log_expert_balancedness_usable", "pdwatch_engine_log_expert_balancedness_timestamp_seconds"),
        *("pdwatch_engine_log_rearrangement_seconds", "pdwatch_engine_log_rearrangements_total"),
    ),
    "ports count bytes, links that went down and symbol errors only": tuple(
        f"pdwatch_fabric_port_{name}_total"
        for name in (
            *("ecn_marked", "cnp_sent", "cnp_handled", "tx_wait_ticks", "out_of_sequence", "retransmits"),
            *("retransmit_timeouts", "rnr_naks", "retries_exhausted", "link_recovered", "rx_errors"),
            *("rx_drops", "rx_no_buffer", "tx_discards"),
        )
    ),
    "GPUs without profiling, link traffic and XIDs": tuple(
        f"pdwatch_gpu_{name}"
        for name in (
            *("nvlink_sent_bytes_total", "nvlink_received_bytes_total", "nvlink_errors_total"),
            *("pcie_sent_bytes_total", "pcie_received_bytes_total"),
            *("sm_active_ratio", "tensor_active_ratio", "dram_active_ratio"),
            *("xid_last_timestamp_seconds", "xid_errors_total"),
        )
    ),
    "engines of the newest version tell everything": ("pdwatch_worker_missing_info",),
    "every collector of the hosts works": ("pdwatch_host_collector_failed_info",),
    "one serve watches all services": ("pdwatch_shards",),
}
"""Metrics that the fleet of this test does not have, by why."""
QUIET = {("pdwatch-transfer", "Which links go down or make errors")}
"""What nothing in the incident sets off."""
STANDS_STILL = QUIET | {
    ("pdwatch-fleet", "mark Verdict changed"),
    ("pdwatch-service", "mark Verdict changed"),
    ("pdwatch-gpus", "Which GPUs are slowed down, and by what"),
}
"""What only shows where something changes."""


@dataclass(frozen=True)
class Query:
    """An expression of a board."""

    board: str
    where: str
    expr: str
    legend: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """What it is found by in the tables above."""
        return self.board, self.where

    def of(self, cluster: str) -> str:
        """Return it with a cluster chosen and all of everything else."""
        expr = self.expr.replace("$cluster", cluster).replace("$__rate_interval", "5s")
        return re.sub(r"\$[a-z_]\w*", ".*", expr)


def queries() -> Iterator[Query]:
    for path, text in files(Options()).items():
        if not path.endswith(".json"):
            continue
        board = json.loads(text)
        for panel in (inner for each in board["panels"] for inner in each.get("panels", ()) or [each]):
            for target in panel.get("targets", ()):
                yield Query(board["uid"], panel["title"], target["expr"], target["legendFormat"])
        for mark in board["annotations"]["list"]:
            if "expr" in mark:
                yield Query(board["uid"], f"mark {mark['name']}", mark["expr"], mark["textFormat"])


QUERIES = tuple(queries())
OWN = tuple(query for query in QUERIES if query.board.startswith("pdwatch"))


@pytest.fixture(scope="module")
def ask(prometheus, incident):
    """Ask for the whole incident, each second; return labels and values of each series."""
    began, ended = incident

    def answer(expr: str) -> list[tuple[dict[str, str], list[float]]]:
        around = {"start": str(began), "end": str(ended), "step": "1"}
        found = json.loads(prometheus.get("/api/v1/query_range", query=expr, **around))["data"]["result"]
        return [(series["metric"], [float(value) for _, value in series["values"]]) for series in found]

    return answer


def answered(series: list[tuple[dict[str, str], list[float]]]) -> bool:
    """Whether there is a number, of which NaN is none."""
    return any(not math.isnan(value) for _, values in series for value in values)


def test_every_query_is_answered_on_the_incident(ask):
    """And those for which the fleet has nothing are exactly the ones that are listed."""
    lacking = [metric for metrics in LACKING.values() for metric in metrics]
    expected = {q for q in QUERIES if q.place in QUIET or any(f"{metric}{{" in q.expr for metric in lacking)}
    empty = {query for query in QUERIES if not answered(ask(query.of("demo")))}

    assert set() == empty - expected
    assert {q.place for q in expected - empty} <= QUIET


def test_what_the_fleet_lacks_it_lacks(ask):
    """The list of excuses is true."""
    present = [m for metrics in LACKING.values() for m in metrics if ask(f'{m}{{cluster="demo"}}')]

    assert [] == present


def test_every_query_is_answered_where_everything_is_exported(ask):
    """On a page with each metric of the catalogue, also those that the fleet lacks."""
    empty = {query.place for query in OWN if not ask(query.of("full"))}

    assert set() == empty - STANDS_STILL


def test_each_series_has_the_labels_of_its_legend(ask):
    """A legend that names a label which the query aggregates away would be blank."""
    blank = [
        (*query.place, label)
        for query in QUERIES
        for labels, _ in ask(query.of("demo"))
        for label in re.findall(r"\{\{(\w+)\}\}", query.legend)
        if label not in labels
    ]

    assert [] == [each for each in blank if each[1] != "mark Alert"]


def test_tables_of_the_overview_show_the_incident(ask):
    """Which service is in trouble and why, from the first two panels."""
    verdict, severity, _ = (query for query in QUERIES if query.board == "pdwatch-fleet" and query.where in FIRST)
    codes = {value for _, values in ask(verdict.of("demo")) for value in values}
    places = {(each["finding"], *each["where"].split()): max(values) for each, values in ask(severity.of("demo"))}

    assert 9.0 in codes, "fix"
    assert 1.0 == places["gpu_throttled", "decode", "decode-1", "host-decode-1", "GPU", "2"]
    assert 2.0 == places["worker_down", "decode", "decode-1"]


FIRST = ("What each service needs now, the most urgent first", "Why: findings that stand, the worst first")


@pytest.mark.parametrize(
    ("quantity", "expr"),
    [
        (Q.KV_CACHE_USAGE, names.now(Q.KV_CACHE_USAGE)),
        (Q.ITL, names.rate(Q.ITL, "count", role="decode")),
        (Q.PREFIX_CACHE_HITS, names.rate(Q.PREFIX_CACHE_HITS)),
    ],
)
def test_old_engines_answer_by_their_old_names_and_count_once(ask, quantity, expr):
    """vLLM 0.9 has some numbers under two names and some under the old one only: one series for each engine."""
    found = ask(Query("", "", expr).of("old"))
    engines = [labels["instance"] for labels, _ in found]

    assert engines, quantity
    assert len(engines) == len(set(engines))
    assert set(engines) <= {"old-prefill", "old-decode"}


def test_every_variable_offers_something(prometheus, incident):
    """The choices at the top of each board."""
    began, ended = incident
    for path, text in files(Options()).items():
        for variable in json.loads(text)["templating"]["list"] if path.endswith(".json") else ():
            match = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
            if match is None:
                continue
            around = {"start": str(began), "end": str(ended), "match[]": Query("", "", match[1]).of("demo|full")}
            offered = json.loads(prometheus.get(f"/api/v1/label/{match[2]}/values", **around))["data"]

            assert offered, (path, variable["name"])


def test_the_preview_draws_every_board(prometheus, incident):
    """Without an error, with every variable put in, and with rows written out for each role."""
    began, ended = incident
    with httpx.Client(timeout=20, trust_env=False) as client:
        pages = dict(drawn(Prometheus(prometheus.url, client), ended, ended - began, Options()))

    assert {query.board for query in QUERIES} == set(pages)
    assert [] == [uid for uid, page in pages.items() if 'class="none error"' in page]
    assert [] == [uid for uid, page in pages.items() if re.search(r"\$\w", re.sub(r"<style>.*?</style>", "", page))]
    assert all(heading in pages["pdwatch-service"] for heading in ("Pool: prefill", "Pool: decode"))
    assert ">fix<" in pages["pdwatch-fleet"]
    assert ">down<" in pages["pdwatch-service"]


def test_the_command_writes_the_pages(prometheus, incident, tmp_path):
    """Each path on standard output, nothing else."""
    flags = ("--preview", prometheus.url, "--last", "1m", "--output", str(tmp_path / "pages"))
    command = [sys.executable, "-m", "pdwatch", "generate", "dashboards", *flags]
    run: Any = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (0, "") == (run.returncode, run.stderr)
    assert sorted(map(str, (tmp_path / "pages").iterdir())) == sorted(run.stdout.split())
