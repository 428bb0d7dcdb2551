"""The fleet behind real ports on loopback."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

import aiohttp
import pytest

from pdwatch.demo import SCENARIOS, start_fleet

DEADLINE = 20.0


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Session:
    """A running fleet on a clock of its own, and a client without kept connections."""

    def __init__(self, name):
        self.name = name
        self.clock = Clock()

    async def __aenter__(self):
        self.fleet = await start_fleet(SCENARIOS[self.name], port=0, speed=10.0, seed=1, clock=self.clock, epoch=0.0)
        timeout = aiohttp.ClientTimeout(total=DEADLINE)
        self.client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True), timeout=timeout)
        return self

    async def __aexit__(self, *_):
        await self.client.close()
        await self.fleet.aclose()

    @property
    def router(self):
        return self.fleet.urls["router"]

    async def get(self, url):
        async with self.client.get(url) as answer:
            return answer.status, answer.headers.get("Content-Type"), await answer.text()

    async def fault(self, **body):
        async with self.client.post(f"{self.router}/demo/fault", json=body) as answer:
            return answer.status, await answer.json()

    async def refused(self, url):
        try:
            await self.get(url)
        except aiohttp.ClientConnectorError:
            return True
        return False


def inside(name, story):
    """Run the coroutine function *story* with a session of scenario *name*."""

    async def tell():
        async with Session(name) as session:
            return await story(session)

    return asyncio.run(tell())


def test_worker_answers_like_vllm():
    """Metrics as text 0.0.4, an empty health, version and models as JSON."""

    async def story(session):
        session.clock.now = 2.0
        url = session.fleet.urls["decode"][0]
        return [await session.get(url + path) for path in ("/metrics", "/health", "/version", "/v1/models")]

    metrics, health, version, models = inside("healthy", story)

    assert (200, "text/plain; version=0.0.4; charset=utf-8") == metrics[:2]
    assert "vllm:num_requests_running{" in metrics[2]
    assert (200, "") == (health[0], health[2])
    assert {"version": "0.33.0"} == json.loads(version[2])
    assert 32_768 == json.loads(models[2])["data"][0]["max_model_len"]


def test_pages_advance_with_the_clock():
    """Ten simulated seconds pass in one second at speed 10."""

    async def story(session):
        url = session.fleet.urls["decode"][0] + "/metrics"
        _, _, before = await session.get(url)
        session.clock.now = 1.0
        _, _, after = await session.get(url)
        return before, after, session.fleet.catch_up().now

    before, after, now = inside("healthy", story)

    assert before != after
    assert 10.0 == now


def test_killed_worker_refuses_connections_until_it_is_started_again():
    """`kill` closes the port; `start` opens the same one with counters at zero."""

    async def story(session):
        session.clock.now = 2.0
        url = session.fleet.urls["decode"][1] + "/metrics"
        done = await session.fault(worker="decode-1", do="kill")
        refused = await session.refused(url)
        others = await session.get(session.fleet.urls["decode"][0] + "/metrics")
        await session.fault(worker="decode-1", do="start")
        return done, refused, others[0], (await session.get(url))[2]

    done, refused, others, page = inside("healthy", story)

    assert (200, {"done": True}) == done
    assert refused
    assert 200 == others
    assert 'vllm:generation_tokens_total{engine="0",model_name="meta-llama/Llama-3.3-70B-Instruct"} 0.0' in page


def test_planned_death_closes_the_port():
    """A fault of the scenario shows on the wire without anybody asking."""

    async def story(session):
        url = session.fleet.urls["decode"][1] + "/health"
        before = await session.get(url)
        session.clock.now = 6.1
        async with asyncio.timeout(DEADLINE):
            while not await session.refused(url):
                await asyncio.sleep(0.01)
        return before[0]

    assert 200 == inside("decode_dies", story)


def test_stopped_worker_answers_with_frozen_counters():
    """`/health` and `/metrics` are 200 and the page does not move."""

    async def story(session):
        session.clock.now = 2.0
        url = session.fleet.urls["decode"][0]
        await session.fault(worker="decode-0", do="stop")
        _, _, before = await session.get(url + "/metrics")
        session.clock.now = 4.0
        _, _, after = await session.get(url + "/metrics")
        return before, after, (await session.get(url + "/health"))[0]

    before, after, health = inside("healthy", story)

    assert before == after
    assert 200 == health


def test_hanging_worker_accepts_and_does_not_answer():
    """A request to it gets its answer only once the worker is started again."""

    async def story(session):
        url = session.fleet.urls["prefill"][0] + "/metrics"
        await session.fault(worker="prefill-0", do="hang")
        pending = asyncio.create_task(session.get(url))
        await session.get(session.fleet.urls["prefill"][1] + "/metrics")
        hung = not pending.done()
        await session.fault(worker="prefill-0", do="start")
        return hung, (await pending)[0]

    assert (True, 200) == inside("healthy", story)


@pytest.mark.parametrize(("do", "status", "kind"), [("refuse", 503, None), ("garble", 200, "text/html")])
def test_a_spoiled_page_comes_back_while_the_engines_go_on(do, status, kind):
    """Its page is an error or none of metrics until it is started; its health stays as it is."""

    async def story(session):
        url = session.fleet.urls["prefill"][0]
        await session.fault(worker="prefill-0", do=do)
        spoiled, (healthy, *_) = await session.get(url + "/metrics"), await session.get(url + "/health")
        await session.fault(worker="prefill-0", do="start")
        return spoiled, healthy, await session.get(url + "/metrics")

    spoiled, healthy, mended = inside("healthy", story)

    assert (status, 200, 200) == (spoiled[0], healthy, mended[0])
    assert kind is None or spoiled[1].startswith(kind)
    assert "vllm:" not in spoiled[2]
    assert "vllm:num_requests_running{" in mended[2]


def test_fleet_closes_while_a_worker_hangs():
    """Closing does not wait for answers that never come."""

    async def story(session):
        await session.fault(worker="prefill-0", do="hang")
        pending = asyncio.create_task(session.get(session.fleet.urls["prefill"][0] + "/metrics"))
        await session.get(session.fleet.urls["prefill"][1] + "/metrics")
        await session.fleet.aclose()
        with pytest.raises(aiohttp.ClientError):
            await pending

    inside("healthy", story)


def test_router_lists_workers_like_vllm_router(data):
    """`GET /workers` has the keys of the real one, for each role, with the workers' URLs."""

    async def story(session):
        session.clock.now = 1.0
        _, _, body = await session.get(session.router + "/workers")
        return json.loads(body), session.fleet.urls

    body, urls = inside("healthy", story)
    real = json.loads((data / "vllm-router-0.1.17-workers.json").read_text())

    assert real.keys() == body.keys()
    assert real["stats"] == body["stats"]
    for role in ("prefill", "decode"):
        keys = {frozenset(worker) for worker in real["workers"] if worker["worker_type"] == role}
        assert keys == {frozenset(worker) for worker in body["workers"] if worker["worker_type"] == role}
        assert urls[role] == [worker["url"] for worker in body["workers"] if worker["worker_type"] == role]


def test_router_metrics_have_real_names_and_types(pages, numbers):
    """Every family of the simulated router is one of the real router, with its type and labels."""

    async def story(session):
        session.clock.now = 3.0
        await session.fault(do="fail_transfers", factor=0.5)
        session.clock.now = 6.0
        return (await session.get(session.router + "/metrics"))[2]

    page = inside("healthy", story)
    real = (pages / "routers" / "vllm_router_0.1.17_pd_traffic.metrics.txt").read_text()

    def declared(text):
        return {line for line in text.splitlines() if line.startswith("# TYPE")}

    def shapes(text):
        return {(name, frozenset(dict(labels))) for name, labels in numbers(text)}

    # The recording had errors of prefill only; those of decode are the router's name for the same on the other side.
    errors = "# TYPE vllm_router_pd_decode_errors_total counter"
    assert {errors} == declared(page) - declared(real)
    assert {("vllm_router_pd_decode_errors_total", frozenset({"worker"}))} == shapes(page) - shapes(real)
    assert len(declared(page)) > 10


def test_router_believes_in_a_dead_worker_for_minutes():
    """Its health gauge stays 1 at first and falls after the third missed check."""

    async def story(session):
        await session.fault(worker="decode-1", do="kill")
        url, health = session.fleet.worker_urls["decode-1"], []
        for session.clock.now in (6.0, 30.0):
            _, _, page = await session.get(session.router + "/metrics")
            health += [
                line for line in page.splitlines() if line.startswith(f'vllm_router_worker_health{{worker="{url}"')
            ]
        return [line[-1] for line in health], (await session.get(session.router + "/health"))[0]

    assert (["1", "0"], 503) == inside("idle", story)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"worker": "decode-9", "do": "kill"}, "no worker 'decode-9'"),
        ({"worker": "decode-9", "do": "hang"}, "no worker 'decode-9'"),
        ({"worker": "decode-9", "do": "garble"}, "no worker 'decode-9'"),
        ({"worker": "decode-0", "do": "explode"}, "'explode' is not a valid Do"),
        ({"worker": "decode-0", "do": "slow", "factor": "3"}, 'factor "3" is no number'),
    ],
)
def test_wrong_fault_is_refused_with_the_mend(body, message):
    """The answer is 400, names what is wrong and lists what can be done."""

    async def story(session):
        return await session.fault(**body)

    status, answer = inside("idle", story)

    assert 400 == status
    assert message in answer["error"]
    assert "kill, stop, start" in answer["error"]


def demo(*arguments):
    command = [sys.executable, "-W", "error", "-m", "pdwatch.demo", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_its_urls_and_ends_on_a_signal(number):
    """One line of JSON on stdout, narration on stderr, exit code 0."""
    with demo("--scenario", "healthy", "--port", "0", "--speed", "10") as process:
        urls = json.loads(process.stdout.readline())
        process.send_signal(number)
        rest, narration = process.communicate(timeout=DEADLINE)

    assert {"router", "prefill", "decode"} == urls.keys()
    assert (2, 2) == (len(urls["prefill"]), len(urls["decode"]))
    assert "" == rest
    assert "expected: hold" in narration
    assert 0 == process.returncode


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scenario", "heathy"), "pdwatch demo: no scenario 'heathy'; did you mean healthy?"),
        (("--scenario", "zzz"), "pdwatch demo: no scenario 'zzz'; there are healthy, prefill_bound"),
        (("--speed", "0"), "pdwatch demo: --speed 0 is not possible; give more than 0 and at most 200"),
    ],
)
def test_wrong_call_is_one_line_and_exit_code_2(arguments, message):
    """What is wrong and how to mend it, no traceback."""
    with demo(*arguments) as process:
        out, err = process.communicate(timeout=DEADLINE)

    assert 2 == process.returncode
    assert "" == out
    assert err.startswith(message)
    assert 1 == len(err.splitlines())


def test_taken_port_is_one_line_and_exit_code_2():
    """The message says from which port and how to choose another."""

    async def story(session):
        port = session.router.rpartition(":")[2]
        process = await asyncio.to_thread(demo, "--port", port)
        with process:
            _, err = await asyncio.to_thread(process.communicate, timeout=DEADLINE)
        return port, process.returncode, err

    port, code, err = inside("idle", story)

    assert 2 == code
    assert f"pdwatch demo: cannot listen from port {port} on: " in err
    assert 1 == len(err.splitlines())


def test_list_names_every_scenario():
    """`--list` prints one line per scenario."""
    with demo("--list") as process:
        out, _ = process.communicate(timeout=DEADLINE)

    assert list(SCENARIOS) == [line.split()[0] for line in out.splitlines()]


def test_model_needs_no_http():
    """Benchmarks that drive the model load neither aiohttp nor asyncio's servers."""
    code = "import sys, pdwatch.demo.model; print('aiohttp' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False\n" == result.stdout
