"""From what grafanalib writes to schema 41: only keys that present Grafanas read, and none without a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

_DASHBOARD = (
    *("annotations", "description", "editable", "graphTooltip", "links", "panels", "refresh", "schemaVersion"),
    *("tags", "templating", "time", "timezone", "title", "uid"),
)
_PANEL = (
    *("datasource", "description", "fieldConfig", "gridPos", "id", "options", "targets", "title"),
    *("transformations", "type"),
)
_ROW = ("collapsed", "gridPos", "id", "panels", "repeat", "title", "type")
_TARGET = ("datasource", "expr", "format", "legendFormat", "refId")
_VARIABLE = (
    *("allValue", "current", "datasource", "hide", "includeAll", "label", "multi", "name", "query", "refresh"),
    *("sort", "type"),
)
_NO_THRESHOLDS: Json = {"mode": "absolute", "steps": []}
_BUILT_IN = ("hide", "includeAll", "label", "multi", "name", "query", "refresh", "type")


def modern(dashboard: Json) -> Json:
    """Return a dashboard of schema 41."""
    kept = _kept(dashboard, _DASHBOARD)
    return kept | {
        "id": None,
        "panels": [_panel(panel) for panel in kept["panels"]],
        "templating": {"list": [_variable(variable) for variable in kept["templating"]["list"]]},
    }


def _panel(panel: Json) -> Json:
    if panel["type"] == "row":
        return _kept(panel, _ROW) | {"panels": [_panel(inner) for inner in panel["panels"]]}
    shown = _kept(panel, _PANEL)
    shown |= {"fieldConfig": _without_nothing(shown["fieldConfig"]), "targets": [_target(t) for t in panel["targets"]]}
    return shown if shown["transformations"] else {key: shown[key] for key in shown if key != "transformations"}


def _target(target: Json) -> Json:
    instant = target["instant"]
    return _kept(target, _TARGET) | {"editorMode": "code", "instant": instant, "range": not instant}


def _variable(variable: Json) -> Json:
    kept = _kept(variable, _BUILT_IN if variable["type"] == "datasource" else _VARIABLE)
    if "current" in kept and kept["current"]["value"] is None:
        del kept["current"]
    return kept


def _kept(parts: Json, keys: Iterable[str]) -> Json:
    return {key: parts[key] for key in keys if parts.get(key) is not None}


def _without_nothing(config: Json) -> Json:
    defaults = {key: value for key, value in config["defaults"].items() if value not in (None, _NO_THRESHOLDS)}
    return config | {"defaults": defaults}
