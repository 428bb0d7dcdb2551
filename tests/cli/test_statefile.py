"""The small file that carries what was learned over a restart of `serve`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from pdwatch.cli.statefile import SAVE_SECONDS, VERSION, StateFile
from pdwatch.demo import SCENARIOS
from pdwatch.demo.model import Fleet, Worker
from pdwatch.demo.server import start_fleet
from pdwatch.model.page import Scrape
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role, RoleSource, Target
from pdwatch.road.road import Road, RoadSettings

SERVICE = "default"
WATCHED = 180.0
"""Simulated seconds until pdwatch is restarted."""


def target(worker: Worker) -> Target:
    """Return a worker as discovery names it."""
    return Target(f"http://{worker.name}/metrics", worker.name, SERVICE, Role(worker.role.value), RoleSource.DECLARED)


def watch(road: Road, fleet: Fleet, seconds: float) -> ServiceState:
    """Let *road* watch *fleet* for so many simulated seconds more."""
    end = fleet.now + seconds
    while fleet.now < end:
        fleet.run_until(fleet.now + 5.0)
        now = fleet.epoch + fleet.now
        for worker in fleet.workers.values():
            road.observe(Scrape(target(worker), now, 0.01, 200, fleet.page(worker)))
        service = road.tick(now).services[SERVICE]
    return service


@cache
def watched() -> tuple[Road, Fleet, ServiceState]:
    """A road that has watched a fleet whose decode is too small, that fleet, and what was known last."""
    road, fleet = Road(RoadSettings()), SCENARIOS["decode_bound"].fleet(seed=1)
    return road, fleet, watch(road, fleet, WATCHED)


class Restart:
    """A state file between two lives of pdwatch."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self.before, fleet, self.last = watched()
        self.fleet = fleet.fork()
        self.saved_at = fleet.epoch + fleet.now
        self.after = Road(RoadSettings())

    def file(self) -> StateFile:
        """Return the file as a new process has it."""
        return StateFile(self.path, self.said.append)

    def save(self) -> Restart:
        """Write what the first life learned."""
        self.file().save(self.before, self.saved_at)
        return self

    def change(self, **changed: Any) -> Restart:
        """Change keys of the file; every state begins with its version."""
        data = json.loads(self.path.read_text())
        self.path.write_text(json.dumps(data | changed, separators=(",", ":")))
        return self

    def load(self, later: float = 5.0) -> StateFile:
        """Begin the second life so many seconds after the end of the first."""
        file = self.file()
        file.load(self.after, self.saved_at + later)
        return file


@pytest.fixture
def restart(tmp_path: Path) -> Restart:
    """A restart whose state is in a folder of its own."""
    return Restart(tmp_path / "pdwatch.state")


def speeds(service: ServiceState) -> list[float | None]:
    """Return the learned speed of each prefill engine."""
    return [e.prefill_tokens_per_second for w in service.workers if w.role is Role.PREFILL for e in w.engines]


def test_what_was_learned_is_there_at_the_first_look_of_the_next_life(restart: Restart) -> None:
    """Speeds and decisions with the first page, capacities with the second, the same advice all along."""
    last = restart.last
    restart.save().load()
    first = watch(restart.after, restart.fleet, 5.0)
    second = watch(restart.after, restart.fleet, 5.0)

    assert None not in speeds(first)
    assert last.decisions == first.decisions == second.decisions
    assert last.advice.action is first.advice.action is second.advice.action
    assert [] == restart.said
    assert {bound.bound for bound in last.advice.bounds} == {bound.bound for bound in second.advice.bounds}


def test_without_a_file_the_first_look_knows_nothing(restart: Restart) -> None:
    """Silently: that is how every first start is."""
    restart.load()
    first = watch(restart.after, restart.fleet, 5.0)

    assert [None, None] == speeds(first)
    assert [first.advice.action] == [decision.action for decision in first.decisions]
    assert [] == restart.said


def test_demand_of_long_ago_says_nothing_of_now(restart: Restart) -> None:
    """After an hour speeds and history are as good as ever, demand and the advice that rested on it are not."""
    restart.save().load(later=3600.0)
    kept = restart.after.memory()[SERVICE]

    assert {} == kept["demand"]
    assert restart.before.memory()[SERVICE]["decisions"] == kept["decisions"]
    assert restart.before.memory()[SERVICE]["speeds"] == kept["speeds"]


def test_a_file_from_the_future_has_no_demand_either(restart: Restart) -> None:
    """The clock was set back between the two lives."""
    restart.save().load(later=-50.0)

    assert {} == restart.after.memory()[SERVICE]["demand"]
    assert [] == restart.said


def test_services_that_are_not_seen_again_yet_are_kept(restart: Restart) -> None:
    """Their workers may be found later; a file written meanwhile still has them."""
    restart.save().load().save(restart.after, restart.saved_at + 10.0)

    assert json.loads(restart.path.read_text())["services"] == json.loads(json.dumps(restart.before.memory()))


Damage = Callable[[Restart], object]
DAMAGES: dict[str, tuple[Damage, str, bool]] = {
    "torn": (lambda r: r.path.write_text(r.path.read_text()[:-100]), "it is torn: ", True),
    "empty": (lambda r: r.path.write_text(""), "it is no state of pdwatch", False),
    "bytes": (lambda r: r.path.write_bytes(bytes(range(256))), "it is no state of pdwatch", False),
    "yaml": (lambda r: r.path.write_text("services: {r1: {}}\n"), "it is no state of pdwatch", False),
    "other JSON": (lambda r: r.path.write_text('{"services":[]}'), "it is no state of pdwatch", False),
    "a list": (lambda r: r.path.write_text("[1,2]"), "it is no state of pdwatch", False),
    "deep": (lambda r: r.path.write_text("[" * 100_000), "recursion", False),
    "future": (lambda r: r.change(version=VERSION + 1), f"it has version {VERSION + 1}, this pdwatch reads", False),
    "changed": (lambda r: r.change(services={SERVICE: {"speeds": 5}}), f"service '{SERVICE}' is not readable", True),
    "no services": (lambda r: r.change(services=None), "it is no state of pdwatch", True),
}


@pytest.mark.parametrize(("damage", "words", "ours"), DAMAGES.values(), ids=DAMAGES)
def test_a_file_that_cannot_be_used_is_told_in_one_line(
    restart: Restart, damage: Damage, words: str, ours: bool
) -> None:
    """It stops nothing. What is no state of this version is never written over; a damaged one of ours is."""
    damage(restart.save())
    before = restart.path.read_bytes()
    file = restart.load()
    first = watch(restart.after, restart.fleet, 5.0)
    file.save(restart.after, restart.saved_at + 10.0)

    assert 1 == len(restart.said)
    assert "\n" not in restart.said[0]
    assert restart.said[0].startswith(f"begins without the state of {restart.path}: ")
    assert words in restart.said[0]
    assert ours == ("left as it is" not in restart.said[0])
    assert [None, None] == speeds(first)
    assert ours == (before != restart.path.read_bytes())


def test_a_foreign_file_that_was_removed_gives_its_place(restart: Restart) -> None:
    """The mend that the line names works without a restart."""
    restart.path.write_text("services: {}")
    file = restart.load()
    file.save(restart.before, restart.saved_at)
    assert "services: {}" == restart.path.read_text()

    restart.path.unlink()
    file.save(restart.before, restart.saved_at)
    assert VERSION == json.loads(restart.path.read_text())["version"]


def test_a_folder_in_its_place_is_told(restart: Restart) -> None:
    """And is no reason to stop."""
    restart.path.mkdir()
    restart.load().save(restart.before, restart.saved_at)

    assert 1 == len(restart.said)
    assert "Is a directory; it is left as it is" in restart.said[0]
    assert [restart.path] == list(restart.path.parent.iterdir())


@pytest.mark.parametrize("folder", ["absent", "file"])
def test_a_place_that_cannot_be_written_is_told_once(tmp_path: Path, folder: str) -> None:
    """Not once a minute, and once when it works again; anew where it fails anew."""
    (tmp_path / "file").write_text("")
    restart = Restart(tmp_path / folder / "pdwatch.state")
    file = restart.load()
    for minute in range(5):
        file.keep(restart.before, restart.saved_at + 60.0 * minute)

    assert 1 == len(restart.said)
    assert re.fullmatch(rf"cannot keep its state in {restart.path}: [A-Z][\w ]+", restart.said[0])
    (tmp_path / folder).unlink(missing_ok=True)
    (tmp_path / folder).mkdir()
    file.keep(restart.before, restart.saved_at + 600.0)
    restart.path.unlink()
    (tmp_path / folder).rmdir()
    file.keep(restart.before, restart.saved_at + 900.0)
    assert f"keeps its state in {restart.path} again" == restart.said[1]
    assert [f"cannot keep its state in {restart.path}: No such file or directory"] == restart.said[2:]


def test_it_is_written_once_a_minute(restart: Restart) -> None:
    """At the first tick, then when it is a minute old, and at once after the clock was set back."""
    file, written = restart.file(), []
    for second in (0.0, 5.0, SAVE_SECONDS - 1.0, SAVE_SECONDS, SAVE_SECONDS + 5.0, 20.0):
        restart.path.unlink(missing_ok=True)
        file.keep(restart.before, restart.saved_at + second)
        if restart.path.exists():
            written.append(second)

    assert [0.0, SAVE_SECONDS, 20.0] == written


def test_nothing_is_left_beside_it(restart: Restart) -> None:
    """It is written whole under another name and then takes the place of the old one."""
    restart.save().save()

    assert [restart.path] == list(restart.path.parent.iterdir())


Serve = Callable[[Path], "contextlib.AbstractContextManager[httpx.Client]"]


@pytest.fixture
def fleet_urls() -> Iterator[dict[str, Any]]:
    """The URLs of a healthy fleet on loopback, whose processes began long ago, at twenty times its pace."""
    ready, stop, found = threading.Event(), threading.Event(), {}

    async def serve() -> None:
        running = await start_fleet(SCENARIOS["healthy"], speed=20.0, epoch=time.time() - 3600.0)
        found.update(running.urls)
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.05)
        await running.aclose()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait(30)
    yield found
    stop.set()
    thread.join()


@pytest.fixture
def serve(fleet_urls: dict[str, Any]) -> Serve:
    """Run `pdwatch serve` on that fleet with a state file until the context is left; it must end well."""

    @contextlib.contextmanager
    def serve(path: Path) -> Iterator[httpx.Client]:
        flags = ["--listen", "127.0.0.1:0", "--interval", "500ms", "--state-file", str(path)]
        workers = ["--prefill", *fleet_urls["prefill"], "--decode", *fleet_urls["decode"]]
        command = [sys.executable, "-m", "pdwatch", "serve", *flags, *workers]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = iter(process.stderr.readline, "")
            begun = next((match for line in said if (match := re.search(r"^pdwatch serve: (http://\S+) ", line))), None)
            assert begun is not None
            try:
                with httpx.Client(base_url=begun[1], timeout=20, trust_env=False) as client:
                    yield client
            finally:
                process.terminate()
                lines = process.stderr.read().splitlines()
        assert (0, ["pdwatch serve: stopped"]) == (process.returncode, [line for line in lines if "serve" in line])

    return serve


def first_with(client: httpx.Client, what: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Return the service of the first snapshot of which *what* is true."""
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        answer = client.get("/api/v1/snapshot")
        services: dict[str, Any] = answer.json()["services"] if answer.status_code == 200 else {}
        if services and what(services[SERVICE]):
            found: dict[str, Any] = services[SERVICE]
            return found
        time.sleep(0.05)
    pytest.fail("it never came")


def learned(service: dict[str, Any]) -> bool:
    """Tell whether the speed of every prefill engine is known."""
    engines = [e for w in service["workers"] if w["role"] == "prefill" for e in w["engines"]]
    return bool(engines) and all(engine["prefill_tokens_per_second"] for engine in engines)


def test_a_serve_that_is_started_again_goes_on_where_it_was(serve: Serve, tmp_path: Path) -> None:
    """Stopped as a service manager does and started anew: its first snapshot has decisions and learned speeds."""
    path = tmp_path / "pdwatch.state"
    with serve(path) as client:
        before = first_with(client, lambda service: learned(service) and service["advice"]["bounds"])
    with serve(path) as client:
        after = first_with(client, lambda service: service["workers"])

    assert before["decisions"]
    assert before["decisions"][0]["at"] == after["decisions"][0]["at"]
    assert learned(after)
