"""`pdwatch serve`: collect, judge, export."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import uvloop

from pdwatch.cli.clock import ClockWatch, unix_time
from pdwatch.cli.daemon import Daemon
from pdwatch.cli.errors import UsageError
from pdwatch.cli.localhost import LocalHost
from pdwatch.cli.narration import Narrator, say
from pdwatch.cli.protection import protect
from pdwatch.cli.settings import require_targets, resolve
from pdwatch.cli.statefile import StateFile
from pdwatch.config.errors import ConfigError
from pdwatch.config.model import Config
from pdwatch.config.urls import listen_address
from pdwatch.export.app import create_app
from pdwatch.export.hub import SnapshotHub
from pdwatch.export.reload import Reloader, ReloadError
from pdwatch.export.server import ListenError, Server
from pdwatch.model.snapshot import Snapshot
from pdwatch.scrape.credentials import CredentialsError


@dataclass(frozen=True, slots=True)
class Program:
    """What a command serves."""

    name: str
    """`pdwatch serve`, in front of every line of narration."""
    configure: Callable[[], Config]
    """Reads the configuration, at the start and for each reload. Raises `ConfigError` or `UsageError`."""
    local: Callable[[], LocalHost] | None = None
    """Makes what watches the own host."""


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; SIGHUP loads the configuration again.

    Raises `UsageError` or `ConfigError` where it cannot begin.
    """

    def configure() -> Config:
        config = resolve(args, os.environ)
        require_targets(config)
        return config

    return run_program(Program("pdwatch serve", configure, LocalHost))


def run_program(program: Program) -> int:
    """Serve until SIGINT or SIGTERM and return the exit status. Raises `UsageError` or `ConfigError`."""
    config = program.configure()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(program, config))
    except (ListenError, CredentialsError) as error:
        raise UsageError(str(error)) from error
    return 0


async def _serve(program: Program, config: Config) -> None:
    stop = asyncio.Event()
    async with serving(program, config) as server:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        say(f"{program.name}: {server.url} (metrics at {server.url}metrics)")
        await stop.wait()
    say(f"{program.name}: stopped")


@contextlib.asynccontextmanager
async def serving(program: Program, config: Config) -> AsyncIterator[Server]:
    """Collect and serve within the context. Raises `ListenError` or `UsageError` before anything is collected."""
    hub, narrator = SnapshotHub(), Narrator()
    clock = ClockWatch(lambda line: say(f"{program.name}: {line}"))
    state = _state(program, config)
    middleware, tls = protect(config.web, lambda line: say(f"{program.name}: {line}"))

    def publish(snapshot: Snapshot) -> None:
        hub.publish(snapshot)
        narrator.hear(snapshot)
        clock.look()
        if state is not None:
            state.keep(daemon.road, snapshot.t)

    daemon = Daemon(config, unix_time, publish, local=program.local() if program.local is not None else None)
    reloader = Reloader(lambda: _reload(program, daemon), unix_time, unix_time())
    server = Server(
        create_app(hub, reloader=reloader, clock=unix_time, middleware=middleware), on_stop=hub.close, tls=tls
    )
    async with contextlib.AsyncExitStack() as ends:
        await server.start(*listen_address(config.listen))
        ends.push_async_callback(server.stop)
        _reload_on_hangup(reloader)
        spare_garbage_collection()
        if state is not None:
            state.load(daemon.road, unix_time())
            ends.callback(lambda: state.save(daemon.road, unix_time()))
        ends.push_async_callback(daemon.stop)
        await daemon.start()
        yield server


def _state(program: Program, config: Config) -> StateFile | None:
    if config.state_file is None:
        return None
    return StateFile(config.state_file, lambda line: say(f"{program.name}: {line}"))


def spare_garbage_collection() -> None:
    """Look for reference cycles seldom: readings have none, and a full look at a large fleet's takes 50 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _reload(program: Program, daemon: Daemon) -> None:
    before = daemon.config
    try:
        await daemon.reload(program.configure())
    except (ConfigError, CredentialsError, UsageError) as error:
        say(f"{program.name}: kept the old configuration: {error}")
        raise ReloadError(str(error)) from error
    say(f"{program.name}: configuration loaded again")
    if daemon.config.listen != before.listen:
        say(f"{program.name}: still listening on {before.listen}; restart to listen on {daemon.config.listen}")


def _reload_on_hangup(reloader: Reloader) -> None:
    tasks: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        with contextlib.suppress(ReloadError):  # told already
            await reloader.reload()

    def begin() -> None:
        task = asyncio.create_task(reload(), name="reload")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, begin)
