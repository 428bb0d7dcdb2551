"""Who said what role a worker has, beside what was declared: a router, the worker itself, the labels of its page."""

from __future__ import annotations

from dataclasses import replace

from pdwatch.model.reading import PageReading, Told
from pdwatch.model.target import Role, RoleSource, Target, page_url


class Roles:
    """What was said so far. Declared comes first, then routers, the worker's own word, and labels."""

    def __init__(self) -> None:
        self.unsure: dict[str, Target] = {}
        """Workers, as found, whose labels say decode beside a prefill worker and aggregated without one."""
        self._routers: dict[str, Role] = {}
        self._probes: dict[str, Role] = {}
        self._pages: dict[str, Told] = {}
        self._identities: dict[str, Role] = {}
        self._apart: set[str] = set()

    def page(self, url: str, reading: PageReading) -> None:
        """Take what the page at *url* tells of its own worker and of others."""
        for routed in reading.routed:
            if routed.role is not None:
                self._routers[page_url(routed.url)] = Role(routed.role)
        if self._pages.get(url) is not reading.told:
            self._pages[url] = reading.told
            self._identities |= {identity: Role(role) for identity, role in reading.told.roles.items()}

    def probe(self, url: str, role: Role) -> None:
        """Take the role that a worker gives itself when asked."""
        self._probes[url] = role

    def health_counts(self, url: str) -> bool:
        """Tell whether `/health` beside the page at *url* speaks of the worker."""
        told = self._pages.get(url)
        return told is None or told.health

    def forget(self, url: str) -> None:
        """Drop what was said of one page."""
        for known in (self.unsure, self._routers, self._probes, self._pages):
            known.pop(url, None)

    def applied(self, target: Target) -> Target:
        """Return the target with its role. A page that is no worker's is none, whatever was declared."""
        told = self._pages.get(target.url)
        self.unsure.pop(target.url, None)
        if told is not None and told.role == Role.ROUTER:
            return replace(target, role=Role.ROUTER, role_source=RoleSource.LABELS)
        found = target if target.role is not Role.UNKNOWN else self._reported(target, told)
        if found.role is Role.PREFILL:
            self._apart.add(target.service)
        return found

    def _reported(self, target: Target, told: Told | None) -> Target:
        identity = told.identity if told is not None else None
        named = (
            (self._routers.get(target.url), RoleSource.ROUTER),
            (self._identities.get(identity or ""), RoleSource.ROUTER),
            (self._probes.get(target.url), RoleSource.INTROSPECTION),
        )
        role, source = next(((role, source) for role, source in named if role is not None), (None, RoleSource.NONE))
        if role is not None:
            return replace(target, role=role, role_source=source)
        if told is None or told.role is None:
            return target
        if not told.sure:
            self.unsure[target.url] = target
            role = Role.DECODE if target.service in self._apart else Role.BOTH
        return replace(target, role=role or Role(told.role), role_source=RoleSource.LABELS)
