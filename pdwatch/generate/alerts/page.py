"""docs/alerts.md: how to use the rules, and tables of all of them."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.generate.alerts import ALERTS
from pdwatch.generate.alerts.definition import Alert, Component
from pdwatch.generate.alerts.shares import RECORDS as SHARES
from pdwatch.generate.rules import RECORDS
from pdwatch.generate.rules.definition import Record
from pdwatch.generate.rules.document import duration

_HEAD = """# Alerts and recording rules

Rules for Prometheus, made from the catalogue by `pdwatch generate alerts` and `pdwatch generate rules` and committed
under `alerts/`. This page is written by `pdwatch generate docs`.

| file in `alerts/` | holds |
|---|---|
| `pdwatch-findings.yaml` | an alert for each [finding](findings.md) |
| `pdwatch-objectives.yaml` | error budgets of the latency objectives, over several windows |
| `pdwatch-symptoms.yaml` | what is seen from outside, whatever the cause: errors, pressure, missing pools, transfers |
| `pdwatch-itself.yaml` | pdwatch absent, stuck or blind, and a watchdog |
| `pdwatch-recording.yaml` | what pdwatch derives of a service, computed from vLLM's own metrics |
| `alertmanager.yaml` | an example: who is told, of what together, and what not because of what |
| `kubernetes/` | the same rules as `PrometheusRule` resources: `kubectl apply -n monitoring -k alerts/kubernetes` |

Each file can be left out. In Prometheus:

```yaml
rule_files: [/etc/prometheus/rules/pdwatch-*.yaml]
scrape_configs:
  - job_name: pdwatch
    honor_labels: true                 # service, role and worker are those of the workers
    static_configs: [{targets: ["pdwatch:10077"]}]
  - job_name: engines                  # for pdwatch-recording.yaml: the engines' own pages, under pdwatch's labels
    http_sd_configs: [{url: "http://pdwatch:10077/sd/workers"}]
```

Make them anew where your site differs from the defaults:

```console
$ pdwatch generate alerts --output rules --config pdwatch.yaml \\
    --runbook-base https://docs.example.com/pdwatch/runbooks --grafana https://grafana.example.com
$ pdwatch generate rules --output rules --window 2m
```

- `--config` takes the thresholds of a configuration, so that a pager and a screen go by the same numbers.
- `--runbook-base` and `--grafana` are what the links of each alert begin with: where you keep `docs/runbooks`, and your
  Grafana with pdwatch's dashboards.
- `--scale-for 0.05` shortens every `for` and `keep_firing_for`, to try the road from a fault to a message.
- `--without-keep-firing-for` is for Prometheus before 2.42 (and versions of the operator before 0.66).
- `--keep cluster` keeps a label in every aggregation, where one Prometheus, Thanos or Mimir evaluates rules over several
  clusters. Where each cluster evaluates its own, the external label is enough.
- `--window` is over which recording rules take rates: four scrape intervals or more.

## How alerts decide

**A finding's alert decides nothing.** pdwatch has judged, waited the finding's onset, and exports
`pdwatch_finding_active`; the alert adds a `for` that is shorter than any finding stands, so that a single evaluation pages
nobody. Its severity is that of the case, which may be milder than usual. `keep_firing_for` outlasts a restart of pdwatch,
and is longer than it takes until pdwatch itself is told as absent: nobody hears that all is well because nobody looks.
The description names the places and for how long, from `pdwatch_finding_since_timestamp_seconds`.

**Objectives** are error budgets over several windows: a long one tells that it matters, a short one that it goes on. What
is summed are observations that missed and observations, both by traffic; percentiles are never averaged, and windows with
fewer than `min_requests` requests do not count. A budget of a fifth cannot burn fourteen times too fast, so from 90 %
of missed observations on any rate is reached.

| told as | 2 windows, both above | share of a month's budget |
|---|---|---|
| critical | 1 h and 5 min, 14.4 times as fast as allowed | 2 % in an hour |
| critical | 6 h and 30 min, 6 times | 5 % in six hours |
| warning | 1 d and 2 h, 3 times | 10 % in a day |
| warning | 3 d and 6 h, as fast as allowed | 10 % in three days |

**Absent, idle, new.** Ratios have a floor of traffic, so that an idle fleet is silent. A counter that begins anew is no
negative rate. What vanishes from discovery is no fault of its own, except when a whole role does.

## Who is told

`alertmanager.yaml` groups by service, and by the external label `cluster` if there is one: one fault is one message. Critical goes to the pager, warnings to tickets,
information to a log; put in your receivers.

- While pdwatch is absent, nothing else is told: nothing is known then.
- **A finding that is only a symptom is muted.** Alertmanager knows no places, so an inhibition by names alone would let a
  fault on one side mute another one elsewhere. pdwatch works out the root of each finding, near enough, and exports it. The
  alert `PDWatchFindingIsSymptom`, which goes to nobody, says of which findings every case is a symptom of something at
  least as severe; it goes on for five minutes after the root is gone, while symptoms take their time to end.
- A milder case of a finding is muted by a graver one, and what is seen from outside by the finding that says what it is,
  never by something milder.
- Objectives are muted by none of these but the first: what users feel is always told.
- `PDWatchWatchdog` always fires. Send it to a dead man's switch outside.

"""
_RECORDING = """
## Recording rules

They need `service`, `role` and `worker` on the engines' series. Targets of `/sd/workers` have them; without pdwatch, give
them to the targets by `labels` or relabelling. Every name that vLLM has had is asked for, with the prefixes of vLLM, Ray and
proxies; a page with an old and a new name counts once. Quantiles come from buckets summed over engines, at the edges
that all engines of the pool have. A ratio without traffic has no sample.

Against pdwatch on the same pages they agree within a tenth, since both do not scrape in the same instant (a test
holds that). Two things differ: the time to the first token over prefill *and* decode is a sum of two distributions, which
PromQL cannot form, so there is its mean and the quantiles of each role; and `rate` loses what a restarted engine counted
before the first scrape.

| record | is |
|---|---|
"""
_TRIED = """
## Tried

`tests/golden/promtool/` holds promtool's tests: that each alert fires, and that none does on fleets that are idle, restarting,
scaled in, without some of their series, or full of numbers that are none. They were run with Prometheus 2.42; a live test
runs Prometheus 2.42 and Alertmanager 0.25 on a simulated fleet, kills a worker and reads the messages. The resources for the
operator hold the same rules; no cluster has applied them.
"""
_TITLES = {
    Component.OBJECTIVE: "Objectives",
    Component.SYMPTOM: "Symptoms",
    Component.PDWATCH: "pdwatch itself",
    Component.MUTING: "For Alertmanager only",
    Component.FINDING: "Findings",
}


def alerts_page() -> str:
    """Return the whole page."""
    alerts = "\n".join("\n".join(_section(component)) for component in _TITLES)
    records = "".join(map(_record, (*RECORDS, *SHARES)))
    return f"{_HEAD}{alerts}{_RECORDING}{records}{_TRIED}"


def _section(component: Component) -> Iterator[str]:
    yield from (f"### {_TITLES[component]}", "", "| alert | severity | for | goes on | told |", "|---|---|---|---|---|")
    yield from (_row(alert) for alert in ALERTS if alert.component is component)
    yield ""


def _row(alert: Alert) -> str:
    waits = duration(alert.for_seconds) if alert.for_seconds else "at once"
    keeps = duration(alert.keep_firing_for_seconds) if alert.keep_firing_for_seconds else ""
    told = alert.summary.replace("{{ $labels.", "*").replace(" }}", "*")
    return f"| [`{alert.name}`](runbooks/{alert.id}.md) | {alert.severity} | {waits} | {keeps} | {told} |"


def _record(record: Record) -> str:
    objective = "".join(f" `{label}={value}`" for label, value in record.labels.items())
    return f"| `{record.name}`{objective} | {record.help} |\n"
