"""The head of the screen: whose numbers these are, the verdict and its reason, and the objectives."""

from __future__ import annotations

from pdwatch.model.judgement import Action, Severity
from pdwatch.model.latency import LatencyState
from pdwatch.model.snapshot import ServiceState
from pdwatch.model.target import Role
from pdwatch.top import numbers
from pdwatch.top.cells import Line, Span, Tone, ends, wrap
from pdwatch.top.gauges import met
from pdwatch.top.scene import Scene
from pdwatch.top.status import Status, of_severity
from pdwatch.top.verdict import action_words

WIDE = 110


def header(scene: Scene, width: int, *, reasons: int = 1) -> list[Line]:
    """Return the first lines: title, services where there are several, verdict, *reasons* lines of reason."""
    return [
        _title(scene, width),
        *([_services(scene)] if len(scene.services) > 1 else []),
        verdict_line(scene, width),
        *_reason(scene, width, reasons),
    ]


def _title(scene: Scene, width: int) -> Line:
    service = scene.service
    parts = [Span(" pdwatch", Tone.HEADER)]
    if service is not None:
        parts.append(Span(f"  {service.service}", Tone.STRONG))
        model = next((worker.model for worker in service.workers if worker.model), None)
        parts += [Span(f"  {model.rpartition('/')[2]}")] if model and width >= WIDE else []
        parts.append(Span(f"  {_counted(len(service.workers), 'worker')}"))
        parts += [Span(f"  {_counted(len(service.pools), 'pool')}")] if width >= WIDE else []
    end = [Span(f" {scene.mode} ", Tone.REVERSE if scene.alarm else Tone.HEADER)]
    if scene.recording:
        end.insert(0, Span(" REC ", Tone.REVERSE))
    return ends(parts, end, width)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _services(scene: Scene) -> Line:
    shown = scene.service.service if scene.service is not None else None
    spans: list[Span] = []
    for name, status in scene.services:
        chosen = name == shown
        spans += [
            Span(" ›" if chosen else "  "),
            status.span,
            Span(f" {name} ", Tone.ACTIVE if chosen else Tone.PLAIN, f"service:{name}"),
        ]
    return tuple(spans)


def verdict_line(scene: Scene, width: int) -> Line:
    """Return the answer with how sure it is and how long it has stood."""
    answer = scene.verdict
    if answer is None:
        return _nothing(scene)
    wide = width >= WIDE
    facts = [
        ("confidence " if wide else "conf ", answer.confidence),
        ("held ", answer.held),
        ("tightest " if wide else "", answer.tightest),
    ]
    shown = "".join(f"   {name}{value}" for name, value in facts if value)
    start = [Span(" "), answer.status.span, Span(f" {answer.words}", answer.status.tone), Span(shown)]
    counts = _finding_counts(scene)
    key = scene.key("why")
    return ends(start, [*counts, Span(f"  [{key}] why " if key else "", Tone.KEY, "why")], width)


def _nothing(scene: Scene) -> Line:
    """Return why there is no answer; a shard without a service needs none."""
    if scene.snapshot is not None and scene.snapshot.self_state.idle is not None:
        words = f"NOTHING TO WATCH   {scene.snapshot.self_state.idle}"
        return (Span(" "), Status.OK.span, Span(f" {words}", Tone.OK))
    words = "NO SNAPSHOT YET" if scene.snapshot is None else "CANNOT TELL   no worker was found"
    return (Span(" "), Status.UNKNOWN.span, Span(f" {words}", Tone.UNKNOWN))


def _finding_counts(scene: Scene) -> list[Span]:
    spans: list[Span] = []
    for severity in (Severity.CRITICAL, Severity.WARNING):
        number = sum(trouble.severity is severity for trouble in scene.troubles)
        if number:
            status = of_severity(severity)
            spans += [Span(" "), Span(f"{status.glyph} {number}", status.tone, "alerts")]
    return spans


def _reason(scene: Scene, width: int, most: int) -> list[Line]:
    answer = scene.verdict
    if answer is None:
        return []
    lines = wrap(f"{answer.reason}{_last_verdict(scene)}", max(10, width - 4))
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [(Span(f"   {text}"),) for text in lines] + [()] * (most - len(lines))


def _last_verdict(scene: Scene) -> str:
    """Return what was last advised, where it cannot be told any more."""
    service = scene.service
    if service is None or service.advice.action is not Action.CANNOT_TELL:
        return ""
    told = [event for event in scene.events if event.verdict and event.service == service.service]
    before = [event for event in told if event.verdict != action_words(Action.CANNOT_TELL)]
    return f" Last verdict {before[-1].verdict}, until {numbers.clock(told[-1].t)}." if before else ""


def objectives_line(scene: Scene, width: int) -> Line:
    """Return latencies beside what was promised, the queue, and what was done."""
    service = scene.service
    if service is None:
        return ()
    spans = [Span(" SLO ", Tone.MUTED)]
    for name, title in (("ttft", "TTFT"), ("itl", "ITL")):
        spans += _objective(service, name, title, wide=width >= WIDE)
    if not service.slo:
        spans.append(Span("  no objectives", Tone.MUTED))
    waiting = [pool.requests_waiting for pool in service.pools.values() if pool.requests_waiting is not None]
    spans.append(Span(f"  queue {numbers.count(sum(waiting) if waiting else None)}"))
    spans.append(Span(f"  done {numbers.rate(_done(service))}"))
    return tuple(spans)


def _objective(service: ServiceState, name: str, title: str, *, wide: bool) -> list[Span]:
    p99 = _quantile(service.latency, name)
    attainment = service.slo.get(name)
    label = f" {title} p99" if wide else f" {title}"
    if attainment is None:
        return [Span(f"{label} {numbers.seconds(p99)} ")]
    share = numbers.percent(attainment.ratio)
    if wide:
        promised = numbers.seconds(attainment.objective_seconds)
        share = f" {share} within {promised} of {numbers.percent(attainment.target)}"
    return [Span(f"{label} {numbers.seconds(p99)} {share} "), met(attainment).span, Span(" ")]


def _quantile(latency: LatencyState, name: str) -> float | None:
    return latency.ttft_seconds.p99 if name == "ttft" else latency.itl_seconds.p99


def _done(service: ServiceState) -> float | None:
    """Return requests finished a second, on the side where they end."""
    for role in (Role.DECODE, Role.BOTH, Role.UNKNOWN):
        pool = service.pools.get(role)
        if pool is not None:
            return pool.requests_per_second
    return None
