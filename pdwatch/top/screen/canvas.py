"""A widget that draws one frame and, of the next, only the cells that differ."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from pdwatch.top.cells import Line, Tone, changed_cells
from pdwatch.top.draw.frame import Frame


class Canvas(Widget, can_focus=True):
    """Shows a frame. Lines that it has not been given are blank."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"canvas--{tone.value or 'plain'}" for tone in Tone}

    class Resized(Message):
        """The canvas has another size."""

    class Pressed(Message):
        """A cell with a target was clicked, or the wheel was turned."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self) -> None:
        super().__init__()
        self._frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        """Draw *frame*; the same frame again writes nothing."""
        before, self._frame = self._frame, frame
        if before is None or len(before.lines) != len(frame.lines):
            self.refresh()
            return
        regions = [
            Region(first, y, end - first, 1)
            for y, (old, new) in enumerate(zip(before.lines, frame.lines, strict=True))
            if old != new
            for first, end in [changed_cells(old, new)]
            if end > first
        ]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen."""
        width = self.size.width
        lines = self._frame.lines if self._frame is not None else ()
        line: Line = lines[y] if y < len(lines) else ()
        segments = [Segment(span.text, self._style(span.tone)) for span in line]
        return Strip(segments).adjust_cell_length(width, self._style(Tone.PLAIN))

    def _style(self, tone: Tone) -> Style:
        return self.get_component_rich_style(f"canvas--{tone.value or 'plain'}")

    def on_resize(self, _: Resize) -> None:
        """Ask for a frame of the new size."""
        self.post_message(self.Resized())

    def on_click(self, event: Click) -> None:
        """Tell what was clicked."""
        target = self._frame.target(event.x, event.y) if self._frame is not None else ""
        if target:
            self.post_message(self.Pressed(target))

    def on_mouse_scroll_up(self, _: MouseScrollUp) -> None:
        """Tell that the wheel was turned."""
        self.post_message(self.Pressed("wheel-up"))

    def on_mouse_scroll_down(self, _: MouseScrollDown) -> None:
        """Tell that the wheel was turned."""
        self.post_message(self.Pressed("wheel-down"))
