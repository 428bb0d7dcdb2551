"""The variables that the selectors of a board are narrowed by."""

from __future__ import annotations

from pdwatch.generate.dashboards.promql import Scope

FLEET = Scope(("service",))
SERVICE = Scope(("service", "role", "replica", "worker"))
HOSTS = Scope(("host",))
"""Also of what carries no host: then nothing but the cluster narrows."""
EVERYTHING = Scope(())
