"""One frame: every line of the screen for a scene and a size.

From 80x24 there is a table; below it the table goes, then the graphs, then everything but the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from pdwatch.model.judgement import Severity
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, ascii_line, fit, text_of, toned, width_of, wrap
from pdwatch.top.draw.alerts import alert_lines, alert_summary, alerts, count_words, event_lines
from pdwatch.top.draw.boxes import box, title
from pdwatch.top.draw.detail import detail
from pdwatch.top.draw.empty import empty
from pdwatch.top.draw.experts import experts
from pdwatch.top.draw.footer import keys_line, status_line, tab_line
from pdwatch.top.draw.header import WIDE, header, objectives_line
from pdwatch.top.draw.help import help_lines
from pdwatch.top.draw.hosts import gpus, ports
from pdwatch.top.draw.pools import pool_lines, pool_panels
from pdwatch.top.draw.table import table
from pdwatch.top.draw.transfer import transfer
from pdwatch.top.draw.why import why
from pdwatch.top.scene import Scene
from pdwatch.top.status import of_severity
from pdwatch.top.view import Tab

TABLE_WIDTH, TABLE_HEIGHT = 80, 24
TINY_WIDTH, TINY_HEIGHT = 60, 12
TALL_HEIGHT = 34
FEW_WORKERS = 9


@dataclass(frozen=True, slots=True)
class Frame:
    """The lines of the screen from top to bottom, each exactly as wide as the screen."""

    lines: tuple[Line, ...]
    body: int
    """Lines of the part that moves with the cursor."""
    content: int
    """Lines that this part would need."""

    def target(self, x: int, y: int) -> str:
        """Return what a click on a cell does, empty for nothing."""
        if not 0 <= y < len(self.lines):
            return ""
        for span in self.lines[y]:
            x -= width_of(span.text)
            if x < 0:
                return span.target
        return ""

    def text(self) -> str:
        """Return the frame as plain text without blanks at line ends."""
        return "\n".join(text_of(line).rstrip() for line in self.lines)


def frame(scene: Scene, width: int, height: int, *, unicode: bool = True) -> Frame:
    """Return the screen of *width* by *height* cells; without *unicode* in ASCII."""
    if width < TINY_WIDTH or height < TINY_HEIGHT:
        lines, body, content = _tiny(scene, width, height), height, height
    else:
        lines, body, content = _full(scene, width, height)
    shown: list[Line] = [fit(line, width) for line in [*lines, *[()] * height][:height]]
    if scene.trouble and scene.snapshot is not None:
        shown = [toned(line, Tone.MUTED) for line in shown]
    return Frame(tuple(shown if unicode else map(ascii_line, shown)), body, content)


def _full(scene: Scene, width: int, height: int) -> tuple[list[Line], int, int]:
    head = _head(scene, width, height)
    tail = [status_line(scene, width), keys_line(scene, width)]
    room = max(0, height - len(head) - len(tail))
    body, content = _body(scene, width, room)
    filled = [*body[:room], *[()] * (room - len(body))]
    return [*head, *filled, *tail], room, content


def _overview(scene: Scene) -> bool:
    view = scene.view
    return view.tab is Tab.WORKERS and scene.drilled is None and not view.help


def _head(scene: Scene, width: int, height: int) -> list[Line]:
    big = width >= TABLE_WIDTH and height >= TABLE_HEIGHT
    lines = header(scene, width, reasons=_reasons(scene, height))
    lines.append(objectives_line(scene, width))
    if _overview(scene) and not scene.view.maximized:
        tall = width >= WIDE and height >= TALL_HEIGHT - 4
        lines += pool_panels(scene, width, tall=tall, graphs=big)
    if big or not _overview(scene):
        lines.append(tab_line(scene, width))
    return lines


def _reasons(scene: Scene, height: int) -> int:
    """Return the lines that the reason takes: a second one where it costs no row of the table."""
    if height < TABLE_HEIGHT:
        return 1
    return 2 if not _overview(scene) or len(scene.workers) < FEW_WORKERS else 1


def _body(scene: Scene, width: int, height: int) -> tuple[list[Line], int]:
    """Return the lines of the page that is open, and how many it would need."""
    view = scene.view
    if _overview(scene) and scene.service is not None:
        return _workers(scene, width, height), len(scene.rows)
    if view.tab is Tab.ALERTS and not view.help:
        return alerts(scene, width, height), len(scene.findings)
    content = _page(scene, width)
    first = min(max(0, view.scroll), max(0, len(content) - height))
    return content[first : first + height], len(content)


def _page(scene: Scene, width: int) -> list[Line]:
    view = scene.view
    if view.help:
        return help_lines(scene, width)
    if scene.drilled is not None:
        return detail(scene, scene.drilled, width)
    pages = {
        Tab.WORKERS: lambda: empty(scene, width),
        Tab.TRANSFER: lambda: transfer(scene, width),
        Tab.EXPERTS: lambda: experts(scene, width),
        Tab.FABRIC: lambda: ports(scene, width),
        Tab.GPU: lambda: gpus(scene, width),
        Tab.WHY: lambda: why(scene, width),
    }
    return pages[view.tab]()


def _workers(scene: Scene, width: int, height: int) -> list[Line]:
    if width < TABLE_WIDTH or height < 8:
        return alert_lines(scene, width, height)
    panels = [] if scene.view.maximized else _panels(scene, width, height)
    rows = table(scene, width, height - len(panels))
    blank: list[Line] = [()] * (height - len(panels) - len(rows))
    return [*rows, *blank, *panels]


def _panels(scene: Scene, width: int, height: int) -> list[Line]:
    """Return findings and events below the table, in boxes where the table has room enough."""
    if height < 18:
        return [alert_summary(scene)]
    spare = max(0, height - len(scene.workers) - 12)
    findings = alert_lines(scene, width - 2, 3 + min(spare, 3))
    events = event_lines(scene, width - 2, min(7 + spare - max(3, len(findings)), 12))
    return [
        *box(title("ALERTS", count_words(scene.troubles)), findings, width),
        *box(title("EVENTS"), events, width),
    ]


def _tiny(scene: Scene, width: int, height: int) -> list[Line]:
    answer = scene.verdict
    if answer is None:
        return [*header(scene, width)[1:], *empty(scene, width)]
    facts = "".join(f"  {fact}" for fact in (answer.confidence, answer.held) if fact)
    lines: list[Line] = [
        (answer.status.span, Span(f" {answer.words}", answer.status.tone), Span(facts)),
        *pool_lines(scene),
        _tiny_status(scene),
        *((Span(text),) for text in wrap(answer.reason, width)),
        *alert_lines(scene, width, height),
    ]
    return lines


def _tiny_status(scene: Scene) -> Line:
    if scene.trouble:
        return (Span(scene.trouble, Tone.REVERSE),)
    spans = [Span("alerts")]
    for severity in (Severity.CRITICAL, Severity.WARNING):
        number = sum(trouble.severity is severity for trouble in scene.troubles)
        status = of_severity(severity)
        spans.append(Span(f" {status.glyph}{number}", status.tone if number else Tone.MUTED))
    if scene.alarm:
        spans += [Span("  "), Span(scene.mode.split()[0], Tone.REVERSE)]
    if scene.snapshot is not None:
        state = scene.snapshot.self_state
        spans.append(Span(f" {numbers.clock(scene.t)}  src {state.up}/{state.workers}"))
    return tuple(spans)
