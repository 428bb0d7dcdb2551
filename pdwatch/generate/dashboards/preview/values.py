"""What a value is shown as: its words and its color, by the mappings and thresholds of a field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pdwatch.generate.dashboards.preview.units import shown

Json = Mapping[str, Any]

COLORS = {
    "green": "#73BF69",
    "yellow": "#FADE2A",
    "orange": "#FF9830",
    "red": "#F2495C",
    "blue": "#5794F2",
    "purple": "#B877D9",
    "text": "#CCCCDC",
}
PALETTE = (
    *("#73BF69", "#FADE2A", "#5794F2", "#FF9830", "#F2495C", "#B877D9"),
    *("#37872D", "#E0B400", "#1F60C4", "#FA6400", "#C4162A", "#8F3BB8"),
)


def color_of(name: str) -> str:
    """Return a color of Grafana's by name; a color in numbers is itself."""
    return COLORS.get(name, name)


def mapped(value: float | str, field: Json) -> Json | None:
    """Return the mapping of a value, with `text` and `color`."""
    key = f"{value:g}" if isinstance(value, float) else value
    options = (mapping["options"] for mapping in field.get("mappings", ()))
    return next((found for each in options if (found := each.get(key))), None)


def words(value: float | str, field: Json) -> str:
    """Return a value as it is written."""
    meaning = mapped(value, field)
    if meaning is not None:
        return str(meaning["text"])
    return value if isinstance(value, str) else shown(value, field.get("unit", "none"), field.get("decimals"))


def color(value: float | str, field: Json) -> str:
    """Return the color of a value: that of its mapping, else of the step that it has reached."""
    meaning = mapped(value, field)
    if meaning is not None:
        return color_of(meaning["color"])
    steps = field.get("thresholds", {}).get("steps", ())
    reached = [step for step in steps if step["value"] is None or (isinstance(value, float) and value >= step["value"])]
    return color_of(reached[-1]["color"]) if reached else COLORS["text"]


def settings(config: Json, name: str) -> dict[str, Any]:
    """Return the settings of the field *name*: the defaults with what the overrides change."""
    found: dict[str, Any] = dict(config["defaults"])
    for override in config["overrides"]:
        if _matches(override["matcher"], name):
            found |= {prop["id"]: prop["value"] for prop in override["properties"]}
    return found


def _matches(matcher: Json, name: str) -> bool:
    if matcher["id"] == "byRegexp":
        return re.search(matcher["options"].strip("/"), name) is not None
    return bool(matcher["options"] == name)
