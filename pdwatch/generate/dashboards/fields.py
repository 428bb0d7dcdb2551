"""How the values of a panel are shown: Grafana's `fieldConfig`, by kind of panel."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from pdwatch.generate.dashboards.colors import PLAIN, Step
from pdwatch.generate.dashboards.panels import (
    Heatmap,
    Label,
    Link,
    Look,
    Meanings,
    Panel,
    Runbook,
    States,
    Table,
    TimeSeries,
    Value,
)
from pdwatch.generate.options import Options

Json = dict[str, Any]
_KEPT_VARIABLES = "${__url_time_range}&${datasource:queryparam}&${cluster:queryparam}"
_FILL_STACKED = 40


def field_config(panel: Panel, choices: Options) -> Json:
    """Return `fieldConfig` of a panel."""
    if isinstance(panel, Heatmap):
        return {"defaults": {"custom": {"scaleDistribution": {"type": "linear"}}}, "overrides": []}
    return {"defaults": _defaults(panel, choices), "overrides": _overrides(panel, choices)}


def column_name(position: int, queries: int) -> str:
    """Return the name that Grafana gives the values of a table's query."""
    return "Value" if queries == 1 else f"Value #{ascii_uppercase[position]}"


def _defaults(panel: Panel, choices: Options) -> Json:
    by_series = isinstance(panel, TimeSeries)
    return {
        "unit": panel.unit,
        "min": panel.minimum,
        "max": panel.maximum,
        "decimals": panel.decimals,
        "noValue": panel.missing,
        "color": {"mode": "palette-classic" if by_series else "thresholds"},
        "mappings": _mappings(panel.meanings),
        "thresholds": _thresholds(panel.steps, choices),
        "links": [_board_link(panel.link, "__field.labels")] if panel.link else [],
        "custom": _custom(panel),
    }


def _custom(panel: Panel) -> Json:
    match panel:
        case TimeSeries():
            return {
                "drawStyle": "line",
                "lineInterpolation": "stepAfter" if panel.stepped else "linear",
                "lineWidth": 1,
                "fillOpacity": _FILL_STACKED if panel.stacked else 0,
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


def _overrides(panel: Panel, choices: Options) -> list[Json]:
    match panel:
        case TimeSeries():
            return [_look(look) for look in panel.looks]
        case Table():
            labels = [_override("byName", label.name, _label(label, choices)) for label in panel.labels]
            values = [
                _override("byName", column_name(position, len(panel.values)), _value(value, choices))
                for position, value in enumerate(panel.values)
                if not value.hidden
            ]
            return [each for each in (*labels, *values) if each["properties"]]
        case _:
            return []


def _look(look: Look) -> Json:
    dashed = {"custom.lineStyle": {"fill": "dash", "dash": [8, 6]}} if look.dashed else {}
    color = {"color": {"mode": "fixed", "fixedColor": look.color}} if look.color else {}
    return _override("byRegexp", f"/{look.pattern}/", {**dashed, **color})


def _label(label: Label, choices: Options) -> Json:
    colored = label.meanings is not None
    return {
        **({"links": [_link(label.link, choices)]} if label.link else {}),
        **({"mappings": _mappings(label.meanings)} if colored else {}),
        **({"custom.cellOptions": {"type": "color-text"}} if colored else {}),
        **({"custom.width": label.width} if label.width else {}),
    }


def _value(value: Value, choices: Options) -> Json:
    meant = value.meanings is not None and any(each.color != PLAIN for each in value.meanings.values())
    filled = len(value.steps) > 1 or meant
    return {
        "unit": value.unit,
        **({"decimals": value.decimals} if value.decimals is not None else {}),
        **({"mappings": _mappings(value.meanings)} if value.meanings else {}),
        "thresholds": _thresholds(value.steps, choices),
        **({"custom.cellOptions": {"type": "color-background", "mode": "basic"}} if filled else {}),
        **({"custom.width": value.width} if value.width else {}),
    }


def _override(matcher: str, option: str, properties: Mapping[str, Any]) -> Json:
    listed = [{"id": name, "value": value} for name, value in properties.items()]
    return {"matcher": {"id": matcher, "options": option}, "properties": listed}


def _thresholds(steps: tuple[Step, ...], choices: Options) -> Json:
    numbers = [{"value": step.number(choices.thresholds), "color": step.color} for step in steps]
    return {"mode": "absolute", "steps": numbers}


def _mappings(meanings: Meanings | None) -> list[Json]:
    if meanings is None:
        return []
    options = {
        value: {"text": meaning.text, "color": meaning.color, "index": index}
        for index, (value, meaning) in enumerate(meanings.items())
    }
    return [{"type": "value", "options": options}]


def _link(link: Link | Runbook, choices: Options) -> Json:
    if isinstance(link, Link):
        return _board_link(link, "__data.fields")
    page = f"{choices.runbook_base.rstrip('/')}/${{__data.fields.finding}}.md"
    return {"title": "Runbook", "url": page, "targetBlank": True}


def _board_link(link: Link, source: str) -> Json:
    chosen = "".join(f"&var-{variable}=${{{source}.{label}}}" for variable, label in link.variables.items())
    return {"title": link.title, "url": f"/d/{link.board}?{_KEPT_VARIABLES}{chosen}", "targetBlank": False}
