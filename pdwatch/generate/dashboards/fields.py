"""How the values of a panel are shown: Grafana's `fieldConfig`, by kind of panel."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from pdwatch.generate.dashboards.colors import Step
from pdwatch.generate.dashboards.panels import (
    Heatmap,
    Label,
    Link,
    Look,
    Meanings,
    Panel,
    States,
    Table,
    TimeSeries,
    Value,
)

Json = dict[str, Any]
_KEPT_VARIABLES = "${__url_time_range}&${datasource:queryparam}&${cluster:queryparam}"
_FILL, _FILL_STACKED = 8, 40


def field_config(panel: Panel) -> Json:
    """Return `fieldConfig` of a panel, without its own thresholds."""
    if isinstance(panel, Heatmap):
        return {"defaults": {"custom": {"scaleDistribution": {"type": "linear"}}}, "overrides": []}
    return {"defaults": _defaults(panel), "overrides": list(_overrides(panel))}


def column_name(position: int, queries: int) -> str:
    """Return the name that Grafana gives the values of a table's query."""
    return "Value" if queries == 1 else f"Value #{ascii_uppercase[position]}"


def _defaults(panel: Panel) -> Json:
    by_series = isinstance(panel, TimeSeries)
    return {
        "unit": panel.unit,
        "min": panel.minimum,
        "max": panel.maximum,
        "decimals": panel.decimals,
        "noValue": panel.missing,
        "color": {"mode": "palette-classic" if by_series else "thresholds"},
        "mappings": _mappings(panel.meanings),
        "links": [_link(panel.link)] if panel.link else [],
        "custom": _custom(panel),
    }


def _custom(panel: Panel) -> Json:
    match panel:
        case TimeSeries():
            return {
                "drawStyle": "line",
                "lineInterpolation": "stepAfter" if panel.stepped else "linear",
                "lineWidth": 1,
                "fillOpacity": _FILL_STACKED if panel.stacked else _FILL,
                "showPoints": "never",
                "spanNulls": False,
                "axisPlacement": "auto",
                "axisSoftMin": 0,
                "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": "dashed" if panel.limits else "off"},
            }
        case States():
            return {"fillOpacity": 80, "lineWidth": 0}
        case Table():
            return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": False}
        case _:
            return {}


def _overrides(panel: Panel) -> list[Json]:
    match panel:
        case TimeSeries():
            return [_look(look) for look in panel.looks]
        case Table():
            labels = [_override("byName", label.name, _label(label)) for label in panel.labels]
            values = [
                _override("byName", column_name(position, len(panel.values)), _value(value))
                for position, value in enumerate(panel.values)
                if not value.hidden
            ]
            return [each for each in (*labels, *values) if each["properties"]]
        case _:
            return []


def _look(look: Look) -> Json:
    dashed = {"custom.lineStyle": {"fill": "dash", "dash": [8, 6]}, "custom.fillOpacity": 0} if look.dashed else {}
    color = {"color": {"mode": "fixed", "fixedColor": look.color}} if look.color else {}
    return _override("byRegexp", f"/{look.pattern}/", {**dashed, **color})


def _label(label: Label) -> Json:
    colored = label.meanings is not None
    return {
        **({"links": [_link(label.link, "__data.fields")]} if label.link else {}),
        **({"mappings": _mappings(label.meanings)} if colored else {}),
        **({"custom.cellOptions": {"type": "color-text"}} if colored else {}),
        **({"custom.width": label.width} if label.width else {}),
    }


def _value(value: Value) -> Json:
    filled = len(value.steps) > 1 or value.meanings is not None
    return {
        "unit": value.unit,
        **({"decimals": value.decimals} if value.decimals is not None else {}),
        **({"mappings": _mappings(value.meanings)} if value.meanings else {}),
        "thresholds": _thresholds(value.steps),
        **({"custom.cellOptions": {"type": "color-background", "mode": "basic"}} if filled else {}),
        **({"custom.width": value.width} if value.width else {}),
    }


def _override(matcher: str, option: str, properties: Mapping[str, Any]) -> Json:
    listed = [{"id": name, "value": value} for name, value in properties.items()]
    return {"matcher": {"id": matcher, "options": option}, "properties": listed}


def _thresholds(steps: tuple[Step, ...]) -> Json:
    return {"mode": "absolute", "steps": [{"value": step.value, "color": step.color} for step in steps]}


def _mappings(meanings: Meanings | None) -> list[Json]:
    if meanings is None:
        return []
    options = {
        value: {"text": meaning.text, "color": meaning.color, "index": index}
        for index, (value, meaning) in enumerate(meanings.items())
    }
    return [{"type": "value", "options": options}]


def _link(link: Link, source: str = "__field.labels") -> Json:
    chosen = "".join(f"&var-{variable}=${{{source}.{label}}}" for variable, label in link.variables.items())
    return {"title": link.title, "url": f"/d/{link.board}?{_KEPT_VARIABLES}{chosen}", "targetBlank": False}
