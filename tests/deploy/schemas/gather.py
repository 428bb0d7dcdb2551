"""Write the schemas of this folder anew. Run it by hand, in an environment of its own:

pip install kubernetes-validate==1.37.0 cloudcoil.models.keda cloudcoil.models.prometheus_operator compose-spec==0.2.1
python tests/deploy/schemas/gather.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
KUBERNETES = "v1.34.0-local-strict"
KINDS = {
    "v1/ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "v1/Namespace": "io.k8s.api.core.v1.Namespace",
    "v1/Service": "io.k8s.api.core.v1.Service",
    "v1/ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
    "apps/v1/DaemonSet": "io.k8s.api.apps.v1.DaemonSet",
    "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
    "autoscaling/v2/HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "networking.k8s.io/v1/NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
    "rbac.authorization.k8s.io/v1/Role": "io.k8s.api.rbac.v1.Role",
    "rbac.authorization.k8s.io/v1/RoleBinding": "io.k8s.api.rbac.v1.RoleBinding",
}
RESOURCES = {
    "keda.sh/v1alpha1/ScaledObject": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1/ServiceMonitor": "cloudcoil.models.prometheus_operator.v1",
    "monitoring.coreos.com/v1/PodMonitor": "cloudcoil.models.prometheus_operator.v1",
    "monitoring.coreos.com/v1/PrometheusRule": "cloudcoil.models.prometheus_operator.v1",
}
WORDS = {"description", "title", "default", "examples"}

Json = dict[str, Any]


def main() -> None:
    """Write the three files."""
    _write("kubernetes.json", _kubernetes())
    _write("crds.json", {kind: _of_model(module, kind.rpartition("/")[2]) for kind, module in RESOURCES.items()})
    compose = _of_model("compose_spec.models", "ComposeSpecification")
    _write("compose.json", compose | {"patternProperties": {"^x-": {}}})


def _write(name: str, content: Json) -> None:
    (FOLDER / name).write_text(json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")


def _kubernetes() -> Json:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / KUBERNETES
    text = (folder / "_definitions.json").read_text().replace("/api/_definitions.json#", "#")
    definitions = json.loads(text)["$defs"]
    needed: set[str] = set()
    left = list(KINDS.values())
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            left.extend(_named(json.dumps(definitions[name])))
    return {"kinds": KINDS, "$defs": {name: _wordless(definitions[name]) for name in sorted(needed)}}


def _named(text: str) -> Iterator[str]:
    return (found[1] for found in re.finditer(r'"#/\$defs/([^"]+)"', text))


def _of_model(module: str, kind: str) -> Json:
    schema: Json = getattr(import_module(module), kind).model_json_schema(by_alias=True)
    return _closed(_wordless(schema))


def _closed(schema: Any) -> Any:
    """Return a schema whose objects refuse keys that they do not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _wordless(schema: Any, names: bool = False) -> Any:
    """Return a schema without what only people read; *names* where keys are properties."""
    if isinstance(schema, list):
        return [_wordless(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    named = {"properties", "$defs", "definitions", "patternProperties"}
    return {
        key: _wordless(value, not names and key in named) for key, value in schema.items() if names or key not in WORDS
    }


if __name__ == "__main__":
    main()
