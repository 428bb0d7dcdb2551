"""What is committed and deployed: boards, ConfigMaps, provisioning."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.generate.dashboards.files import files
from pdwatch.generate.options import Options

FOLDER = Path(__file__).parents[3] / "dashboards"
MEBIBYTE = 1 << 20
"""What a ConfigMap may hold."""


def test_no_file_is_left_over(written):
    """A board that was renamed or taken away leaves nothing behind."""
    present = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}

    assert set(written) == present


def test_each_board_is_a_file_named_by_its_uid(boards, written):
    """The uid is part of a board's address; the first part of it names its set."""
    folders = {"pdwatch": "pdwatch", "raw": "raw-vllm"}

    assert {f"{folders[uid.partition('-')[0]]}/{uid}.json" for uid in boards} == {
        path for path in written if path.endswith(".json")
    }


def test_each_board_is_a_config_map_that_the_sidecar_loads(boards, written):
    """The label is the chart's default, the annotation its folder, the content the very board."""
    maps = [yaml.safe_load(text) for path, text in written.items() if path.startswith("kubernetes/")]
    maps = [each for each in maps if each["kind"] == "ConfigMap"]
    held = {Path(name).stem: json.loads(text) for each in maps for name, text in each["data"].items()}

    assert boards == held
    assert {"1"} == {each["metadata"]["labels"]["grafana_dashboard"] for each in maps}
    assert {"pdwatch", "raw-vllm"} == {each["metadata"]["annotations"]["grafana_folder"] for each in maps}
    assert all(len(text.encode()) < MEBIBYTE for each in maps for text in each["data"].values())
    assert len(maps) == len({each["metadata"]["name"] for each in maps})


def test_kustomize_names_every_config_map(written):
    """`kubectl apply -k` leaves none out."""
    for folder in ("pdwatch", "raw-vllm"):
        listed = yaml.safe_load(written[f"kubernetes/{folder}/kustomization.yaml"])["resources"]
        there = {Path(path).name for path in written if path.startswith(f"kubernetes/{folder}/")}

        assert there - {"kustomization.yaml"} == set(listed)


def test_provisioning_is_what_grafana_reads(written):
    """One Prometheus, and the folder of both sets."""
    sources = yaml.safe_load(written["provisioning/datasources/prometheus.yaml"])
    providers = yaml.safe_load(written["provisioning/dashboards/pdwatch.yaml"])

    assert (1, ["prometheus"]) == (sources["apiVersion"], [each["type"] for each in sources["datasources"]])
    assert (1, ["file"]) == (providers["apiVersion"], [each["type"] for each in providers["providers"]])
    assert providers["providers"][0]["options"]["foldersFromFilesStructure"]


def steps(panel: dict) -> list[float]:
    """Return where the colors of a panel change."""
    return [step["value"] for step in panel["fieldConfig"]["defaults"].get("thresholds", {"steps": ()})["steps"]]


def test_thresholds_of_a_configuration_move_the_steps(boards, panels_of):
    """The screen, the pager and the boards turn red at the same number."""
    choices = Options(thresholds=Thresholds().overridden({"kv_usage_high": 0.77}))
    changed = json.loads(files(choices)["pdwatch/pdwatch-service.json"])
    both = (boards["pdwatch-service"], changed)
    usual, moved = ({step for panel in panels_of(board) for step in steps(panel)} for board in both)

    assert (True, False) == (0.9 in usual, 0.77 in usual)
    assert (False, True) == (0.9 in moved, 0.77 in moved)


def test_a_finding_leads_to_its_runbook():
    """Where the runbooks are is chosen; their names are the findings'."""
    text = files(Options(runbook_base="https://docs.example.com/runbooks/"))["pdwatch/pdwatch-fleet.json"]

    assert '"https://docs.example.com/runbooks/${__data.fields.finding}.md"' in text
