"""Rules as documents: groups of Prometheus, in a rule file or in a PrometheusRule resource."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from string import Template
from typing import Any

import yaml

from pdwatch.generate.options import Options
from pdwatch.generate.rules.definition import Record

Json = dict[str, Any]
_LABELS = re.compile(r"\b(by|on) \(([\w, ]*)\)")
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
    """Return a text with thresholds, the window and labels to keep put in; what templates know is left as it is."""
    values = {entry.name: f"{getattr(options.thresholds, entry.name):g}" for entry in fields(options.thresholds)}
    values |= {
        "window": options.window,
        "kept_matchers": "".join(f",{label}=%q" for label in options.keep),
        "kept_values": "".join(f" $labels.{label}" for label in options.keep),
    }
    return Template(text).safe_substitute(values)


def expression(text: str, options: Options) -> str:
    """Return PromQL, filled, in which every aggregation and every match also goes by the labels to keep."""

    def keeping(found: re.Match[str]) -> str:
        return f"{found[1]} ({', '.join([*options.keep, *filter(None, [found[2]])])})"

    return _LABELS.sub(keeping, filled(text, options))


def record_rule(record: Record, options: Options) -> Json:
    """Return a recording rule."""
    rule: Json = {"record": record.name, "expr": expression(record.expr, options)}
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
