"""The life of a `pdwatch serve`: wrong starts, a configuration that changes under it, and its end."""

from __future__ import annotations

import re
import signal
import socket

import pytest

pytestmark = pytest.mark.live

SUCCESSFUL = "pdwatch_config_last_reload_successful"


def config_of(fleet, *names):
    """Return a configuration of these workers."""
    return {"scrape": {"interval": "1s"}, "discovery": [{"static": fleet.groups(*names)}]}


def metric(serve, name):
    """Return the value of a metric without labels."""
    lines = serve.client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def watched(snapshot):
    """Return the names of the workers in a snapshot."""
    return {worker["worker"] for service in snapshot["services"].values() for worker in service["workers"]}


@pytest.fixture(scope="module")
def path(write, fleet):
    """A configuration file that names one worker of each role."""
    return write(config_of(fleet, "prefill-0", "decode-0"))


@pytest.fixture(scope="module")
def running(serve_of, path):
    """pdwatch with that file."""
    return serve_of("--config", str(path))


@pytest.fixture
def serve(running, path, write, fleet):
    """pdwatch that watches one worker of each role."""
    write(config_of(fleet, "prefill-0", "decode-0"), path)
    assert 200 == running.client.post("/-/reload").status_code
    running.wait_for(lambda one: watched(one) == {"prefill-0", "decode-0"}, "two workers", after=newest(running))
    return running


def newest(serve):
    """Return when the newest snapshot was taken."""
    return serve.snapshots[-1]["t"] if serve.snapshots else 0.0


def hang_up(serve, pattern):
    """Send SIGHUP and wait for a line on standard error."""
    seen = len(serve.program.err)
    serve.program.process.send_signal(signal.SIGHUP)
    return serve.program.line(pattern, after=seen).string


def test_hangup_takes_a_changed_file(serve, path, write, fleet):
    """A worker that was added is watched, one that was removed is forgotten with all its series."""
    write(config_of(fleet, "prefill-0", "prefill-1", "decode-0"), path)
    hang_up(serve, "configuration loaded again")
    added = serve.wait_for(lambda one: "prefill-1" in watched(one), "the added worker", after=newest(serve))
    write(config_of(fleet, "prefill-1", "decode-0"), path)
    hang_up(serve, "configuration loaded again")
    after = newest(serve)
    removed = serve.wait_for(lambda one: watched(one) == {"prefill-1", "decode-0"}, "the removed worker", after=after)

    assert {"prefill-0", "prefill-1", "decode-0"} == watched(added)
    assert {"prefill": 1, "decode": 1} == {
        role: pool["workers"] for role, pool in removed["services"]["default"]["pools"].items()
    }
    assert 'worker="prefill-0"' not in serve.client.get("/metrics").text
    assert 1 == metric(serve, SUCCESSFUL)


def test_what_was_known_survives_a_reload(serve):
    """Rates of a worker that stays need no second page after a reload."""
    serve.wait_for(lambda one: rate(one) is not None, "a rate", after=newest(serve))
    hang_up(serve, "configuration loaded again")
    at = newest(serve)
    serve.wait_for(lambda one: one["t"] > at, "a snapshot", after=at)

    assert rate(serve.since(at)[0]) > 0


def rate(snapshot):
    """Return the prompt rate of decode-0."""
    workers = {worker["worker"]: worker for worker in snapshot["services"]["default"]["workers"]}
    return workers["decode-0"]["engines"][0]["prompt_tokens_per_second"]


BAD = {
    "unknown key": ("scrape: {intervall: 1s}\n", r"pdwatch.yaml:1: scrape.intervall: .*interval"),
    "torn": ("discovery: [{static: [{targets:", r"pdwatch.yaml:1: "),
    "certificate": (
        "scrape: {tls: {ca_file: pdwatch.yaml}}\nprefill: [127.0.0.1:1]\n",
        r"cannot use the TLS files .*pdwatch.yaml",
    ),
}


@pytest.mark.parametrize("content", [content for content, _ in BAD.values()], ids=list(BAD))
def test_hangup_with_a_bad_file_keeps_the_old(serve, path, write, content):
    """A bad file is told in one line and changes nothing; the next good one is taken."""
    write(content, path)
    told = hang_up(serve, "kept the old configuration")
    at = newest(serve)
    later = serve.wait_for(lambda one: one["self"]["up"] == 2, "both workers", after=at)

    assert told.startswith("pdwatch serve: kept the old configuration: ")
    assert {"prefill-0", "decode-0"} == watched(later)
    assert 0 == metric(serve, SUCCESSFUL)


@pytest.mark.parametrize(("content", "words"), list(BAD.values()), ids=list(BAD))
def test_post_with_a_bad_file_answers_why(serve, path, write, content, words):
    """`POST /-/reload` answers 500 with the one line that says what, where and how to mend it."""
    write(content, path)
    answer = serve.client.post("/-/reload")
    failed = metric(serve, SUCCESSFUL)

    assert 500 == answer.status_code
    assert 1 == len(answer.text.splitlines())
    assert re.search(words, answer.text)
    assert 0 == failed


def test_post_takes_a_changed_file(serve, path, write, fleet):
    """A good file makes `POST /-/reload` answer 200 and the metric 1 again, also after a bad one."""
    write("scrape: [", path)
    refused = serve.client.post("/-/reload").status_code
    write(config_of(fleet), path)
    taken = serve.client.post("/-/reload").status_code
    serve.wait_for(lambda one: watched(one) == set(fleet.workers), "all workers", after=newest(serve))

    assert (500, 200) == (refused, taken)
    assert 1 == metric(serve, SUCCESSFUL)


def test_termination_is_no_failure(serve_of, fleet):
    """SIGTERM ends it with status 0 while a reader holds the stream; the last line says so, none is a traceback."""
    serve = serve_of(*fleet.flags)
    serve.wait_for(lambda one: one["self"]["up"] == 4, "the first rounds")

    assert 0 == serve.stop()
    assert "pdwatch serve: stopped\n" == serve.program.err[-1]
    assert "Traceback" not in "".join(serve.program.err)


def test_a_taken_port_is_one_line(pdwatch, fleet):
    """A second serve on the same address says which and what to do, and exits with 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        program = pdwatch("serve", "--listen", address, *fleet.flags)
        status = program.wait()

    assert 2 == status
    assert [
        f"pdwatch serve: {address} is taken by another process; choose another with --listen HOST:PORT\n"
    ] == program.err


def test_nothing_to_watch_is_one_line(pdwatch):
    """Without a worker there is nothing to serve."""
    program = pdwatch("serve", "--listen", "127.0.0.1:0")

    assert 2 == program.wait()
    assert [
        "pdwatch serve: there is nothing to watch; name workers with --prefill and --decode, or a file with --config\n"
    ] == program.err


def test_a_missing_file_is_one_line(pdwatch, tmp_path):
    """A configuration that is not there is named."""
    program = pdwatch("serve", "--config", str(tmp_path / "none.yaml"))

    assert 2 == program.wait()
    assert 1 == len(program.err)
    assert program.err[0].startswith(f"pdwatch serve: {tmp_path / 'none.yaml'}: no such file or directory")
