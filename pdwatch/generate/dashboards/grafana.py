"""A board as JSON of Grafana's dashboard schema 41.

grafanalib builds it; what it writes for older Grafanas is taken out again, so that no migration touches a panel.
"""

from __future__ import annotations

import json
from string import ascii_uppercase
from typing import Any

from grafanalib import core
from grafanalib._gen import DashboardEncoder

from pdwatch.generate.dashboards.board import Board, Mark, Variable
from pdwatch.generate.dashboards.fields import field_config
from pdwatch.generate.dashboards.layout import Place, Placed, PlacedRow, placed
from pdwatch.generate.dashboards.modern import modern
from pdwatch.generate.dashboards.options import kind, options, transformations
from pdwatch.generate.dashboards.panels import Heatmap, Query, Table
from pdwatch.generate.options import Options

Json = dict[str, Any]
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
ALL = ".*"
"""What a variable stands for while all is chosen: also series without the label."""
_OWN_MARKS = {"type": "grafana", "uid": "-- Grafana --"}


class _Panel(core.Panel):  # type: ignore[misc]
    """A panel of any kind, told by `extraJson`."""

    def to_json_data(self) -> Any:
        """Return the JSON of the panel."""
        return self.panel_json({})


def dashboard(board: Board, links: tuple[Board, ...], choices: Options) -> Json:
    """Return the JSON of a board that links to others."""
    built = core.Dashboard(
        title=board.title,
        uid=board.uid,
        description=board.description,
        tags=list(board.tags),
        editable=False,
        graphTooltip=core.GRAPH_TOOLTIP_MODE_SHARED_CROSSHAIR,
        time=core.Time("now-1h", "now"),
        timezone="browser",
        refresh="30s",
        schemaVersion=41,
        templating=core.Templating([_datasource(), *(_variable(each) for each in board.variables)]),
        annotations=core.Annotations([_own_marks(), *(_mark(each) for each in board.marks)]),
        links=[_link(other) for other in links if other.uid != board.uid],
        panels=[panel for row in placed(board) for panel in _row(row, choices)],
    )
    return modern(json.loads(json.dumps(built, cls=DashboardEncoder)))


def _row(row: PlacedRow, choices: Options) -> list[core.Panel]:
    panels = [_panel(each, choices) for each in row.panels]
    heading = core.RowPanel(
        title=row.row.title,
        id=row.id,
        gridPos=_position(row.place),
        collapsed=row.row.folded,
        panels=panels if row.row.folded else [],
        repeat=core.Repeat(variable=row.row.repeat or None),
    )
    return [heading] if row.row.folded else [heading, *panels]


def _panel(placed: Placed, choices: Options) -> core.Panel:
    panel = placed.panel
    shown = {"type": kind(panel), "options": options(panel), "fieldConfig": field_config(panel, choices)}
    return _Panel(
        title=panel.title,
        description=panel.description,
        id=placed.id,
        gridPos=_position(placed.place),
        dataSource=DATASOURCE,
        targets=[_target(panel.queries[at], ascii_uppercase[at], _form(panel)) for at in range(len(panel.queries))],
        transformations=transformations(panel),
        extraJson=shown,
    )


def _form(panel: object) -> str:
    return "table" if isinstance(panel, Table) else "heatmap" if isinstance(panel, Heatmap) else "time_series"


def _target(query: Query, ref: str, form: str) -> core.Target:
    return core.Target(
        expr=query.expr,
        legendFormat=query.legend or "__auto",
        refId=ref,
        format=form,
        instant=query.instant,
        datasource=DATASOURCE,
    )


def _position(place: Place) -> core.GridPos:
    return core.GridPos(h=place.height, w=place.width, x=place.x, y=place.y)


def _datasource() -> core.Template:
    return core.Template(name="datasource", label="Data source", type="datasource", query="prometheus", refresh=1)


def _variable(variable: Variable) -> core.Template:
    template = core.Template(
        name=variable.name,
        label=variable.title,
        query=variable.values,
        dataSource=DATASOURCE,
        includeAll=variable.many,
        multi=variable.many,
        allValue=ALL if variable.many else None,
        refresh=core.REFRESH_ON_TIME_RANGE_CHANGE,
        sort=core.SORT_ALPHA_DESC if variable.backwards else core.SORT_ALPHA_ASC,
    )
    if variable.many:
        template._current = {"selected": True, "text": ["All"], "value": ["$__all"]}  # noqa: SLF001 - no other way
    return template


def _mark(mark: Mark) -> Json:
    return {
        "name": mark.title,
        "datasource": DATASOURCE,
        "enable": mark.shown,
        "hide": False,
        "iconColor": mark.color,
        "expr": mark.expr,
        "titleFormat": mark.title,
        "textFormat": mark.text,
    }


def _own_marks() -> Json:
    return {
        "name": "Annotations & Alerts",
        "datasource": _OWN_MARKS,
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "builtIn": 1,
        "type": "dashboard",
    }


def _link(board: Board) -> core.DashboardLink:
    return core.DashboardLink(
        title=board.title,
        tooltip=board.description,
        type="link",
        uri=f"/d/{board.uid}",
        icon="dashboard",
        includeVars=True,
        keepTime=True,
    )
