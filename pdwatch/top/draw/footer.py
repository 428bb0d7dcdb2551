"""The last two lines: where the numbers come from and how they are shown; and the keys that work here."""

from __future__ import annotations

from pdwatch.model.judgement import Severity
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, ends, line_width
from pdwatch.top.columns import SETS
from pdwatch.top.command import key_words, working
from pdwatch.top.scene import Scene
from pdwatch.top.status import Status
from pdwatch.top.view import Tab


def status_line(scene: Scene, width: int) -> Line:
    """Return the state of collection, or what the program has to say."""
    if scene.trouble:
        return (Span(f" {scene.trouble} ", Tone.REVERSE),)
    if scene.view.message:
        return (Span(f" {scene.view.message}", Tone.STRONG),)
    return ends(_collection(scene), _choice(scene), width)


def _collection(scene: Scene) -> list[Span]:
    if scene.snapshot is None:
        return [Span(f" waiting for {scene.source}", Tone.MUTED)]
    state = scene.snapshot.self_state
    reached = Status.BAD if state.up < state.workers else Status.OK if state.workers or state.idle else Status.UNKNOWN
    spans = [Span(f" src {state.up}/{state.workers} "), reached.span]
    if state.shard is not None:
        spans.append(Span(f"  shard {state.shard}"))
    if state.stale:
        spans += [Span("  stale "), Span(f"{state.stale}", Tone.STRONG)]
    hosts = scene.snapshot.hosts.values()
    if hosts:
        answering = sum(host.up for host in hosts)
        told = Status.OK if answering == len(hosts) else Status.WARN
        spans += [Span(f"  hosts {answering}/{len(hosts)} "), told.span]
    for source, error in list(state.discovery_errors.items())[:1]:
        spans += [Span("  "), Status.WARN.span, Span(f" discovery {source}: {error}")]
    return [*spans, Span(f"  cycle {numbers.seconds(state.cycle_seconds)}  from {scene.source}", Tone.MUTED)]


def _choice(scene: Scene) -> list[Span]:
    view = scene.view
    if view.tab is not Tab.WORKERS:
        return []
    kept = view.filter or ("only trouble" if view.unhealthy_only else "")
    filtered = f"filter {kept}" if kept else "no filter"
    order = f"{view.sort} {'↑' if view.reverse else '↓'}"
    name = f"{SETS[view.columns][0]}  " if view.columns else ""
    follow = "" if view.follow else "  not following"
    return [Span(f"  {name}{order}  {filtered}{follow} ", Tone.STRONG if kept else Tone.MUTED)]


def keys_line(scene: Scene, width: int) -> Line:
    """Return the commands of the footer that work here, as many as fit."""
    spans: list[Span] = []
    end = (Span(" read-only ", Tone.MUTED),) if width >= 100 else ()
    room = width - line_width(end)
    for command in working(scene.commands, scene.situation):
        if not command.footer:
            continue
        pair = (
            Span(f" {key_words(command.keys[0])}", Tone.KEY, command.name),
            Span(f" {command.title} ", Tone.PLAIN, command.name),
        )
        room -= line_width(pair)
        if room < 0:
            break
        spans += pair
    return ends(spans, end, width)


def tab_line(scene: Scene, width: int) -> Line:
    """Return the pages, the one that is open in brackets."""
    spans: list[Span] = []
    firing = sum(trouble.severity > Severity.INFO for trouble in scene.troubles)
    for tab in Tab:
        count = f" ({firing})" if tab is Tab.ALERTS and firing else ""
        target = tab.name.lower()
        text = f"{scene.key(target, str(tab.number))} {tab.value}{count}".strip()
        open_now = tab is scene.view.tab
        spans.append(Span(f" [{text}]" if open_now else f"  {text} ", Tone.ACTIVE if open_now else Tone.MUTED, target))
    gap = "" if line_width(spans) > width - 12 else "  "
    return tuple(Span(span.text + gap, span.tone, span.target) for span in spans)
