"""What each command does to a session. What needs the terminal is asked of whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from pdwatch.top.columns import ALL, SETS, SEVERITY
from pdwatch.top.copied import copied
from pdwatch.top.moment import moment
from pdwatch.top.scene import Scene
from pdwatch.top.session import Session
from pdwatch.top.view import Tab


class Ask(Enum):
    """What a session asks of the terminal."""

    QUIT = auto()
    LEAVE = auto()
    """Quit, and print the last screen."""
    PALETTE = auto()
    THEME = auto()
    RECORD = auto()
    COPY = auto()
    SAVE = auto()
    FILTER = auto()
    """Let the viewer type a filter, from the text."""
    TIME = auto()
    """Let the viewer type a time."""
    LESS_OFTEN = auto()
    MORE_OFTEN = auto()


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked of the terminal, with its text."""

    ask: Ask
    text: str = ""


Action = Callable[[Session, Scene, str], "Request | None"]


def perform(session: Session, name: str, now: float, argument: str = "") -> Request | None:
    """Carry out the command *name*, or a click's target with its *argument*, at *now*."""
    action = _ACTIONS.get(name)
    if action is None:
        return None
    session.choose(message="")
    return action(session, session.scene(now), argument)


def answer_filter(session: Session, text: str) -> None:
    """Keep the rows that match *text*."""
    session.choose(filter=text, scroll=0)


def answer_time(session: Session, text: str) -> None:
    """Go to the time that the viewer wrote, or say why not."""
    playhead = session.playhead
    times = playhead.history.times
    if not times or playhead.snapshot is None or not text.strip():
        return
    try:
        if playhead.replay:
            playhead.seek(moment(text, playhead.snapshot.t, start=times[0]))
        else:
            playhead.seek(moment(text, times[-1]))
    except ValueError as error:
        session.choose(message=str(error))


def _open_tab(tab: Tab) -> Action:
    def act(session: Session, _: Scene, __: str) -> None:
        session.choose(tab=tab, drilled=None, help=False, scroll=0)

    return act


def _turn_tab(step: int) -> Action:
    def act(session: Session, scene: Scene, argument: str) -> None:
        tabs = list(Tab)
        _open_tab(tabs[(tabs.index(session.view.tab) + step) % len(tabs)])(session, scene, argument)

    return act


def _turn_service(step: int) -> Action:
    def act(session: Session, scene: Scene, _: str) -> None:
        names = [name for name, _ in scene.services]
        if scene.service is not None and len(names) > 1:
            chosen = names[(names.index(scene.service.service) + step) % len(names)]
            session.choose(service=chosen, drilled=None, scroll=0)

    return act


def _choose_service(session: Session, _: Scene, name: str) -> None:
    session.choose(service=name, drilled=None, scroll=0)


def _move(step: Callable[[int, int], int]) -> Action:
    """Move the cursor, or the page where nothing can be chosen, from the place it is at to that of *step*.

    *step* is given the place and the lines in sight.
    """

    def act(session: Session, scene: Scene, _: str) -> None:
        frame = session.last_frame
        body, content = (frame.body, frame.content) if frame is not None else (1, 1)
        view = session.view
        if view.tab in (Tab.WORKERS, Tab.ALERTS) and scene.drilled is None and not view.help:
            _move_cursor(session, scene, step(scene.cursor, body), body)
        else:
            session.choose(scroll=min(max(0, step(view.scroll, body)), max(0, content - body)))

    return act


def _move_cursor(session: Session, scene: Scene, place: int, body: int) -> None:
    identities = scene.identities
    if identities:
        row = min(max(0, place), len(identities) - 1)
        view = session.view
        first = min(max(view.scroll, row - max(1, body - 3)), row)
        session.choose(selected={**view.selected, view.tab: identities[row]}, scroll=first)


def _select(session: Session, scene: Scene, identity: str) -> None:
    """Put the cursor on a row; on the row under the cursor, open it."""
    view = session.view
    if identity in scene.identities and scene.identities[scene.cursor] == identity and view.selected.get(view.tab):
        _open(session, scene, identity)
    else:
        session.choose(selected={**view.selected, view.tab: identity})


def _open(session: Session, scene: Scene, _: str) -> None:
    if session.view.tab is Tab.WORKERS and scene.rows and scene.drilled is None:
        url = scene.rows[scene.cursor].state.url
        session.choose(drilled=url, scroll=0, selected={**session.view.selected, Tab.WORKERS: url})
    elif session.view.tab is Tab.ALERTS and scene.findings:
        _open_subject(session, scene)


def _open_subject(session: Session, scene: Scene) -> None:
    """Open what the chosen finding is about: its worker, the page of its port or GPU, or the workers of its pool."""
    scope = scene.findings[scene.cursor].scope
    url = next((row.state.url for row in scene.workers if row.worker == scope.get("worker")), None)
    page = Tab.FABRIC if "port" in scope else Tab.GPU if "gpu" in scope else None
    kept = next((scope[word] for word in ("replica", "host", "role") if word in scope), "")
    if url is not None:
        session.choose(tab=Tab.WORKERS, drilled=url, scroll=0, selected={**session.view.selected, Tab.WORKERS: url})
    elif page is not None:
        session.choose(tab=page, scroll=0)
    elif kept:
        session.choose(tab=Tab.WORKERS, drilled=None, filter=kept, scroll=0)
    else:
        session.choose(message="This finding is about the whole service.")


def _back(session: Session, _: Scene, __: str) -> None:
    """Leave the innermost of what is open."""
    view = session.view
    levels: tuple[tuple[bool, Mapping[str, object]], ...] = (
        (view.help, {"help": False, "scroll": 0}),
        (view.drilled is not None, {"drilled": None, "scroll": 0}),
        (bool(view.filter) or view.unhealthy_only, {"filter": "", "unhealthy_only": False, "scroll": 0}),
        (view.maximized, {"maximized": False}),
        (view.tab is not Tab.WORKERS, {"tab": Tab.WORKERS, "scroll": 0}),
    )
    for open_now, changed in levels:
        if open_now:
            session.choose(**changed)
            return


def _sort(session: Session, _: Scene, argument: str) -> None:
    """Sort by a named column, the other way round where it is the one; without a name by the next column."""
    view = session.view
    if argument:
        session.choose(sort=argument, reverse=view.sort == argument and not view.reverse)
        return
    names = [SEVERITY, *(column.name for column in SETS[view.columns][1] if column in ALL)]
    place = names.index(view.sort) if view.sort in names else 0
    session.choose(sort=names[(place + 1) % len(names)], reverse=False)


def _switch(name: str) -> Action:
    def act(session: Session, _: Scene, __: str) -> None:
        session.choose(**{name: not getattr(session.view, name)})

    return act


def _columns(session: Session, _: Scene, __: str) -> None:
    session.view = replace(session.view, columns=(session.view.columns + 1) % len(SETS))


def _help(session: Session, _: Scene, __: str) -> None:
    session.choose(help=not session.view.help, scroll=0)


def _event(later: bool) -> Action:
    def act(session: Session, _: Scene, __: str) -> None:
        before, after = session.playhead.neighbours(session.event_times)
        t = after if later else before
        if t is None:
            session.choose(message=f"There is no {'later' if later else 'earlier'} event.")
        else:
            session.playhead.seek(t)

    return act


def _of_playhead(act_on: Callable[[Session], None]) -> Action:
    def act(session: Session, _: Scene, __: str) -> None:
        act_on(session)

    return act


def _ask(ask: Ask) -> Action:
    return lambda _, __, ___: Request(ask)


def _copy(session: Session, scene: Scene, _: str) -> Request | None:
    text = copied(scene, session.view)
    return Request(Ask.COPY, text) if text else None


_ACTIONS: Mapping[str, Action] = {
    **{tab.name.lower(): _open_tab(tab) for tab in Tab},
    "next-tab": _turn_tab(1),
    "previous-tab": _turn_tab(-1),
    "next-service": _turn_service(1),
    "previous-service": _turn_service(-1),
    "service": _choose_service,
    "select": _select,
    "up": _move(lambda place, _: place - 1),
    "down": _move(lambda place, _: place + 1),
    "page-up": _move(lambda place, lines: place - max(1, lines - 2)),
    "page-down": _move(lambda place, lines: place + max(1, lines - 2)),
    "wheel-up": _move(lambda place, _: place - 3),
    "wheel-down": _move(lambda place, _: place + 3),
    "first": _move(lambda _, __: 0),
    "last": _move(lambda _, __: 1_000_000),
    "open": _open,
    "back": _back,
    "sort": _sort,
    "reverse": _switch("reverse"),
    "unhealthy": _switch("unhealthy_only"),
    "follow": _switch("follow"),
    "maximize": _switch("maximized"),
    "columns": _columns,
    "help": _help,
    "pause": _of_playhead(lambda session: session.playhead.toggle()),
    "step-back": _of_playhead(lambda session: session.playhead.step(-1)),
    "step-forward": _of_playhead(lambda session: session.playhead.step(1)),
    "newest": _of_playhead(lambda session: session.playhead.follow()),
    "slower": _of_playhead(lambda session: session.playhead.faster(-1)),
    "faster": _of_playhead(lambda session: session.playhead.faster(1)),
    "event-back": _event(later=False),
    "event-forward": _event(later=True),
    "filter": lambda session, _, __: Request(Ask.FILTER, session.view.filter),
    "goto": _ask(Ask.TIME),
    "copy": _copy,
    "save": _ask(Ask.SAVE),
    "record": _ask(Ask.RECORD),
    "palette": _ask(Ask.PALETTE),
    "theme": _ask(Ask.THEME),
    "less-often": _ask(Ask.LESS_OFTEN),
    "more-often": _ask(Ask.MORE_OFTEN),
    "quit": _ask(Ask.QUIT),
    "leave": _ask(Ask.LEAVE),
}
