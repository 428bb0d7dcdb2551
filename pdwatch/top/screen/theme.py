"""The colours. Green leans to blue and red to orange, so that they differ to red-green blind eyes as well.

The hues are those of Okabe and Ito, Color Universal Design (2008).
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="pdwatch-dark",
    primary="#56B4E9",
    secondary="#8A93A0",
    accent="#8FD3FF",
    warning="#E69F00",
    error="#FF6A3D",
    success="#00B58A",
    foreground="#E4E7EB",
    background="#11151A",
    surface="#11151A",
    panel="#27303A",
    dark=True,
)
LIGHT = Theme(
    name="pdwatch-light",
    primary="#0072B2",
    secondary="#5F6772",
    accent="#005A8C",
    warning="#9A6A00",
    error="#B34700",
    success="#00735A",
    foreground="#1B1F24",
    background="#FBFBF9",
    surface="#FBFBF9",
    panel="#DDE3EA",
    dark=False,
)
THEMES = (DARK, LIGHT)
NO_COLOR_THEME = "textual-dark"
"""Under NO_COLOR: its greys keep their contrast when the colour is taken out."""
