"""Labels found before: finding one takes seconds, and it depends on the simulated fleet alone, not on who is judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pdwatch.demo.model
from benchmarks.judging import cases, labels
from benchmarks.judging.labels import Candidate, Label
from pdwatch.model.judgement import Action


@dataclass(frozen=True, slots=True)
class Known:
    """The draw of a kind and seed whose label is what it was made for, and that label; no draw where none is."""

    kind: str
    seed: int
    draw: int | None
    label: Label | None = None


def fingerprint() -> str:
    """Return what the labels depend on, as a hash: the fleet's model, how cases are drawn and how labels are found."""
    folder = Path(pdwatch.demo.model.__file__).parent
    files = [*sorted(folder.glob("*.py")), Path(cases.__file__), Path(labels.__file__)]
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def read(path: Path) -> dict[tuple[str, int], Known]:
    """Return the labels in a file by kind and seed; none where there is no file or the fleet has changed since."""
    if not path.exists():
        return {}
    header, *lines = path.read_text("utf-8").splitlines() or ["{}"]
    if json.loads(header).get("fingerprint") != fingerprint():
        return {}
    found = [_known(json.loads(line)) for line in lines]
    return {(known.kind, known.seed): known for known in found}


def write(path: Path, known: Iterable[Known]) -> None:
    """Write labels to a file anew, one JSON object a line."""
    ordered = sorted(known, key=lambda entry: (entry.seed, entry.kind))
    lines = [json.dumps({"fingerprint": fingerprint()}), *(json.dumps(_plain(entry)) for entry in ordered)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _plain(known: Known) -> dict[str, object]:
    plain: dict[str, object] = {"kind": known.kind, "seed": known.seed, "draw": known.draw}
    if known.label is not None:
        plain["right"] = known.label.right.value
        plain["acceptable"] = sorted(action.value for action in known.label.acceptable)
        plain["attained"] = [
            [candidate.action.value, candidate.prefill, candidate.decode, round(share, 5)]
            for candidate, share in known.label.attained.items()
        ]
    return plain


def _known(plain: Mapping[str, object]) -> Known:
    kind, seed, draw = str(plain["kind"]), int(str(plain["seed"])), plain["draw"]
    if draw is None:
        return Known(kind, seed, None)
    attained = {Candidate(Action(a), p, d): share for a, p, d, share in plain["attained"]}  # type: ignore[attr-defined]
    acceptable = frozenset(Action(word) for word in plain["acceptable"])  # type: ignore[attr-defined]
    return Known(kind, seed, int(str(draw)), Label(Action(str(plain["right"])), acceptable, attained))
