"""Rules as documents: groups of Prometheus, in a rule file or in a PrometheusRule resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from string import Template
from typing import Any

import yaml

from pdwatch.generate.options import Options
from pdwatch.generate.rules.definition import Record

Json = dict[str, Any]
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def document(content: Mapping[str, Any]) -> str:
    """Return YAML with keys in the given order."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=1_000_000, allow_unicode=True)


def duration(seconds: float) -> str:
    """Return Prometheus' form of a duration: `90s` is `1m30s`."""
    left, parts = round(seconds * 1000), []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def filled(text: str, options: Options) -> str:
    """Return a text with thresholds and the window put in; what templates of rules know is left as it is."""
    values = {entry.name: f"{getattr(options.thresholds, entry.name):g}" for entry in fields(options.thresholds)}
    return Template(text).safe_substitute(values | {"window": options.window})


def record_rule(record: Record, options: Options) -> Json:
    """Return a recording rule."""
    rule: Json = {"record": record.name, "expr": filled(record.expr, options)}
    return rule | ({"labels": dict(record.labels)} if record.labels else {})


def rule_file(groups: Sequence[Json], head: str) -> str:
    """Return a rule file, *head* as its comment."""
    return f"{_comment(head)}{document({'groups': list(groups)})}"


def prometheus_rule(name: str, groups: Sequence[Json], head: str) -> str:
    """Return the same as a resource of the Prometheus operator."""
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": "pdwatch", "app.kubernetes.io/part-of": "pdwatch"},
        },
        "spec": {"groups": list(groups)},
    }
    return f"{_comment(head)}{document(resource)}"


def _comment(head: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in head.splitlines())
