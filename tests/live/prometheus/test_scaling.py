"""Several pdwatch over one fleet: shards that divide its services, replicas that each watch all, and federation.

Four services: `code` and `llama-70b` fall to shard 1 of 2, `chat` and `qwen3` to shard 2.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

pytestmark = pytest.mark.live

SERVICES = {"1": ["code", "llama-70b"], "2": ["chat", "qwen3"]}
SHARED = "shared"
"""The host of all services but one."""
SCRAPES = 2
DOCS = Path(__file__).parents[3] / "docs/scaling.md"


def entries(fleet, service, host=None):
    """Return a service on the workers of a fleet, each at a URL of its own, on one host or each on that of its name."""
    return [
        {
            "targets": [f"{url}/metrics?for={service}"],
            "labels": {"service": service, "role": name.partition("-")[0], "worker": name, "host": host or name},
        }
        for name, url in fleet.workers.items()
    ]


@pytest.fixture(scope="module")
def config(fleet_of, write):
    """Three services of which decode is too small share a host, one has four; a spare host has no worker."""
    short, apart = fleet_of("decode_bound"), fleet_of("sick_hosts")
    workers = [entry for name in ("code", "llama-70b", "qwen3") for entry in entries(short, name, SHARED)]
    pages = dict(zip(apart.workers, apart.urls["agents"], strict=True))
    pages |= {name: f"{pages['decode-0']}/metrics?for={name}" for name in (SHARED, "spare")}
    return write(
        {
            "discovery": [{"static": workers + entries(apart, "chat")}],
            "hosts": [{"static": [{"targets": [url], "labels": {"host": name}} for name, url in pages.items()]}],
            "thresholds": {"advice_seconds": 1},
        }
    )


@pytest.fixture(scope="module")
def serves(serve_of, config):
    """Two shards, and two replicas that watch everything."""
    flags = {"1": ("--shard", "1/2"), "2": ("--shard", "2/2"), "whole": (), "replica": ()}
    return {name: serve_of("--config", str(config), *more) for name, more in flags.items()}


@pytest.fixture(scope="module")
def documented():
    """Find what the documentation gives Prometheus to read: a job, for other targets, or what is global."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    parsed = [yaml.safe_load(block) for block in blocks]
    jobs = {job["job_name"]: job for document in parsed for job in document.get("scrape_configs", ())}
    (general,) = (document["global"] for document in parsed if "global" in document)

    def find(name, *targets, **changed):
        if name == "global":
            return general
        lists = "http_sd_configs" in jobs[name]
        where = (
            {"http_sd_configs": [{"url": url} for url in targets]}
            if lists
            else {"static_configs": [{"targets": targets}]}
        )
        return jobs[name] | where | changed

    return find


def address(server):
    """Return where a program is scraped."""
    return urlsplit(server.url).netloc


@pytest.fixture(scope="module")
def regional(start_prometheus, documented, serves):
    """Prometheus that has just started; the two shards are one job, and so are the two replicas."""
    jobs = {"shards": ("1", "2"), "replicas": ("whole", "replica")}
    scrapes = [
        documented("pdwatch", *(address(serves[one]) for one in members), job_name=job) for job, members in jobs.items()
    ]
    lists = documented("engines", *(f"{serves[shard].url}sd/workers" for shard in SERVICES))
    return start_prometheus([*scrapes, lists], **documented("global"))


@pytest.fixture(scope="module")
def world(start_prometheus, documented, regional):
    """A Prometheus above it that fetches what is worth having from there."""
    return start_prometheus([documented("federate", address(regional))])


@pytest.fixture(scope="module")
def prometheus(regional, world):
    """Prometheus after some scrapes; that above it has had time to begin meanwhile."""
    up = "sum by (job, instance) (pdwatch_worker_up) >= 8"
    regional.wait_for(f"count_over_time(({up})[1m:1s]) >= {SCRAPES}", lambda series: len(series) == 4)
    return regional


def values(series, *names):
    """Return the value by these labels."""
    return {tuple(labels.get(name, "") for name in names): value for labels, value in series}


def test_each_service_is_on_exactly_one_shard(prometheus, serves):
    """Its hash says on which; the other knows nothing of its workers."""
    instances = "count by (service) (count by (service, instance) (pdwatch_pool_workers{job='shards'}))"
    names = [name for names in SERVICES.values() for name in names]

    assert SERVICES == {number: sorted(serves[number].snapshots[-1]["services"]) for number in SERVICES}
    assert {(name,): 1.0 for name in names} == values(prometheus.query(instances), "service")
    assert [8, 8] == [len(serves[number].client.get("/sd/workers").json()) for number in SERVICES]


def test_shards_together_show_what_one_serve_shows(prometheus):
    """The same series of services, pools, workers and hosts; none of a service comes twice."""
    names = ("worker_up", "worker_info", "pool_workers", "pool_engines", "current_replicas", "host_up", "gpu_up")
    labels = ("service", "role", "replica", "worker", "host", "gpu")

    def told(job):
        return {name: values(prometheus.query(f"pdwatch_{name}{{job='{job}'}}"), *labels) for name in names}

    all_of_services = prometheus.query("{__name__=~'pdwatch_.+', job='shards', service!=''}")
    apart = {tuple(sorted((labels | {"instance": ""}).items())) for labels, _ in all_of_services}

    assert told("replicas") == told("shards")
    assert 16 == len(told("shards")["worker_up"])
    assert len(all_of_services) == len(apart) > 1000


def test_a_host_is_told_by_the_shards_whose_workers_live_there(prometheus, serves):
    """The shared one by both, one without workers by one; `max` is the answer of either."""
    hosts = {number: set(serves[number].snapshots[-1]["hosts"]) for number in SERVICES}
    spare = [number for number, seen in hosts.items() if "spare" in seen]
    placed = {worker: worker for worker in ("prefill-0", "prefill-1", "decode-0", "decode-1")}
    chat = serves["2"].snapshots[-1]["services"]["chat"]["placements"]

    assert {"1": {SHARED}, "2": {SHARED, *placed}} == {number: seen - {"spare"} for number, seen in hosts.items()}
    assert 1 == len(spare)
    assert placed == {placement["worker"]: placement["host"] for placement in chat}


def test_prometheus_finds_the_engines_by_the_lists_of_the_shards(prometheus):
    """Each engine of each service once."""
    up = prometheus.wait_for("up{job='engines'} == 1", lambda series: len(series) == 16)

    assert 16 == len({(labels["service"], labels["worker"]) for labels, _ in up})


def test_a_shard_says_which_it_is(prometheus, serves):
    """By a metric that a whole serve does not have, in the snapshot, and on the page for people."""
    state = serves["2"].snapshots[-1]["self"]

    shards = {("shards", "1"): 2.0, ("shards", "2"): 2.0}
    assert shards == values(prometheus.query("pdwatch_shards"), "job", "shard")
    assert ("2/2", 2) == (state["shard"], state["services_elsewhere"])
    assert "shard 2/2" in serves["2"].client.get("/").text


def test_two_replicas_give_the_same_advice(prometheus):
    """Neither knows of the other; what one says of action and replicas, the other says as well."""
    actions = "min by (service, action) (pdwatch_advice{job='replicas'}) == 1"
    short = {(service, "scale_decode"): 1.0 for service in ("code", "llama-70b", "qwen3")}
    desired = "by (service, role) (pdwatch_desired_replicas{job='replicas'})"
    both = prometheus.wait_for(actions, lambda series: short.items() <= values(series, "service", "action").items())
    same = prometheus.wait_for(f"max {desired} == min {desired}", lambda series: len(series) == 8)

    assert 4 == len(both)
    assert all(values(same, "service", "role")[service, "decode"] > 2 for service, _ in short)


def test_a_global_prometheus_has_what_it_fetches(world, prometheus):
    """Advice, pools and findings, with cluster and instance as they were; nothing of single workers or hosts."""
    desired = world.wait_for("pdwatch_desired_replicas{job='shards'}", lambda series: len(series) == 8)
    instances = {labels["instance"] for labels, _ in prometheus.query("up{job='shards'}")}

    assert {("eu", "shards")} == {(labels["cluster"], labels["job"]) for labels, _ in desired}
    assert instances == {labels["instance"] for labels, _ in desired}
    assert 4 == len(world.query("count by (service) (pdwatch_advice{job='shards'} == 1)"))
    assert [] == world.query('{__name__=~"pdwatch_.+", worker!=""} or {__name__=~"pdwatch_.+", host!=""}')
