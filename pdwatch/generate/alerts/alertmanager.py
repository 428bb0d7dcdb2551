"""An example configuration of Alertmanager: who is told, of what together, and what is not told because of what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from pdwatch.generate.alerts import ALERTS
from pdwatch.generate.alerts.definition import PREFIX, Alert, Component
from pdwatch.generate.alerts.itself import ABSENT, DOWN, WATCHDOG
from pdwatch.generate.alerts.muting import MUTES, SYMPTOM
from pdwatch.generate.rules.document import Json, document

_AT_LEAST = {"critical": ("critical",), "warning": ("critical", "warning"), "info": ("critical", "warning", "info")}
"""Severities that may mute one: never a louder alert by a quieter one."""
_CLUSTER = "cluster"
"""The external label that tells one Prometheus' alerts from another's."""
_RECEIVERS = ("pager", "tickets", "log", "watchdog")
_HEAD = """# Written by `pdwatch generate alerts`; an example to begin from: put in your receivers.
# What pdwatch tells is grouped by service: one fault is one message, with all that belongs to it.
"""
_SECTIONS: Mapping[str, str] = {
    "global": "",
    "route": """# Critical wakes somebody, a warning is a ticket, information is read in the morning. The watchdog goes to a dead
# man's switch, which tells when it stops. Below the first matcher, so that it can stand beside other routes.
""",
    "inhibit_rules": """# Nobody is told
# - of anything else while pdwatch is not there: nothing is known then, least of all that all is well;
# - of a finding that is only a symptom: pdwatch works out the root, near enough and at least as severe, and says so by
#   the alert PDWatchFindingIsSymptom;
# - of the milder cases of a finding while a graver one stands;
# - of a symptom that is seen from outside while a finding says what it is.
# Objectives are muted by none of them but the first: what users feel is always told.
""",
    "receivers": "# Addresses to replace.\n",
}


def alertmanager_config() -> Json:
    """Return the configuration."""
    return {
        "global": {"resolve_timeout": "5m"},
        "route": _route(),
        "inhibit_rules": inhibitions(),
        "receivers": [
            {"name": "nobody"},
            *(
                {"name": name, "webhook_configs": [{"url": f"http://127.0.0.1:9099/{name}", "send_resolved": True}]}
                for name in _RECEIVERS
            ),
        ],
    }


def alertmanager_file() -> str:
    """Return it as a file with comments."""
    config = alertmanager_config()
    return _HEAD + "\n".join(f"{_SECTIONS[key]}{document({key: value})}" for key, value in config.items())


def _route() -> Json:
    return {
        "receiver": "nobody",
        "routes": [
            {
                "matchers": [f'alertname=~"{PREFIX}.+"'],
                "receiver": "tickets",
                "group_by": [_CLUSTER, "service"],
                "group_wait": "30s",
                "group_interval": "5m",
                "repeat_interval": "12h",
                "routes": [
                    {
                        "matchers": [f'alertname="{WATCHDOG}"'],
                        "receiver": "watchdog",
                        "group_wait": "0s",
                        "group_interval": "1m",
                        "repeat_interval": "1m",
                    },
                    {"matchers": ['severity="none"'], "receiver": "nobody"},
                    {"matchers": ['severity="critical"'], "receiver": "pager", "repeat_interval": "4h"},
                    {"matchers": ['severity="info"'], "receiver": "log", "repeat_interval": "1d"},
                ],
            }
        ],
    }


def inhibitions() -> list[Json]:
    """Return the rules of inhibition."""
    finding = f'component="{Component.FINDING.value}"'
    return [
        _inhibition([f'alertname="{ABSENT}"'], [f'alertname=~"{PREFIX}.+"', f'alertname!~"{ABSENT}|{WATCHDOG}"']),
        _inhibition(
            [f'alertname="{DOWN}"'],
            [f'component="{Component.PDWATCH.value}"', f'alertname!="{DOWN}"'],
            "job",
            "instance",
        ),
        *(
            _inhibition(
                [f'alertname="{SYMPTOM}"', f'{MUTES}="{severity}"'],
                [finding, f'severity="{severity}"'],
                "service",
                "finding",
            )
            for severity in _AT_LEAST
        ),
        _inhibition([finding, 'severity="critical"'], [finding, 'severity=~"warning|info"'], "service", "finding"),
        _inhibition([finding, 'severity="warning"'], [finding, 'severity="info"'], "service", "finding"),
        *_by_findings(),
    ]


def _by_findings() -> list[Json]:
    """Return the rules by which findings mute what is seen of them from outside: alerts muted by the same together."""
    together: dict[tuple[str, tuple[str, ...]], list[Alert]] = defaultdict(list)
    for alert in ALERTS:
        if alert.muted_by:
            together[alert.severity, alert.muted_by].append(alert)
    return [
        _inhibition(
            [f'finding=~"{"|".join(findings)}"', f'severity=~"{"|".join(_AT_LEAST[severity])}"'],
            [f'alertname=~"{"|".join(alert.name for alert in alerts)}"'],
            "service",
        )
        for (severity, findings), alerts in together.items()
    ]


def _inhibition(source: list[str], target: list[str], *equal: str) -> Json:
    """Return a rule within one cluster, if there are several: a label that neither has is equal too."""
    return {"source_matchers": source, "target_matchers": target, "equal": [_CLUSTER, *equal]}
