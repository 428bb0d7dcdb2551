"""promtool, the rule engine of Prometheus, on every alert: it fires when it should, and is silent when it should."""

from __future__ import annotations

import pytest

from pdwatch.generate.alerts import ALERTS
from pdwatch.generate.alerts.files import alert_files
from pdwatch.generate.alerts.itself import WATCHDOG
from pdwatch.generate.options import Options
from pdwatch.generate.rules.files import rule_files

FOLDER = "promtool"


def test_the_files_of_promtool_are_made_of_the_cases(golden, cases):
    """What promtool reads is committed, so that it can be read and run by hand."""
    for name, content in cases.promtool().items():
        golden.check(f"{FOLDER}/{name}.yaml", content.encode())


def test_every_alert_fires_and_stays_silent_as_its_cases_say(promtool, golden, cases):
    """With labels, words and links; in all situations at once."""
    out = promtool("test", "rules", *(golden.folder / FOLDER / f"{name}.yaml" for name in cases.files))

    assert "SUCCESS" in out


def test_the_rules_are_valid(promtool, root):
    """Syntax, templates and names, with every lint that promtool has."""
    files = sorted((root / "alerts").glob("pdwatch-*.yaml"))
    out = promtool("check", "rules", "--lint=all", "--lint-fatal", *files)

    assert len(files) == out.count("SUCCESS") == 5


def test_the_rules_are_valid_whatever_is_chosen(promtool, tmp_path):
    """Other labels, other waits, for an old Prometheus."""
    options = Options(keep=("cluster", "region"), scale_for=0.01, keep_firing_for=False, window="90s")
    files = {**alert_files(options), **rule_files(options)}
    for name in [name for name in files if name.startswith("pdwatch-")]:
        (tmp_path / name).write_text(files[name])

    assert 5 == promtool("check", "rules", "--lint=all", "--lint-fatal", *tmp_path.iterdir()).count("SUCCESS")


@pytest.mark.parametrize("kind", ["fires", "silent"])
def test_every_alert_has_its_cases(cases, kind):
    """Alerts of findings share theirs; each other one has a case that it fires and one that it stays silent."""
    with_cases = {name for name, found in cases.of(kind).items() if found}
    always = {WATCHDOG} if kind == "silent" else set()

    assert {alert.name for alert in ALERTS if alert.finding is None} - always == with_cases
