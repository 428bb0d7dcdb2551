"""The part of Prometheus' HTTP interface that boards use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from pdwatch.config.units import parse_duration

DEFAULT_SCRAPE_SECONDS = 15.0
"""The scrape interval of a Prometheus that does not tell it."""
_LABEL_VALUES = re.compile(r"label_values\((?P<selector>.+), (?P<label>\w+)\)")


class PreviewError(Exception):
    """A Prometheus cannot be asked, or refuses a query."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is drawn, in Unix seconds, and the distance of its points."""

    start: float
    end: float
    step: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One series: its labels and its points, oldest first, without NaN."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class Prometheus:
    """A Prometheus at a base URL."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url = url.rstrip("/")
        self._client = client

    def scrape_seconds(self) -> float:
        """Return its global scrape interval, or the usual one where it does not tell."""
        try:
            config = yaml.safe_load(self._get("status/config")["yaml"])
            return parse_duration(config["global"]["scrape_interval"])
        except (PreviewError, KeyError, TypeError, ValueError, yaml.YAMLError):
            return DEFAULT_SCRAPE_SECONDS

    def now(self, expr: str, at: float) -> list[Answer]:
        """Return the answers at one instant, in the order in which they come. Raises `PreviewError`."""
        found = self._get("query", query=expr, time=f"{at}")["result"]
        return [_answer(series["metric"], [series["value"]]) for series in found]

    def over(self, expr: str, span: Span) -> list[Answer]:
        """Return the answers over a span. Raises `PreviewError`."""
        around = {"start": f"{span.start}", "end": f"{span.end}", "step": f"{span.step}"}
        found = self._get("query_range", query=expr, **around)["result"]
        return [_answer(series["metric"], series["values"]) for series in found]

    def label_values(self, query: str, span: Span) -> list[str]:
        """Return what `label_values(selector, label)` stands for. Raises `PreviewError`."""
        match = _LABEL_VALUES.fullmatch(query)
        if match is None:
            raise PreviewError(f"{query!r} is no label_values(selector, label)")
        around = {"match[]": match["selector"], "start": f"{span.start}", "end": f"{span.end}"}
        return sorted(self._get(f"label/{match['label']}/values", **around))

    def _get(self, path: str, **parameters: str) -> Any:
        try:
            answer = self._client.get(f"{self._url}/api/v1/{path}", params=parameters)
            body = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PreviewError(f"{self._url} cannot be asked: {error}; give the URL of a Prometheus") from error
        except ValueError as error:
            raise PreviewError(f"{self._url} answers no JSON; give the URL of a Prometheus") from error
        if not isinstance(body, dict) or body.get("status") != "success":
            refusal = body.get("error", answer.reason_phrase) if isinstance(body, dict) else "no Prometheus"
            raise PreviewError(f"{self._url} refuses {parameters.get('query', path)}: {refusal}")
        return body["data"]


def _answer(labels: Mapping[str, str], values: list[list[Any]]) -> Answer:
    points = ((float(at), float(value)) for at, value in values)
    return Answer(labels, tuple((at, value) for at, value in points if not math.isnan(value)))
