"""Fabric ports and GPUs: what is missing, while no host tells anything."""

from __future__ import annotations

from pdwatch.top.cells import Line, Span, Tone
from pdwatch.top.scene import Scene
from pdwatch.top.status import Status

_MEND = (
    "They come from the hosts: run `pdwatch agent` on each, and name it under `hosts` in the configuration of serve.",
    "dcgm-exporter and node_exporter are read there as well.",
)


def hosts(scene: Scene, what: str) -> list[Line]:
    """Return why there are no *what* to show, and the mend."""
    known = len(scene.snapshot.hosts) if scene.snapshot is not None else 0
    said = f"{known} hosts are known; none tells of {what}." if known else f"No host data: nothing is known of {what}."
    return [
        (Span(" "), Status.UNKNOWN.span, Span(f" {said}")),
        *((Span(f"   {text}", Tone.MUTED),) for text in _MEND),
    ]
