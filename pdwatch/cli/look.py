"""One look at a fleet by scraping it for a short while."""

from __future__ import annotations

import asyncio

from pdwatch.cli.clock import unix_time
from pdwatch.cli.daemon import Daemon
from pdwatch.cli.localhost import LocalHost
from pdwatch.config.model import Config
from pdwatch.model.snapshot import Snapshot

INTERVAL_SECONDS = 2.0
"""Between two scrapes of a look; shorter than a daemon's, so that rates are known soon."""
PATIENT_SECONDS = 60.0
"""A look of this length names findings as a daemon does, a shorter one as much sooner."""


def look_direct(config: Config, seconds: float) -> Snapshot:
    """Scrape for *seconds* and return the last snapshot. Raises what the daemon raises when it cannot begin.

    Its advice is the last answer: waiting for a change to stand is for those who watch on. For the same reason a
    finding needs less time to be one, and a worker that does not answer counts as down, not as starting. Pages that a
    Prometheus tells come no sooner than it scrapes, so the interval is kept then.
    """
    told = any(entry.prometheus is not None for entry in config.discovery)
    interval = config.scrape.interval if told else min(INTERVAL_SECONDS, config.scrape.interval)
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

    daemon = Daemon(config, unix_time, keep, local=LocalHost())
    await daemon.start()
    try:
        await asyncio.sleep(seconds)
        await arrived.wait()
    finally:
        await daemon.stop()
    return latest[0]
