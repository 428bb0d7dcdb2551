"""promtool's unit tests, made from the short cases beside this file, and where everything lies."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from pdwatch.generate.alerts import ALERTS, BY_NAME
from pdwatch.generate.alerts.definition import Alert, Board, Component
from pdwatch.generate.alerts.itself import WATCHDOG
from pdwatch.generate.options import Options

ROOT = Path(__file__).parents[3]
CASES = Path(__file__).parent / "cases"
RULES = "../../../alerts/{}.yaml"
"""Committed rules, as seen from the folder of the golden files."""
FLEETS, FINDINGS = "fleets", "findings"
Json = dict[str, Any]
_LABEL = re.compile(r"\{\{ \$labels\.(\w+)(?: \| urlquery)? \}\}")


class _Texts(yaml.SafeLoader):
    """Takes every scalar as it is written: `0x9` is ten zeros, not nine."""

    yaml_implicit_resolvers: ClassVar[Json] = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}


class Cases:
    """All cases, and the files that promtool reads."""

    def __init__(self) -> None:
        self.files: dict[str, Json] = {
            path.stem: yaml.load(path.read_text(), _Texts) for path in sorted(CASES.glob("*.yaml"))
        }

    def of(self, kind: str) -> dict[str, list[Json]]:
        """Return the cases of each alert that it `fires` or stays `silent`."""
        return {
            entry["alert"]: list(entry[kind].values())
            for content in self.files.values()
            for entry in content.get("cases", ())
        }

    def promtool(self) -> dict[str, str]:
        """Return promtool's test files by name."""
        return {name: self._promtool(name, content) for name, content in self.files.items()}

    def _promtool(self, name: str, content: Json) -> str:
        whole = {
            "rule_files": [RULES.format(rules) for rules in content["rules"]],
            "evaluation_interval": content["evaluate"],
            "tests": list(self._tests(name, content)),
        }
        return yaml.safe_dump(whole, sort_keys=False, width=1000)

    def _tests(self, name: str, content: Json) -> Iterator[Json]:
        if name == FLEETS:
            yield from (_fleet(title, series, content) for title, series in content["fleets"].items())
        elif name == FINDINGS:
            yield from (_findings(title, case, content) for title, case in content["findings"].items())
        for entry in content.get("cases", ()):
            for kind in ("fires", "silent"):
                yield from (_case(entry["alert"], title, case, content) for title, case in entry[kind].items())


def _case(name: str, title: str, case: Json, content: Json) -> Json:
    told = case.get("several", [case] if "labels" in case else [])
    expected = [_expected(BY_NAME[name], each["labels"], each["says"]) for each in told]
    alerts = [{"eval_time": case["at"], "alertname": name, "exp_alerts": expected}]
    return _group(f"{name}: {title}", case["series"], alerts, content["interval"])


def _fleet(title: str, series: Mapping[str, str], content: Json) -> Json:
    quiet = [alert.name for alert in ALERTS if alert.name != WATCHDOG]
    alerts = [{"eval_time": at, "alertname": name, "exp_alerts": []} for at in content["times"] for name in quiet]
    return _group(title, series, alerts, content["interval"])


def _findings(title: str, case: Json, content: Json) -> Json:
    """Every finding in the same situation."""
    series, alerts = {}, []
    for alert in ALERTS:
        if alert.finding is not None:
            severity = case.get("severity", alert.severity)
            labels = f'service="s",finding="{alert.finding}",severity="{severity}"'
            series |= {key.replace("LABELS", labels): values for key, values in case["series"].items()}
            told = {"service": "s", "finding": alert.finding, "severity": severity}
            fires = [_expected(alert, told, f"{case['says']} {alert.fix}")] if "says" in case else []
            alerts.append({"eval_time": case["at"], "alertname": alert.name, "exp_alerts": fires})
    return _group(title, series, alerts, content["interval"])


def _values(short: str) -> str:
    """Return promtool's notation, in which `0x9` would be a hexadecimal number and `NaNx9` none at all."""
    text = re.sub(r"(?<![\w+])0x(\d+)", r"0+0x\1", short)
    return re.sub(r"NaNx(\d+)", lambda found: " ".join(["NaN"] * (int(found[1]) + 1)), text)


def _group(title: str, series: Mapping[str, str], alerts: list[Json], interval: str) -> Json:
    inputs = [{"series": name, "values": _values(values)} for name, values in series.items()]
    return {"name": title, "interval": interval, "input_series": inputs, "alert_rule_test": alerts}


def _expected(alert: Alert, labels: Mapping[str, str], says: str) -> Json:
    own = {"component": alert.component.value}
    if alert.component is not Component.FINDING:
        own["severity"] = labels.get("severity", alert.severity)
    linked = "service" in labels and alert.board is not Board.GPUS and alert.component is not Component.PDWATCH
    variables = f"?var-service={labels['service']}" if linked else ""
    options = Options()
    return {
        "exp_labels": {**labels, **own},
        "exp_annotations": {
            "summary": _LABEL.sub(lambda found: str(labels[found[1]]), alert.summary),
            "description": says,
            "runbook_url": f"{options.runbook_base}/{alert.id}.md",
            "dashboard_url": f"{options.grafana}/d/{alert.board.value}{variables}",
        },
    }


@pytest.fixture(scope="session")
def cases() -> Cases:
    """Everything in the folder `cases`."""
    return Cases()


@pytest.fixture(scope="session")
def root() -> Path:
    """The top level of the project."""
    return ROOT


def run(name: str, *arguments: object) -> str:
    """Return what a program says; fails where it complains. Without it the test skips, or fails under REQUIRE_LIVE."""
    path = shutil.which(name)
    if path is None:
        (pytest.fail if os.environ.get("REQUIRE_LIVE") == "1" else pytest.skip)(f"{name} is not installed")
    command = [path, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert 0 == done.returncode, (done.stdout + done.stderr)[-8000:]
    return done.stdout


@pytest.fixture(scope="session")
def promtool() -> Callable[..., str]:
    """Run promtool."""
    return partial(run, "promtool")


@pytest.fixture(scope="session")
def amtool() -> Callable[..., str]:
    """Run amtool."""
    return partial(run, "amtool")
