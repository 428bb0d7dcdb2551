"""Manifests as a cluster would take them: strict YAML, strict schemas, rendered by the real programs where they are."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCHEMAS = Path(__file__).parent / "schemas"
REQUIRED = os.environ.get("REQUIRE_LIVE") == "1"


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Json:
        """Return the mapping. Raises `ConstructorError` for a key that stands twice."""
        keys = [key.value for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{sorted(twice)} stand twice", node.start_mark)
        return super().construct_mapping(node, deep)


@pytest.fixture(scope="session")
def read() -> Callable[[Path | str], list[Json]]:
    """Read the documents of a file, or of a text; none of them may hold a key twice or a value that is not there."""

    def documents(source: Path | str) -> list[Json]:
        text = source.read_text() if isinstance(source, Path) else source
        found = [document for document in yaml.load_all(text, StrictLoader) if document is not None]
        assert [] == [path for document in found for path in _nulls(document, "")]
        return found

    return documents


def _nulls(value: object, path: str) -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _nulls(each, f"{path}.{key}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _nulls(each, f"{path}[{index}]")


@pytest.fixture(scope="session")
def valid() -> Callable[[Json], None]:
    """Hold a manifest against the schema of its kind, which refuses unknown keys."""
    kubernetes = json.loads((SCHEMAS / "kubernetes.json").read_text())
    schemas = json.loads((SCHEMAS / "crds.json").read_text())
    for kind, name in kubernetes["kinds"].items():
        schemas[kind] = {"$ref": f"#/$defs/{name}", "$defs": kubernetes["$defs"]}

    def check(manifest: Json) -> None:
        kind = f"{manifest['apiVersion']}/{manifest['kind']}"
        jsonschema.Draft7Validator(schemas[kind]).validate(manifest)

    return check


def program(*names: str) -> str:
    """Return the first of these programs that is there; else the test skips, or fails where it is required."""
    found = next((path for name in names if (path := shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin"))), None)
    if found is None:
        missing = f"{' or '.join(names)} is not installed"
        pytest.fail(missing) if REQUIRED else pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def find() -> Callable[..., str]:
    """Find a program."""
    return program


@pytest.fixture(scope="session")
def kustomize(read: Callable[[Path | str], list[Json]]) -> Callable[[Path], list[Json]]:
    """Build a folder as `kubectl apply -k` does. Debian's kubectl is too old for it, so that it is never required."""
    kubectl = shutil.which("kubectl")
    told = (
        subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True, check=False)
        if kubectl
        else None
    )
    version = re.search(r"Kustomize Version: v(\d+)", told.stdout if told else "")
    if kubectl is None or version is None or int(version[1]) < 5:
        pytest.skip("no kubectl with kustomize 5 is installed")

    def build(folder: Path) -> list[Json]:
        done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
        assert (0, "") == (done.returncode, done.stderr)
        return read(done.stdout)

    return build


@pytest.fixture(scope="session")
def helm(read: Callable[[Path | str], list[Json]]) -> Callable[..., list[Json]]:
    """Render the chart with Helm's own library, in a process of its own since it writes to standard error."""
    if not (REQUIRED and platform.machine() == "x86_64"):
        pytest.importorskip("helm_python")
    code = (
        "import json, sys, helm_python as h\n"
        "name, values = json.load(sys.stdin)\n"
        "print(json.dumps(h.Chart.load(sys.argv[1]).render(values=values, name=name, namespace='pdwatch')))"
    )

    def render(values: Json | None = None, name: str = "pdwatch") -> list[Json]:
        chart = str(DEPLOY / "helm" / "pdwatch")
        given = json.dumps([name, values or {}])
        done = subprocess.run(
            [sys.executable, "-c", code, chart], input=given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ValueError(done.stderr)
        files: dict[str, str] = json.loads(done.stdout)
        return [document for path, text in files.items() if path.endswith(".yaml") for document in read(text)]

    return render


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Callable[..., httpx.Client]]:
    """Run a command line of a manifest here, on a free port, and return a client for it."""
    with ExitStack() as stack:

        def start(arguments: list[str], **environment: str) -> httpx.Client:
            command = [sys.executable, "-m", "pdwatch", *arguments]
            inherited = {name: value for name, value in os.environ.items() if not name.startswith("PDWATCH_")}
            process = subprocess.Popen(
                command, stderr=subprocess.PIPE, text=True, env={**inherited, **environment}, cwd=tmp_path
            )
            stack.callback(_end, process)
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"(http://\S+) \(metrics", line) or re.search(r"look at (http://[^\s,]+)", line):
                    client = stack.enter_context(httpx.Client(base_url=found[1], timeout=20, trust_env=False))
                    _wait_for_a_snapshot(client)
                    return client
            pytest.fail(f"{' '.join(arguments)} ended with {process.wait()}")

        yield start


def _wait_for_a_snapshot(client: httpx.Client) -> None:
    with client.stream("GET", "/api/v1/stream") as answer:
        assert next(line for line in answer.iter_lines() if line.startswith("data:"))


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=30)
    assert 0 == process.returncode


@pytest.fixture(scope="session")
def here() -> Callable[..., list[str]]:
    """Return arguments with values that hold here: *paths* in place of the container's, a free port of loopback."""

    def replaced(arguments: list[str], **flags: str) -> list[str]:
        found = list(arguments)
        for flag, value in {"listen": "127.0.0.1:0", **flags}.items():
            found[found.index(f"--{flag}") + 1] = value
        return found

    return replaced
