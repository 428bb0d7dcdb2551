"""Write what is shown to files."""

from __future__ import annotations

from pathlib import Path

from pdwatch.top import numbers
from pdwatch.top.once import workers_csv
from pdwatch.top.session import Session


def save(folder: Path, text: str, session: Session) -> str:
    """Write the screen as text and the workers as CSV into *folder*; return what was done, in one line."""
    snapshot = session.playhead.snapshot
    if snapshot is None:
        return "nothing to save yet"
    stem = f"pdwatch-{numbers.stamp(snapshot.t).replace(':', '').replace('-', '')}"
    screen, table = folder / f"{stem}.txt", folder / f"{stem}.csv"
    try:
        screen.write_text(f"{text}\n", encoding="utf-8")
        table.write_text(f"{workers_csv(snapshot)}\n", encoding="utf-8")
    except OSError as error:
        return f"not saved: {error.strerror} ({folder})"
    return f"saved {screen.name} and {table.name} in {folder}"
