"""Front ends that measure what users feel: llm-d's endpoint picker under its three names, its sidecar, Ray, AIBrix."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from synthetic import SGLang, aibrix, epp

from pdwatch.model.reading import PageReading
from pdwatch.model.reading import Quantity as Q

ReadingOf = Callable[[str], PageReading]
NAMES = ("llm_d_epp", "llm_d_router_epp", "inference_objective")


@pytest.mark.parametrize("name", NAMES)
def test_the_picker_is_read_under_each_of_its_names(name: str, reading_of: ReadingOf) -> None:
    """It was renamed twice; what it measures stayed."""
    reading = reading_of(epp(8, errors=2, prefixes=(name,)))
    engine = reading.engines[0]

    assert ("llm-d-epp", "router") == (reading.family, reading.told.role)
    assert (5.0, 8.0, 2.0) == tuple(engine.value(q) for q in (Q.REQUESTS_RUNNING, Q.FINISHED, Q.FINISHED_ERROR))
    ttft = engine.histogram(Q.TTFT)
    assert ttft is not None
    assert (0.4, 8.0) == (pytest.approx(ttft.mean), ttft.count)


def test_old_and_new_names_on_one_page_are_counted_once(reading_of: ReadingOf) -> None:
    """Releases in between print both."""
    both, new = reading_of(epp(8, errors=2, prefixes=NAMES)), reading_of(epp(8, errors=2))

    assert [engine.values for engine in new.engines] == [engine.values for engine in both.engines]


def test_answers_that_do_not_stream_tell_no_first_token(reading_of: ReadingOf) -> None:
    """Their "first token" is the whole answer, 8 s here."""
    ttft = reading_of(epp(4)).engines[0].histogram(Q.TTFT)

    assert ttft is not None
    assert pytest.approx(0.4) == ttft.mean


def test_the_sidecar_is_known_and_tells_nothing(reading_of: ReadingOf) -> None:
    """Only look-ups of names, if it is asked for metrics at all."""
    reading = reading_of("# TYPE moriio_dns_reresolve_total counter\nmoriio_dns_reresolve_total 4\n")

    assert ("llm-d-sidecar", "router", ()) == (reading.family, reading.told.role, reading.engines)


RAY = """# TYPE ray_node_cpu_count gauge
ray_node_cpu_count{NodeAddress="n"} 8
# TYPE ray_vllm_num_requests_running gauge
ray_vllm_num_requests_running{engine="0",model_name="m",ReplicaId="r1",deployment="Prefill:m",WorkerId="w1"} 3
ray_vllm_num_requests_running{engine="0",model_name="m",ReplicaId="r2",deployment="Decode:m",WorkerId="w2"} 9
ray_vllm_num_requests_running{engine="0",model_name="m",ReplicaId="r3",deployment="LLMServer:m",WorkerId="w3"} 1
# TYPE ray_vllm_prompt_tokens_total counter
ray_vllm_prompt_tokens_total{engine="0",model_name="m",ReplicaId="r1",deployment="Prefill:m",WorkerId="w1"} 500
"""


def test_a_ray_node_speaks_for_its_replicas(reading_of: ReadingOf) -> None:
    """Each is a worker; the name of its deployment tells the role, where it does."""
    reading = reading_of(RAY)

    assert ("ray", "router", ()) == (reading.family, reading.told.role, reading.engines)
    assert [("r1", "prefill", 3.0), ("r2", "decode", 9.0), ("r3", None, 1.0)] == [
        (worker.name, worker.reading.told.role, worker.reading.engines[0].value(Q.REQUESTS_RUNNING))
        for worker in reading.behind
    ]
    assert 500.0 == reading.behind[0].reading.engines[0].value(Q.PROMPT_TOKENS)


def test_an_sglang_replica_on_ray_is_one_worker_of_two_processes(reading_of: ReadingOf) -> None:
    """Scheduler and front end print under different worker ids and the same replica."""
    lines = str(SGLang("decode", requests=4, running=2)).replace("sglang:", "ray_sglang_").splitlines()
    text = "\n".join(
        line
        if line.startswith("#")
        else line.replace("{", f'{{ReplicaId="r1",WorkerId="{"st"["tp_rank" in line]}",', 1)
        for line in lines
    )
    (worker,) = reading_of(text + "\n").behind
    engine = worker.reading.engines[0]

    assert ("sglang", "decode") == (worker.reading.family, worker.reading.told.role)
    assert (2.0, 4.0, 400.0) == tuple(engine.value(q) for q in (Q.REQUESTS_RUNNING, Q.FINISHED, Q.GENERATION_TOKENS))


def test_pods_behind_aibrix_gateway_are_workers_with_their_roles(reading_of: ReadingOf) -> None:
    """What the gateway read of each is printed without the engine's prefix."""
    reading = reading_of(aibrix({"p-0": "prefill", "d-0": "decode"}, running=4))

    assert ("aibrix-gateway", "router") == (reading.family, reading.told.role)
    assert [("p-0", "prefill", "s/prefill-0", 4.0), ("d-0", "decode", "s/decode-0", 4.0)] == [
        (w.name, w.reading.told.role, w.replica, w.reading.engines[0].value(Q.REQUESTS_RUNNING)) for w in reading.behind
    ]
    ttft = reading.behind[0].reading.engines[0].histogram(Q.TTFT)
    assert ttft is not None
    assert (0.5, 4.0) == (ttft.mean, ttft.count)


def test_a_gauge_that_the_gateway_adds_up_is_not_believed(reading_of: ReadingOf) -> None:
    """Declared as a counter, it is the sum of all looks at the engine, and no number of requests."""
    worker = reading_of(aibrix({"p-0": "prefill"}, running=123456, declared="counter")).behind[0]

    assert worker.reading.engines[0].value(Q.REQUESTS_RUNNING) is None


def test_an_engines_page_without_the_gateways_labels_is_not_the_gateways(reading_of: ReadingOf) -> None:
    """Bare names are too common to tell anything by."""
    page = "# TYPE num_requests_running gauge\nnum_requests_running 5\n"

    assert () == reading_of(page).engines
