"""The page for people at `/`: self-contained HTML, no script, nothing loaded from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib import resources
from string import Template

from pdwatch import __version__
from pdwatch.export import words
from pdwatch.export.html import Html, join, tag
from pdwatch.export.landing_host import host_section
from pdwatch.export.landing_service import service_section
from pdwatch.model.encode import public_url
from pdwatch.model.judgement import Severity
from pdwatch.model.snapshot import Snapshot

REFRESH_SECONDS = 10

_TEXT = resources.files("pdwatch.export").joinpath("page.html").read_text("utf-8")
_PAGE = Template(_TEXT)
_STYLE = _TEXT.partition("<style>")[2].partition("</style>")[0]
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def landing_page(snapshot: Snapshot | None, now: float) -> str:
    """Return the page. *now* is Unix seconds, for ages."""
    return _PAGE.substitute(
        refresh=str(REFRESH_SECONDS),
        title=join([_title(snapshot)]),
        main=_main(snapshot, now),
        footer=join([_footer(snapshot, now)]),
    )


def _main(snapshot: Snapshot | None, now: float) -> Html:
    if snapshot is None:
        return _empty("Waiting for the first look.", "Nothing has been collected yet; this page looks again by itself.")
    hosts = [host_section(state) for _, state in sorted(snapshot.hosts.items())]
    if not hosts and not any(service.workers for service in snapshot.services.values()):
        return _no_workers(snapshot)
    services = [service_section(service, now) for _, service in sorted(snapshot.services.items())]
    return join([*services, *hosts])


def _no_workers(snapshot: Snapshot) -> Html:
    idle = snapshot.self_state.idle
    errors = [
        tag("p", public_url(f"{source}: {error}"), css="critical")
        for source, error in sorted(snapshot.self_state.discovery_errors.items())
    ]
    if idle is not None:
        return _empty(f"Nothing to watch: {idle}.", "Another serve watches what falls to its own shard.", *errors)
    start = tag("code", "pdwatch serve --prefill URL --decode URL")
    how = tag("p", "Name the workers on the command line, ", start, ", or under discovery: in the configuration file.")
    return _empty("No workers known.", how, *errors)


def _empty(verdict: str, *then: str) -> Html:
    paragraphs = (part if isinstance(part, Html) else tag("p", part) for part in then)
    return tag("section", tag("p", verdict, css="verdict"), *paragraphs)


def _title(snapshot: Snapshot | None) -> str:
    severities = [] if snapshot is None else [f.severity for s in snapshot.services.values() for f in s.findings]
    critical = sum(severity is Severity.CRITICAL for severity in severities)
    return f"({critical}) pdwatch" if critical else "pdwatch"


def _footer(snapshot: Snapshot | None, now: float) -> str:
    if snapshot is None:
        return f"pdwatch {__version__}"
    state = snapshot.self_state
    age = words.duration(max(0.0, now - snapshot.t))
    answer = [f"{state.up} of {state.workers} workers answer"] if state.workers or not snapshot.hosts else []
    hosts = snapshot.hosts
    answer += [f"{sum(host.up for host in hosts.values())} of {len(hosts)} hosts"] if hosts else []
    shard = [f"shard {state.shard}"] if state.shard is not None else []
    return " · ".join((f"pdwatch {__version__}", *shard, *answer, f"snapshot {age} old"))
