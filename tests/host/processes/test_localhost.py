"""The host of pdwatch itself, when engines come and go on it."""

from __future__ import annotations

import asyncio
import shutil
import time

from pdwatch.cli.localhost import LocalHost
from pdwatch.config.load import from_mapping

DEADLINE = 60.0


def until(look):
    """Return the first value that *look* is content with."""
    end = time.monotonic() + DEADLINE
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def groups(reading):
    """Return the engine groups that a reading tells."""
    return reading.processes.groups if reading is not None and reading.processes is not None else ()


def test_a_host_whose_engines_ended_is_empty_and_not_stale(proc, tmp_path):
    """It is not told before the first engine, and goes on being told when the last one is gone."""
    paths = {"procfs": str(proc.root), "sysfs": str(tmp_path / "sys")}
    config = from_mapping({"path": paths, "scrape": {"interval": "50ms", "timeout": "40ms"}}, "test")

    async def watch():
        local = LocalHost(patience=DEADLINE)
        await local.use(config)
        try:
            before = local.reading()
            folder = proc.add(4711, ["/usr/bin/python3", "/usr/local/bin/vllm", "serve", "m"])
            there = await asyncio.to_thread(until, lambda: groups(local.reading()) and local.reading())
            shutil.rmtree(folder)
            gone = await asyncio.to_thread(until, lambda: not groups(local.reading()) and local.reading())
        finally:
            await local.stop()
        return before, there, gone

    before, there, gone = asyncio.run(watch())

    assert None is before
    assert 1 == len(groups(there))
    assert gone.at > there.at
