"""What the viewer has chosen to see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pdwatch.top.columns import SEVERITY


class Tab(StrEnum):
    """The pages of the screen, in the order of their numbers."""

    WORKERS = "Workers"
    TRANSFER = "Transfer"
    EXPERTS = "Experts"
    FABRIC = "Fabric"
    GPU = "GPU"
    ALERTS = "Alerts"
    WHY = "Why"

    @property
    def number(self) -> int:
        """Its key."""
        return list(Tab).index(self) + 1


@dataclass(frozen=True, slots=True)
class View:
    """Everything that decides what is drawn besides the snapshot."""

    tab: Tab = Tab.WORKERS
    service: str | None = None
    """`None` chooses the one in most trouble."""
    selected: Mapping[Tab, str] = field(default_factory=dict)
    """Identity of the row under the cursor: the URL of a worker, the key of a finding."""
    drilled: str | None = None
    """URL of the worker that fills the page."""
    scroll: int = 0
    """First row or line shown."""
    follow: bool = True
    """Whether the rows scroll so that the cursor stays in sight while they are sorted anew."""
    filter: str = ""
    unhealthy_only: bool = False
    sort: str = SEVERITY
    reverse: bool = False
    columns: int = 0
    """Index of the set of columns."""
    maximized: bool = False
    help: bool = False
    message: str = ""
    """One line from the program, until the next key."""
