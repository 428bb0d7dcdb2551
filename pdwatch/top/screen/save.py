"""Write what is shown to files."""

from __future__ import annotations

from pathlib import Path

from pdwatch.model.encode import dumps
from pdwatch.top import numbers
from pdwatch.top.once import workers_csv
from pdwatch.top.session import Session


def save(folder: Path, text: str, session: Session) -> str:
    """Write screen, workers and snapshot as text, CSV and JSON into *folder*; return in one line what was done."""
    snapshot = session.playhead.snapshot
    if snapshot is None:
        return "nothing to save yet"
    stem = f"pdwatch-{numbers.stamp(snapshot.t).replace(':', '').replace('-', '')}"
    contents = {"txt": text, "csv": workers_csv(snapshot), "json": dumps(snapshot)}
    try:
        for suffix, content in contents.items():
            (folder / f"{stem}.{suffix}").write_text(f"{content}\n", encoding="utf-8")
    except OSError as error:
        return f"not saved: {error.strerror} ({folder})"
    return f"saved {stem} as {', '.join(contents)} in {folder}"
