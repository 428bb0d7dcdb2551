"""One look at a fleet: from a running serve, or by scraping it for a short while."""

from __future__ import annotations

import asyncio
import json
import time

from pdwatch.cli.attaching import ask
from pdwatch.cli.daemon import Daemon
from pdwatch.cli.errors import UsageError
from pdwatch.cli.localhost import LocalHost
from pdwatch.config.model import Config
from pdwatch.model.decode import snapshot_from_json
from pdwatch.model.snapshot import Snapshot
from pdwatch.top.connection import Connection

INTERVAL_SECONDS = 2.0
"""Between two scrapes of a look; shorter than a daemon's, so that rates are known soon."""
PATIENT_SECONDS = 60.0
"""A look of this length names findings as a daemon does, a shorter one as much sooner."""


def look_direct(config: Config, seconds: float) -> Snapshot:
    """Scrape for *seconds* and return the last snapshot. Raises what the daemon raises when it cannot begin.

    Its advice is the last answer: waiting for a change to stand is for those who watch on. For the same reason a
    finding needs less time to be one, and a worker that does not answer counts as down, not as starting.
    """
    interval = min(INTERVAL_SECONDS, config.scrape.interval)
    timeout = min(config.scrape.timeout, 0.6 * interval)
    scrape = config.scrape.model_copy(update={"interval": interval, "timeout": timeout})
    thresholds = config.thresholds.overridden(
        {
            "advice_seconds": 0.0,
            "startup_seconds": 0.0,
            "onset_factor": config.thresholds.onset_factor * min(1.0, seconds / PATIENT_SECONDS),
        }
    )
    return asyncio.run(_watch(config.model_copy(update={"scrape": scrape, "thresholds": thresholds}), seconds))


async def _watch(config: Config, seconds: float) -> Snapshot:
    latest: list[Snapshot] = []
    arrived = asyncio.Event()

    def keep(snapshot: Snapshot) -> None:
        latest[:] = [snapshot]
        arrived.set()

    daemon = Daemon(config, time.time, keep, local=LocalHost())
    await daemon.start()
    try:
        await asyncio.sleep(seconds)
        await arrived.wait()
    finally:
        await daemon.stop()
    return latest[0]


def look_connected(connection: Connection) -> Snapshot:
    """Return the newest snapshot of a running serve. Raises `UsageError` when there is none."""
    answer = asyncio.run(ask(connection, "/api/v1/snapshot"))
    try:
        return snapshot_from_json(json.loads(answer))
    except ValueError as error:
        raise UsageError(f"cannot read what {connection.url} answers: {error}; is it pdwatch serve?") from error
