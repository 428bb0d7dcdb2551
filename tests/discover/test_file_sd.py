"""Target files: read when they change, kept when they break."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from pdwatch.config.sources import FileSource
from pdwatch.discover.file_sd import FileDiscovery
from pdwatch.discover.source import Found

GOOD = '- targets: ["a:1", "b:1"]\n  labels: {role: prefill}\n'


def discovery(*patterns: Path) -> FileDiscovery:
    """Return the source of files."""
    return FileDiscovery(FileSource(paths=patterns))


def find(source: FileDiscovery) -> Found:
    """Look once."""
    return asyncio.run(source.find())


def workers(found: Found) -> list[str]:
    """Return the names of what was found."""
    return [target.worker for target in found.targets]


def test_yaml_and_json(tmp_path: Path) -> None:
    """Both formats of Prometheus are read, files in order of their names."""
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps([{"targets": ["c:1"], "labels": {"rack": "1"}}]), encoding="utf-8")

    found = find(discovery(tmp_path / "*.yaml", tmp_path / "*.json"))

    assert ["c:1", "a:1", "b:1"] == workers(found)
    assert str(tmp_path / "a.json") == found.targets[0].source
    assert None is found.problem


def test_change_is_taken_up(tmp_path: Path) -> None:
    """A file that changed is read again, and one that appeared is found."""
    path = tmp_path / "a.yaml"
    path.write_text(GOOD, encoding="utf-8")
    source = discovery(tmp_path / "*.yaml")

    before = workers(find(source))
    path.write_text("[{targets: ['a:1']}]", encoding="utf-8")
    (tmp_path / "b.yml.yaml").write_text("[{targets: ['z:1']}]", encoding="utf-8")

    assert ["a:1", "b:1"] == before
    assert ["a:1", "z:1"] == workers(find(source))


def test_same_length_change_is_taken_up(tmp_path: Path) -> None:
    """A change is seen by its time even where the size stays."""
    path = tmp_path / "a.json"
    path.write_text('[{"targets":["a:1"]}]', encoding="utf-8")
    source = discovery(path)

    before = workers(find(source))
    path.write_text('[{"targets":["b:1"]}]', encoding="utf-8")
    os.utime(path, ns=(1, 1))

    assert ["a:1"] == before
    assert ["b:1"] == workers(find(source))


def test_empty_list_empties(tmp_path: Path) -> None:
    """Targets that were taken out of a good file are gone, and groups may be empty."""
    path = tmp_path / "a.yaml"
    path.write_text(GOOD, encoding="utf-8")
    source = discovery(path)
    find(source)

    path.write_text("- targets: []\n", encoding="utf-8")

    assert Found(()) == find(source)


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("", "1: is empty; write [] for no targets"),
        (GOOD[:18], "1: not YAML: a bracket that is never closed; close it"),
        ("- targets: [a:1]\n  label: {}\n", "2: [0].label: unknown key; did you mean labels?"),
        (
            "- targets: ['a:1', 'b:x']\n",
            "1: [0].targets[1]: 'http://b:x' has no valid port; write host:port with a port",
        ),
        ("targets: [a:1]\n", " is no list; write [a, b], or each item on a line that begins with -"),
        ("- targets: [a:1]\n  labels: {role: [x]}\n", "2: [0].labels.role: is no text; write a single value"),
    ],
)
def test_broken_file_keeps_the_last_good_targets(tmp_path: Path, broken: str, problem: str) -> None:
    """A file caught half written empties nothing; the message names it. Once it is mended, it holds again."""
    path = tmp_path / "a.yaml"
    path.write_text(GOOD, encoding="utf-8")
    source = discovery(path)
    find(source)

    path.write_text(broken, encoding="utf-8")
    found = find(source)
    again = find(source)
    path.write_text("[{targets: ['c:1']}]", encoding="utf-8")

    assert ["a:1", "b:1"] == workers(found)
    assert (found.problem or "").startswith(f"{path}:{problem}")
    assert found == again
    assert (["c:1"], None) == (workers(mended := find(source)), mended.problem)


def test_broken_json_is_named_with_its_line(tmp_path: Path) -> None:
    """A truncated JSON file says so."""
    path = tmp_path / "a.json"
    path.write_text('[{"targets":\n["a:1"', encoding="utf-8")

    assert f"{path}:2: is no JSON; write a list of target groups" == find(discovery(path)).problem


def test_file_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are refused by name."""
    path = tmp_path / "a.json"
    path.write_bytes(b"\xff\xfe[]")

    assert f"{path}: is not UTF-8; save the file as UTF-8" == find(discovery(path)).problem


def test_deleted_file_keeps_its_targets(tmp_path: Path) -> None:
    """A file that is gone is a problem; what it said holds, and other files are not touched."""
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text("[{targets: ['c:1']}]", encoding="utf-8")
    source = discovery(tmp_path / "*.yaml")
    find(source)

    (tmp_path / "a.yaml").unlink()
    (tmp_path / "b.yaml").write_text("[{targets: ['dd:1']}]", encoding="utf-8")
    found = find(source)

    assert ["a:1", "b:1", "dd:1"] == workers(found)
    assert f"{tmp_path / 'a.yaml'}: is gone; bring it back, or write [] into it for no targets" == found.problem


def test_pattern_without_files(tmp_path: Path) -> None:
    """A pattern that matches nothing yet is told, and is no error once a file is there."""
    source = discovery(tmp_path / "*.yaml")

    nothing = find(source)
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")

    assert Found((), f"{tmp_path}/*.yaml: no such file; write one or remove the pattern") == nothing
    assert (["a:1", "b:1"], None) == (workers(found := find(source)), found.problem)


def test_a_reload_keeps_the_targets_of_a_broken_file(tmp_path: Path) -> None:
    """What an earlier source knew of a file that is broken or gone stays, also under another pattern; what is looked
    for no more is forgotten.
    """
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text(f'- targets: ["{name}:1"]\n', encoding="utf-8")
    (tmp_path / "d.json").write_text('[{"targets": ["d:1"]}]', encoding="utf-8")
    before = discovery(tmp_path / "*.yaml", tmp_path / "*.json")
    find(before)
    (tmp_path / "a.yaml").write_text('- targets: ["a:', encoding="utf-8")
    (tmp_path / "b.yaml").unlink()
    after = discovery(tmp_path / "?.yaml")
    after.inherit(before)

    found = find(after)

    assert ["a:1", "b:1", "c:1"] == workers(found)
    assert "a.yaml" in (found.problem or "")
    assert "b.yaml: is gone" in (found.problem or "")
