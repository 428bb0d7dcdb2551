"""`pdwatch check` on fleets with different stories: its words and its exit status."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.live

STORIES = ("healthy", "decode_bound", "prefill_bound", "failing_transfer")
SPEED = 40.0
"""The stories unfold within a few seconds."""
QUEUED = 30


class Checked:
    """A check that has ended."""

    def __init__(self, program):
        self.status = program.wait()
        self.text = "".join(program.out)
        self.words = " ".join(self.text.split())
        self.err = program.err


@pytest.fixture(scope="module")
def fleets(fleet_of):
    """One fleet for each story, those with a shortage deep in it."""
    fleets = {story: fleet_of(story, speed=SPEED) for story in STORIES}
    fleets["decode_bound"].wait_until_queued("decode-0", QUEUED)
    fleets["prefill_bound"].wait_until_queued("prefill-0", QUEUED)
    return fleets


@pytest.fixture(scope="module")
def checks(fleets, pdwatch):
    """What check says of each, all looked at side by side, and of a fleet that nobody has started."""
    running = {story: pdwatch("check", *fleet.flags, "--for", "5s") for story, fleet in fleets.items()}
    running["json"] = pdwatch("check", *fleets["failing_transfer"].flags, "--for", "5s", "--format", "json")
    nobody = ("--prefill", "http://127.0.0.1:1", "--decode", "http://127.0.0.1:2")
    running["nobody"] = pdwatch("check", *nobody, "--for", "3s")
    running["glance"] = pdwatch("check", *fleets["healthy"].flags, "--for", "0s")
    return {story: Checked(program) for story, program in running.items()}


def test_a_healthy_fleet(checks):
    """Nothing found is exit 0, and what was looked at is told."""
    check = checks["healthy"]

    assert 0 == check.status
    assert "default: HOLD" in check.words
    assert "prefill: 2/2 up" in check.words
    assert "decode: 2/2 up" in check.words
    assert "No findings." in check.words


def test_a_fleet_whose_decode_is_too_small(checks):
    """A shortage is a warning, exit 1, with the side that is short and how many replicas it needs."""
    check = checks["decode_bound"]

    assert 1 == check.status
    assert "default: SCALE_DECODE" in check.words
    assert "WARNING kv_cache_saturated: The KV cache of decode is" in check.words
    assert "decode: 2 replicas ->" in check.words
    assert "CRITICAL" not in check.words


def test_a_fleet_whose_prefill_is_too_small(checks):
    """What waits on prefill is a shortage of prefill: the look is long enough to see the rates, and says so."""
    check = checks["prefill_bound"]

    assert "default: SCALE_PREFILL" in check.words
    assert "prefill: 2 replicas ->" in check.words
    assert "scale_decode" not in check.words.lower()


def test_a_fleet_whose_transfers_fail(checks):
    """What loses requests is critical, exit 2, with its evidence and its mend, before everything less severe."""
    check = checks["failing_transfer"]

    assert 2 == check.status
    assert "default: FIX" in check.words
    assert "CRITICAL kv_transfer_failing: KV transfers fail:" in check.words
    assert "with it: critical requests_failing:" in check.words
    assert "evidence: kv_transfer_failures_per_second" in check.words
    assert "do: Check that decode reaches prefill's side channel" in check.words
    assert "WARNING" not in check.words.partition("CRITICAL")[0]


def test_findings_for_programs(checks):
    """As JSON it is the snapshot, one line, with the same exit status."""
    check = checks["json"]
    service = json.loads(check.text)["services"]["default"]

    assert 2 == check.status
    assert 1 == len(check.text.splitlines())
    assert "fix" == service["advice"]["action"]
    assert {"kv_transfer_failing", "requests_failing"} <= {finding["finding"] for finding in service["findings"]}


def test_a_fleet_that_is_not_there(checks):
    """Roles of which nobody answers are critical, and the workers are named below them."""
    check = checks["nobody"]

    assert 2 == check.status
    assert "CRITICAL role_empty: No decode worker answers (1 known)" in check.words
    assert "also: No prefill worker answers (1 known)" in check.words
    assert "critical worker_down: 127.0.0.1:1 is down: connection refused" in check.words


def test_a_glance_is_an_answer(checks):
    """A look of no length still asks every worker once."""
    check = checks["glance"]

    assert 0 == check.status
    assert "prefill: 2/2 up" in check.words


def test_narration_is_apart_from_data(checks):
    """Standard error has the one line that tells how long it takes, and no traceback."""
    assert ["pdwatch check: looking for 5s\n"] == checks["json"].err
    assert [] == [line for check in checks.values() for line in check.err if "Traceback" in line]


def test_a_running_serve_is_asked_instead(fleets, serve_of, pdwatch):
    """With `--connect` the findings are those of the serve, at once."""
    serve = serve_of(*fleets["failing_transfer"].flags)
    serve.wait_for(lambda one: one["services"]["default"]["findings"], "a finding of serve")
    check = Checked(pdwatch("check", "--connect", serve.url))

    assert 2 == check.status
    assert "kv_transfer_failing" in check.words


def test_a_serve_that_is_not_there_is_one_line(pdwatch):
    """The address that was asked is named with the mend."""
    check = Checked(pdwatch("check", "--connect", "http://127.0.0.1:1"))

    assert (2, "") == (check.status, check.text)
    assert 1 == len(check.err)
    assert check.err[0].startswith("pdwatch check: cannot ask http://127.0.0.1:1: ")
    assert "start pdwatch serve" in check.err[0]
