"""The variables of a board: what they can be, and expressions with values put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pdwatch.generate.dashboards.preview.prometheus import Prometheus, Span

Json = Mapping[str, Any]
_POINTS_OF_A_RATE = 4
"""Scrapes that `$__rate_interval` spans at least, as in Grafana."""


def rate_interval(span: Span, scrape_seconds: float) -> str:
    """Return what `$__rate_interval` stands for."""
    return f"{max(span.step + scrape_seconds, _POINTS_OF_A_RATE * scrape_seconds):.0f}s"


def put(values: Mapping[str, str], text: str) -> str:
    """Return *text* with the value of each variable in the place of `$name`. A name that is not known stays."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values.get(match[1], match[0]), text)


def chosen(dashboard: Json, prometheus: Prometheus, span: Span, fixed: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each variable: all where several can be chosen, else the first one there is.

    *fixed* holds values that are given, such as that of `$__rate_interval`. Raises `PreviewError`.
    """
    values = dict(fixed)
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "datasource" or variable["name"] in values:
            continue
        if variable["includeAll"]:
            values[variable["name"]] = variable["allValue"]
        else:
            known = prometheus.label_values(put(values, variable["query"]), span)
            values[variable["name"]] = known[0] if known else ""
    return values
