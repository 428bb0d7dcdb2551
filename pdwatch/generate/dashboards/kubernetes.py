"""ConfigMaps that the sidecar of Grafana's Helm chart loads, one for each board."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

LABEL = "grafana_dashboard"
"""The label that the sidecar looks for by default."""
FOLDER_ANNOTATION = "grafana_folder"

Json = dict[str, Any]


def config_maps(sets: Mapping[str, Mapping[str, Json]]) -> dict[str, str]:
    """Return a file for each board, by path; *sets* holds dashboards by folder and uid."""
    return {
        f"kubernetes/{folder}/{uid}.yaml": _text(_config_map(uid, folder, dashboard))
        for folder, dashboards in sets.items()
        for uid, dashboard in dashboards.items()
    } | {f"kubernetes/{folder}/kustomization.yaml": _text(_kustomization(sets[folder])) for folder in sets}


def _config_map(uid: str, folder: str, dashboard: Json) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"dashboard-{uid}",
            "labels": {LABEL: "1", "app.kubernetes.io/part-of": "pdwatch"},
            "annotations": {FOLDER_ANNOTATION: folder},
        },
        "data": {f"{uid}.json": json.dumps(dashboard, sort_keys=True, ensure_ascii=False, separators=(",", ":"))},
    }


def _kustomization(dashboards: Mapping[str, Json]) -> Json:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{uid}.yaml" for uid in dashboards],
    }


def _text(document: Json) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10**9)
