"""All boards."""

from __future__ import annotations

from collections.abc import Mapping

from pdwatch.generate.dashboards.board import Board
from pdwatch.generate.dashboards.boards import experts, fleet, gpus, itself, service, transfer
from pdwatch.generate.dashboards.raw import fleet as raw_fleet
from pdwatch.generate.dashboards.raw import request as raw_request
from pdwatch.generate.dashboards.raw import transfer as raw_transfer

SETS: Mapping[str, tuple[Board, ...]] = {
    "pdwatch": (fleet.BOARD, service.BOARD, transfer.BOARD, experts.BOARD, gpus.BOARD, itself.BOARD),
    "raw-vllm": (raw_fleet.BOARD, raw_request.BOARD, raw_transfer.BOARD),
}
"""The boards by folder: those over pdwatch's metrics, and those over the engines' own. Each set links to itself."""
