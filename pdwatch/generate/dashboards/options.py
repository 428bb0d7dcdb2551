"""How a panel as a whole is drawn: Grafana's `options` and transformations, by kind of panel."""

from __future__ import annotations

from typing import Any

from pdwatch.generate.dashboards.fields import column_name
from pdwatch.generate.dashboards.panels import Bars, Heatmap, Panel, Stat, States, Table, TimeSeries
from pdwatch.generate.dashboards.promql import EVERYWHERE

Json = dict[str, Any]
_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def kind(panel: Panel) -> str:
    """Return Grafana's name of a kind of panel."""
    return _KINDS[type(panel)]


def options(panel: Panel) -> Json:
    """Return `options` of a panel."""
    match panel:
        case TimeSeries():
            return {"legend": _legend(), "tooltip": {"mode": "multi", "sort": "desc", "hideZeros": False}}
        case States():
            single = {"mode": "single", "sort": "none", "hideZeros": False}
            hidden = _legend() | {"showLegend": False, "calcs": []}
            return {"showValue": "auto", "rowHeight": 0.85, "mergeValues": True, "legend": hidden, "tooltip": single}
        case Stat():
            return _stat(panel)
        case Bars():
            return _bars()
        case Heatmap():
            return _heatmap(panel)
        case Table():
            order = [{"displayName": title, "desc": True} for title in panel.worst_first]
            return {"showHeader": True, "cellHeight": "sm", "sortBy": order, "frameIndex": 0}
        case _:
            raise TypeError(panel)


def transformations(panel: Panel) -> list[Json]:
    """Return how the answers of a table's queries become one table."""
    if not isinstance(panel, Table):
        return []
    values = {column_name(at, len(panel.values)): value for at, value in enumerate(panel.values)}
    names = {label.name: label.title for label in panel.labels} | {EVERYWHERE: "Cluster"}
    names |= {name: value.title for name, value in values.items() if not value.hidden}
    organize = {
        "excludeByName": {"Time": True, **{name: True for name, value in values.items() if value.hidden}},
        "indexByName": {name: position for position, name in enumerate(_column_order(panel))},
        "renameByName": names,
    }
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]


def _column_order(table: Table) -> list[str]:
    values = [column_name(at, len(table.values)) for at in range(len(table.values))]
    labels = [label.name for label in table.labels]
    return [*values, *labels, EVERYWHERE] if table.values_first else [*labels, *values, EVERYWHERE]


def _legend() -> Json:
    return {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull"]}


def _stat(panel: Stat) -> Json:
    return {
        "reduceOptions": _LAST,
        "orientation": "auto",
        "textMode": "value_and_name" if panel.named else "value",
        "colorMode": "background" if panel.filled else "value",
        "graphMode": "area" if panel.trend else "none",
        "justifyMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }


def _bars() -> Json:
    return {
        "reduceOptions": _LAST,
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "namePlacement": "left",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 40,
        "legend": _legend() | {"showLegend": False, "calcs": []},
    }


def _heatmap(panel: Heatmap) -> Json:
    scheme = {"mode": "scheme", "scheme": "Turbo", "fill": "dark-orange", "scale": "exponential", "exponent": 0.5}
    return {
        "calculate": False,
        "color": {**scheme, "steps": 64, "reverse": False},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "cellGap": 1,
        "cellValues": {"unit": "cps"},
        "yAxis": {"unit": panel.unit, "axisPlacement": "left", "reverse": False},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": False},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
    }


_KINDS: dict[type[Panel], str] = {
    TimeSeries: "timeseries",
    Stat: "stat",
    Bars: "bargauge",
    Heatmap: "heatmap",
    States: "state-timeline",
    Table: "table",
}
