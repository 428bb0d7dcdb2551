"""Recording rules over engines' own metrics: every name, restarts, idleness, and what versions differ in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from pdwatch.engines.vllm import PREFIXES, ROWS
from pdwatch.generate.options import Options
from pdwatch.generate.rules import RECORDS
from pdwatch.generate.rules.files import rule_files
from pdwatch.generate.rules.spellings import selectors
from pdwatch.model.reading import Quantity

CASES = Path(__file__).parent / "cases.yaml"
FILE = "promtool/recording.yaml"
AT = "10m"


@pytest.fixture(scope="module")
def promtool():
    """Run promtool; without it the test skips, or fails under REQUIRE_LIVE."""
    path = shutil.which("promtool")
    if path is None:
        (pytest.fail if os.environ.get("REQUIRE_LIVE") == "1" else pytest.skip)("promtool is not installed")

    def run(*arguments):
        return subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)

    return run


def written(values):
    """Return promtool's notation of values that are none."""
    return re.sub(r"NaNx(\d+)", lambda found: " ".join(["NaN"] * (int(found[1]) + 1)), values)


def question(expression, expected):
    """Return a test of an expression: rounded values by role, or of the service where the role is empty."""
    samples = []
    for role, value in expected.items():
        labels = 'service="s"' + (f',role="{role}"' if role else "")
        name = "" if not expression.startswith("count") else labels.replace('service="s",', "")
        samples.append({"labels": "{" + (name or labels) + "}", "value": float(value)})
    return {"expr": f"round({expression}, 0.0001)", "eval_time": AT, "exp_samples": samples}


def promtool_file():
    """Return promtool's test file, made of the cases."""
    tests = [
        {
            "name": title,
            "interval": "30s",
            "input_series": [
                {"series": name.replace("{L,", '{service="s",'), "values": written(str(values))}
                for name, values in case["series"].items()
            ],
            "promql_expr_test": [question(*asked) for asked in case["asks"].items()],
        }
        for title, case in yaml.load(CASES.read_text(), yaml.BaseLoader).items()
    ]
    whole = {"rule_files": ["../../../alerts/pdwatch-recording.yaml"], "evaluation_interval": "1m", "tests": tests}
    return yaml.safe_dump(whole, sort_keys=False, width=1000)


def test_the_file_of_promtool_is_made_of_the_cases(golden):
    """It is committed, so that it can be read and run by hand."""
    golden.check(FILE, promtool_file().encode())


def test_records_are_as_the_cases_say(promtool, golden):
    """With every name that vLLM has had, over restarts, in idle services and mixed pools."""
    done = promtool("test", "rules", golden.folder / FILE)

    assert 0 == done.returncode, (done.stdout + done.stderr)[-6000:]


def test_every_name_of_a_quantity_is_asked_for():
    """Renames by version and prefixes by exporter, in the order in which pdwatch prefers them."""
    usage = selectors(Quantity.KV_CACHE_USAGE)
    names = [row.name for row in ROWS if row.quantity is Quantity.KV_CACHE_USAGE]

    assert [prefix + name for name in names for prefix in PREFIXES] == usage
    assert {"vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"} < set(usage)


def test_a_quantity_that_vllm_lacks_is_refused():
    """A rule over nothing would be silent for ever."""
    with pytest.raises(KeyError, match=r"vLLM does not export kv_cache_usage.* \(bucket\)"):
        selectors(Quantity.KV_CACHE_USAGE, "bucket")


def test_records_use_only_what_stands_before_them():
    """Rules of a group are evaluated in order."""
    known: set[str] = set()
    for record in RECORDS:
        used = set(re.findall(r"service\w*:\w+:\w+", record.expr))
        assert used <= known, record.name
        known.add(record.name)


def test_names_follow_the_convention_of_prometheus():
    """Level, metric, operation; and no two rules write the same series."""
    names = [record.name for record in RECORDS]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"service(_role)?(_worker_engine)?(_le)?:vllm_[a-z_]+:\w+", name) for name in names)


def test_the_window_is_the_one_that_was_chosen():
    """Everywhere, and no placeholder is left."""
    text = rule_files(Options(window="2m"))["pdwatch-recording.yaml"]

    assert {"2m"} == set(re.findall(r"\[(\w+)\]", text))
    assert "$" not in text
