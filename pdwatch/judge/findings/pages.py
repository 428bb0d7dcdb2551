"""Pages that are read and yet not as they should be."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.findings.liveness import scope_of
from pdwatch.model.judgement import Evidence, Severity


def _repeated(view: View) -> Iterator[Hit]:
    for worker in view.service.workers:
        found = worker.repeated
        if found is None or not worker.up:
            continue
        scope = scope_of(worker)
        evidence = (
            Evidence("repeated_series", found.series, "series", None, scope),
            Evidence("conflicting_series", found.differing, "series", 0.0, scope),
        )
        values = f"{found.differing} with another value" if found.differing else "each with the same value"
        text = (
            f"The page of {worker.worker} has {found.series} series more than once, {values}, such as {found.example}; the "
            "first of each counts."
        )
        yield Hit(scope, text, evidence, None if found.differing else Severity.INFO)


FINDINGS = (
    FindingDef(
        id="series_repeated",
        severity=Severity.WARNING,
        title="Series more than once on a page",
        meaning="The worker's page has the same series, name and labels, more than once. pdwatch takes the first of each, as Prometheus "
        "does. Where the others have another value, nobody can know which is right, and numbers of this worker may be wrong; with "
        "the same value it is told as information.",
        confirm="`curl -s http://WORKER/metrics | grep -v '^#' | sed 's/ [^ ]*$//' | sort | uniq -d`.",
        fix="Find who writes the page twice: a process with metrics of two engines and no label to tell them apart, a proxy that joins "
        "pages, a collector that is registered twice, files of an earlier process in PROMETHEUS_MULTIPROC_DIR. Give each engine a "
        "label or a page of its own.",
        confused_with="A page that speaks for several workers, whose series have a label that tells them apart.",
        detect=_repeated,
        clear_seconds=0.0,
    ),
)
