"""The running serve that a command asks: which one, what lets the command in, and what it answers."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from functools import partial

import httpx

from pdwatch.cli.errors import UsageError
from pdwatch.cli.flags import SOURCES
from pdwatch.cli.settings import resolve
from pdwatch.config.client import request_headers, ssl_context
from pdwatch.config.model import DEFAULT_LISTEN
from pdwatch.config.urls import service_url
from pdwatch.model.decode import snapshot_from_json
from pdwatch.model.snapshot import Snapshot
from pdwatch.top.connection import Connection

LOCAL_SERVE = f"http://{DEFAULT_LISTEN}"


def connection(args: argparse.Namespace, environ: Mapping[str, str]) -> Connection | None:
    """Return the way to the running serve to ask; None where workers on the command line, or a configuration file
    that names no serve, ask to scrape directly.

    Raises `UsageError` where both are asked for or the URL is none, and `ConfigError`.
    """
    workers = [flag.name for flag in SOURCES if getattr(args, flag.dest, None)]
    direct = [*workers, *(["--config"] if args.config else [])]
    if args.connect and direct:
        raise UsageError(f"--connect and {direct[0]} exclude each other; give one")
    if workers:
        return None
    config = resolve(args, environ)
    if args.config and config.connect.url is None:
        return None
    url = args.connect or environ.get("PDWATCH_CONNECT") or config.connect.url or LOCAL_SERVE
    try:
        return Connection(
            service_url(url), partial(request_headers, config.connect), partial(ssl_context, config.connect.tls)
        )
    except ValueError as error:
        raise UsageError(f"--connect: {error}") from error


async def ask(connection: Connection, path: str) -> bytes:
    """Return what a running serve answers. Raises `UsageError` with the mend where it does not."""
    try:
        async with connection.client() as client:
            answer = await client.get(path)
            answer.raise_for_status()
            return answer.content
    except (httpx.HTTPError, OSError, ValueError) as error:
        reason, mend = connection.failure(error)
        raise UsageError(f"cannot ask {connection.url}: {reason}; {mend}") from error


def look_connected(connection: Connection) -> Snapshot:
    """Return the newest snapshot of a running serve. Raises `UsageError` when there is none."""
    answer = asyncio.run(ask(connection, "/api/v1/snapshot"))
    try:
        return snapshot_from_json(json.loads(answer))
    except ValueError as error:
        raise UsageError(f"cannot read what {connection.url} answers: {error}; is it pdwatch serve?") from error
