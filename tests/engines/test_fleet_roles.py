"""Roles down the whole road: by label, by a front end, by the worker itself, and several workers on one page."""

from __future__ import annotations

from fleet import Fleet, Pages, service_of, sglang_rounds, target_of
from synthetic import SGLang, aibrix, epp

from pdwatch.model.target import Role, RoleSource


def test_roles_of_sglang_come_from_its_labels_and_are_no_guess() -> None:
    """The operator declared nothing."""
    service = service_of(Fleet().run(sglang_rounds(2)), "sgl")

    assert {("p0", Role.PREFILL, RoleSource.LABELS), ("d0", Role.DECODE, RoleSource.LABELS)} == {
        (worker.worker, worker.role, worker.role_source) for worker in service.workers
    }
    assert not any(pool.role_guessed for pool in service.pools.values())


def test_a_role_that_is_switched_at_run_time_is_followed() -> None:
    """The label says `dynamic`; what the worker says of itself when asked counts, and changes."""
    fleet = Fleet()
    page = {"sgl/w0": str(SGLang("dynamic", requests=5))}
    fleet.round(page)
    roles = []
    for role in (Role.PREFILL, Role.DECODE):
        fleet.road.probed(target_of("sgl/w0"), fleet.at, 200, "0.5.23", None, role=role)
        (worker,) = fleet.round(page).services["sgl"].workers
        roles.append((worker.role, worker.role_source))

    assert [(Role.PREFILL, RoleSource.INTROSPECTION), (Role.DECODE, RoleSource.INTROSPECTION)] == roles


def test_a_backend_is_decode_beside_a_prefill_worker_and_aggregated_without(dynamo: Pages) -> None:
    """Whichever page comes first; once there was a prefill worker, decode stays decode without it."""
    alone = Fleet().round({"dyn/d0": dynamo["dyn/d0"]}).services["dyn"]
    fleet = Fleet()
    beside = fleet.round({"dyn/d0": dynamo["dyn/d0"], "dyn/p0": dynamo["dyn/p0"]}).services["dyn"]
    left = fleet.round({"dyn/d0": dynamo["dyn/d0"]}).services["dyn"]

    assert [Role.BOTH] == list(alone.pools)
    assert [] == [finding.finding for finding in alone.findings]
    assert {Role.PREFILL, Role.DECODE} == beside.pools.keys()
    assert [Role.DECODE] == list(left.pools)
    assert "role_empty" in {finding.finding for finding in left.findings}


def test_a_frontend_names_a_prefill_worker_that_calls_itself_backend(dynamo: Pages) -> None:
    """Started without its mode, a prefill worker registers as backend; the frontend knows what it is used for."""
    page = dynamo["dyn/p0"].replace('dynamo_component="prefill"', 'dynamo_component="backend"')
    fleet = Fleet()
    fleet.round({"dyn/p0": page, "dyn/front": dynamo["dyn/front"]})
    (worker,) = fleet.round({"dyn/p0": page, "dyn/front": dynamo["dyn/front"]}).services["dyn"].workers

    assert (Role.PREFILL, RoleSource.ROUTER) == (worker.role, worker.role_source)


def test_what_was_declared_comes_before_labels(dynamo: Pages) -> None:
    """The operator knows better than a component's name."""
    (worker,) = Fleet().round({"dyn/d0=both": dynamo["dyn/d0"]}).services["dyn"].workers

    assert (Role.BOTH, RoleSource.DECLARED) == (worker.role, worker.role_source)


def test_a_front_end_is_no_worker_even_where_it_is_declared_one() -> None:
    """Its page says what it is."""
    service = Fleet().round({"d/w0=decode": str(SGLang("decode")), "d/epp=decode": epp(3)}).services["d"]

    assert ["w0"] == [worker.worker for worker in service.workers]


def test_health_that_says_nothing_is_not_held_against_a_worker(dynamo: Pages) -> None:
    """Dynamo's system port answered 503 while the worker served."""
    fleet = Fleet()
    fleet.round(dynamo)
    fleet.road.probed(target_of("dyn/d0"), fleet.at, 503, None, None)
    service = fleet.round(dynamo).services["dyn"]

    assert {None} == {worker.health for worker in service.workers}
    assert "worker_not_ready" not in {finding.finding for finding in service.findings}


RAY = """ray_vllm_num_requests_running{{engine="0",model_name="m",ReplicaId="r1",deployment="Prefill:m"}} {0}
ray_vllm_num_requests_running{{engine="0",model_name="m",ReplicaId="r2",deployment="Decode:m"}} {1}
ray_vllm_prompt_tokens_total{{engine="0",model_name="m",ReplicaId="r1",deployment="Prefill:m"}} {2}
"""


def test_replicas_on_a_ray_node_are_workers_of_their_own() -> None:
    """One page, two roles; the page itself is none of them."""
    fleet = Fleet()
    fleet.round({"ray/node": RAY.format(1, 4, 1000)})
    service = fleet.round({"ray/node": RAY.format(1, 4, 2000)}).services["ray"]

    assert [("r1", Role.PREFILL), ("r2", Role.DECODE)] == [(w.worker, w.role) for w in service.workers]
    assert (1.0, 4.0) == tuple(service.pools[role].requests_running for role in (Role.PREFILL, Role.DECODE))
    assert 200.0 == service.pools[Role.PREFILL].prompt_tokens_per_second


def test_what_a_joint_page_is_declared_to_be_is_not_what_its_workers_are() -> None:
    """A router's address, given as a router's, speaks for workers all the same."""
    service = Fleet().round({"ray/node=router": RAY.format(1, 4, 1000)}).services["ray"]

    assert [Role.PREFILL, Role.DECODE] == [worker.role for worker in service.workers]


def test_a_node_that_does_not_answer_takes_its_replicas_along() -> None:
    """Nothing is known of them any more, and what was known grows old."""
    fleet = Fleet()
    fleet.round({"ray/node": RAY.format(1, 4, 1000)})
    service = fleet.round({"ray/node": None}).services["ray"]

    assert {("r1", False), ("r2", False)} == {(worker.worker, worker.up) for worker in service.workers}


def test_a_replica_that_left_its_node_is_forgotten() -> None:
    """After three pages without it."""
    fleet = Fleet()
    fleet.round({"ray/node": RAY.format(1, 4, 1000)})
    left = "".join(line + "\n" for line in RAY.format(1, 4, 1000).splitlines() if "r2" not in line)
    seen = [{w.worker for w in fleet.round({"ray/node": left}).services["ray"].workers} for _ in range(3)]

    assert [{"r1", "r2"}, {"r1", "r2"}, {"r1"}] == seen


def test_workers_that_are_scraped_themselves_are_not_counted_again() -> None:
    """A router's joint page repeats the page of a worker that is a target, too."""
    own = str(SGLang("prefill", running=2))
    lines = (line for line in own.replace("sglang:", "sglang_").splitlines() if not line.startswith("#"))
    joint = "".join(line.replace("{", '{worker_addr="http://p0.s:8000",', 1) + "\n" for line in lines)
    joint += joint.replace("p0.s:8000", "p1.s:8000")
    service = Fleet().round({"s/p0": own, "s/joint": joint}).services["s"]

    assert ["p0", "p1.s:8000"] == [worker.worker for worker in service.workers]
    assert 4.0 == service.pools[Role.PREFILL].requests_running


def test_pods_behind_a_gateway_are_a_fleet() -> None:
    """With their roles, and without the gateway."""
    service = Fleet().round({"a/gw": aibrix({"p-0": "prefill", "d-0": "decode"}, running=4)}).services["a"]

    assert {"p-0": Role.PREFILL, "d-0": Role.DECODE} == {worker.worker: worker.role for worker in service.workers}
