"""The files of the dashboards, by path below their folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pdwatch.generate.dashboards.board import Board
from pdwatch.generate.dashboards.grafana import dashboard
from pdwatch.generate.dashboards.kubernetes import config_maps
from pdwatch.generate.dashboards.provisioning import provisioning
from pdwatch.generate.dashboards.sets import SETS
from pdwatch.generate.options import Options


def files(choices: Options) -> Mapping[str, str]:
    """Return the contents of every file by its path: boards, ConfigMaps, provisioning."""
    rendered = {folder: _rendered(boards, choices) for folder, boards in SETS.items()}
    texts = {
        f"{folder}/{uid}.json": json.dumps(each, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for folder, dashboards in rendered.items()
        for uid, each in dashboards.items()
    }
    return {**texts, **config_maps(rendered), **provisioning()}


def _rendered(boards: tuple[Board, ...], choices: Options) -> dict[str, dict[str, Any]]:
    return {board.uid: dashboard(board, boards, choices) for board in boards}
