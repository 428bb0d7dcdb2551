"""`pdwatch demo`: the whole product on one machine, without a GPU."""

from __future__ import annotations

import json
import re

import httpx
import pytest

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def demo(pdwatch):
    """A demo with serve that ends by itself, on free ports."""
    flags = ("--scenario", "failing_transfer", "--speed", "10", "--port", "0", "--listen", "127.0.0.1:0")
    return pdwatch("demo", *flags, "--serve", "--for", "6s")


def test_it_shows_the_fleet_a_verdict_and_ends(demo):
    """It prints where the fleet is as JSON, tells where to look, what to expect and what pdwatch found, and ends."""
    serve = demo.line(r"look at (http://\S+), or run: pdwatch top --connect \1")[1]
    page = httpx.get(serve, trust_env=False)
    status = demo.wait()
    urls = json.loads("".join(demo.out))
    told = "".join(demo.err)

    assert 0 == status
    assert 200 == page.status_code
    assert (2, 2) == (len(urls["prefill"]), len(urls["decode"]))
    assert "pdwatch demo: expected: fix: KV transfers fail\n" in demo.err
    assert re.search(r"^\d\d:\d\d:\d\d demo: fix: KV transfers fail: ", told, re.MULTILINE)
    assert "pdwatch demo: stopped\n" == demo.err[-1]
    assert "Traceback" not in told


def test_all_stories_are_listed(pdwatch):
    """`--list` names each scenario and what it shows."""
    program = pdwatch("demo", "--list")

    assert 0 == program.wait()
    assert any(re.match(r"decode_bound +long answers: ", line) for line in program.out)


def test_a_wrong_story_is_one_line(pdwatch):
    """A scenario that is none is answered with the nearest one."""
    program = pdwatch("demo", "--scenario", "decode_bund")

    assert 2 == program.wait()
    assert ["pdwatch demo: --scenario 'decode_bund' is not one of them; did you mean decode_bound?\n"] == program.err


def test_a_taken_port_is_one_line(pdwatch, fleet):
    """A port that is in use is named with the mend, and nothing is left running."""
    port = fleet.urls["router"].rpartition(":")[2]
    program = pdwatch("demo", "--port", port)

    assert 2 == program.wait()
    assert 1 == len(program.err)
    assert program.err[0].startswith(f"pdwatch demo: --port {port}: ")
    assert [] == program.out
