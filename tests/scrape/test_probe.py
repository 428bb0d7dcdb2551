"""What `/health` and `/version` of a worker become."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from pdwatch.model.target import Role
from pdwatch.scrape.settings import TransportSettings
from pdwatch.scrape.transport import Fetcher, Probe

SILENCE = (0, "")
BROKEN = (1, "")
VERSION = (200, '{"version":"0.33.0"}')


def loads(mode):
    """Return SGLang's answer of `/v1/loads` on a worker in this mode."""
    return 200, f'{{"version":"0.5.23","loads":[{{"dp_rank":0,"disaggregation":{{"mode":"{mode}"}}}}]}}'


def handler(status, text):
    """Return a handler with this answer; `SILENCE` never answers, `BROKEN` closes the connection."""

    async def handle(request):
        if (status, text) == SILENCE:
            await asyncio.Event().wait()
        if (status, text) == BROKEN:
            request.transport.close()
        return web.Response(status=status, text=text)

    return handle


def probed(serve, answers, timeout=30.0):
    async def scenario():
        routes = {path: handler(*answer) for path, answer in answers.items()}
        async with serve(routes) as base, Fetcher(TransportSettings(timeout=timeout)) as fetcher:
            return await fetcher.probe(base)

    return asyncio.run(scenario())


PROBES = {
    "well": ({"/health": (200, ""), "/version": VERSION}, Probe(200, "0.33.0")),
    "engine dead": ({"/health": (503, ""), "/version": VERSION}, Probe(503, "0.33.0")),
    "no version": ({"/health": (200, "")}, Probe(200, None)),
    "neither": ({}, Probe(404, None)),
    "HTML": ({"/health": (200, ""), "/version": (200, "<html>")}, Probe(200, None)),
    "odd version": ({"/health": (200, ""), "/version": (200, '{"version":[1]}')}, Probe(200, None)),
    "version with control characters": ({"/health": (200, ""), "/version": (200, '{"version":"\\u001b"}')}, Probe(200)),
    "SGLang on decode": (
        {"/health": (200, ""), "/v1/loads": loads("decode")},
        Probe(200, "0.5.23", Role.DECODE),
    ),
    "SGLang that serves both": (
        {"/health": (200, ""), "/v1/loads": loads("null")},
        Probe(200, "0.5.23", Role.BOTH),
    ),
    "SGLang of a kind of its own": (
        {"/health": (200, ""), "/v1/loads": loads("encode")},
        Probe(200, "0.5.23"),
    ),
    "SGLang that is not disaggregated": (
        {"/health": (200, ""), "/v1/loads": (200, '{"version":"0.5.23","loads":[{"dp_rank":0}]}')},
        Probe(200, "0.5.23"),
    ),
    "version fails": ({"/health": (200, ""), "/version": BROKEN}, Probe(200, None)),
}


@pytest.mark.parametrize(("answers", "probe"), PROBES.values(), ids=PROBES)
def test_a_probe_tells_health_and_version_apart(serve, answers, probe):
    """A server without `/version` is healthy all the same."""
    assert probe == probed(serve, answers)


def test_a_worker_that_hangs_has_no_health_to_tell(serve):
    """No status is not a bad status."""
    answers = {"/health": SILENCE, "/version": VERSION}

    assert Probe(error="timed out after 0.3s") == probed(serve, answers, timeout=0.3)
