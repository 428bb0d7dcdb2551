"""How often the advice names the right thing: labelled cases, each label found by trying every action on a copy.

Run `python -m benchmarks.diagnosis [--cases 3] [--first-seed 1] [--kinds "add prefill"] [--jobs 2]`. Prints the
confusion matrix, accuracy and macro-F1, time to detect, false alarms, flips and harm. Simulated and deterministic:
same arguments, same numbers. docs/judging.md says how to read them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from statistics import mean, median

from benchmarks.judging.cases import KINDS
from benchmarks.judging.diagnose import Diagnosis, diagnose, find_label, macro_f1, quantile, settled
from benchmarks.judging.known import Known
from benchmarks.judging.known import read as known_labels
from benchmarks.judging.known import write as write_labels
from pdwatch.model.judgement import Action

REPLICAS = frozenset(Action) - {Action.REBALANCE, Action.FIX, Action.CANNOT_TELL}


def main() -> None:
    """Judge the cases and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3, help="cases of each kind")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--kinds", default="", help=f"comma-free parts of {'; '.join(KINDS)}; separate them by /")
    parser.add_argument("--labels", type=Path, help="file that keeps labels: read first, and what lacks is added")
    parser.add_argument("--known-only", action="store_true", help="only cases whose label is in that file")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    kinds = [kind for kind in KINDS if any(part in kind for part in args.kinds.split("/"))]
    seeds = range(args.first_seed, args.first_seed + args.cases)
    work = list(product(kinds, seeds))
    with ProcessPoolExecutor(args.jobs) as pool:
        labels = found_labels(pool, work, args.labels, args.known_only)
        print(f"{len(labels)} cases: {len(kinds)} kinds, seeds {seeds.start} to {seeds.stop - 1}")
        results = list(pool.map(diagnose, labels, chunksize=4))
    found = [result for result in results if result is not None]
    lost = Counter(known.kind for known, result in zip(labels, results, strict=True) if result is None)
    report_kinds(found, lost)
    if found:
        report_matrix(found)
        report_totals(found)
        report_others(found)


def found_labels(
    pool: ProcessPoolExecutor, work: Sequence[tuple[str, int]], path: Path | None, known_only: bool
) -> list[Known]:
    """Return the labels of *work* from the file where it has them; the others are found, and kept there."""
    known = known_labels(path) if path is not None else {}
    lacking = [] if known_only else [case for case in work if case not in known]
    for entry in pool.map(find_label, *zip(*lacking, strict=True)) if lacking else ():
        known[entry.kind, entry.seed] = entry
    if path is not None and lacking:
        write_labels(path, known.values())
    return [known[case] for case in work if case in known]


def report_kinds(found: Sequence[Diagnosis], lost: Counter[str]) -> None:
    """Print a line per kind."""
    print(f"\n  {'kind':24} cases  dropped  correct  role right  detected  median s   said")
    for kind in KINDS:
        mine = [diagnosis for diagnosis in found if diagnosis.kind == kind]
        if not mine and not lost[kind]:
            continue
        times = [diagnosis.detected for diagnosis in mine if diagnosis.detected is not None]
        said = ", ".join(f"{action} {count}" for action, count in Counter(d.said for d in mine).most_common())
        middle = f"{median(times):9.0f}" if times else f"{'-':>9}"
        print(
            f"  {kind:24} {len(mine):5} {lost[kind]:8} {sum(d.correct for d in mine):8}"
            f" {sum(d.role_right for d in mine):11} {len(times):9} {middle}   {said}"
        )


def report_matrix(found: Sequence[Diagnosis]) -> None:
    """Print right answers by row and what was said by column."""
    pairs = Counter(settled(diagnosis, diagnosis.said) for diagnosis in found)
    columns = [action for action in Action if any(said is action for _, said in pairs)]
    rows = [action for action in Action if any(right is action for right, _ in pairs)]
    print(f"\n  {'right, said:':18}" + "".join(f"{action:>18}" for action in columns))
    for right in rows:
        print(f"  {right:18}" + "".join(f"{pairs[right, said] or '.':>18}" for said in columns))


def report_totals(found: Sequence[Diagnosis]) -> None:
    """Print the scores over all cases."""
    holds = [diagnosis for diagnosis in found if diagnosis.kind.startswith("hold")]
    acts = [diagnosis for diagnosis in found if not diagnosis.kind.startswith("hold")]
    times = [diagnosis.detected for diagnosis in acts if diagnosis.detected is not None]
    hours = sum(diagnosis.watched for diagnosis in found) / 3600
    f1 = macro_f1(settled(diagnosis, diagnosis.said) for diagnosis in found)
    print(f"\n  accuracy {mean(d.correct for d in found):.3f}, macro-F1 {f1:.3f}, {len(found)} cases")
    print(f"  drawn again because the label was not what the case was made for: {sum(d.draw for d in found)} times")
    print(f"  growing the right role, whatever is given up for it: {mean(d.role_right for d in found):.3f}")
    if times:
        missed = len(acts) - len(times)
        print(f"  time to detect: median {median(times):.0f} s, p95 {quantile(times, 0.95):.0f} s, never {missed}")
    if holds:
        quiet_hours = sum(diagnosis.watched for diagnosis in holds) / 3600
        print(f"  false alarms on hold cases: {sum(d.alarms for d in holds) / quiet_hours:.1f} an hour")
    print(f"  flips: {sum(diagnosis.turns for diagnosis in found) / hours:.1f} an hour")
    wrong = [diagnosis.harm for diagnosis in found if not diagnosis.correct]
    print(f"  attainment lost by following what was wrong: {100 * mean(wrong or [0.0]):.1f} points on average")


def report_others(found: Sequence[Diagnosis]) -> None:
    """Print how other rules answer the same question, on all cases and on those that replicas can answer."""
    sized = [diagnosis for diagnosis in found if diagnosis.acceptable & REPLICAS]
    print(f"\n  {'rule':20} accuracy  macro-F1  on the {len(sized)} cases that replicas can answer")
    for name in ("pdwatch", *found[0].said_by):
        columns = []
        for cases in (found, sized):
            pairs = [settled(d, d.said if name == "pdwatch" else d.said_by[name]) for d in cases]
            columns += [mean(right is said for right, said in pairs) if pairs else 0.0, macro_f1(pairs)]
        print(f"  {name:20} {columns[0]:8.3f} {columns[1]:9.3f} {columns[2]:9.3f} {columns[3]:9.3f}")


if __name__ == "__main__":
    main()
