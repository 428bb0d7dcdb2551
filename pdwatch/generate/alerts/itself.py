"""pdwatch itself: gone, stuck, or not told where to look; and an alert that always fires."""

from __future__ import annotations

from pdwatch.catalog.host import STALE
from pdwatch.catalog.metrics import (
    BUILD_INFO,
    CYCLE_SECONDS,
    CYCLES,
    DISCOVERY_TARGETS,
    DISCOVERY_UP,
    DUPLICATES,
    PROCESS_START,
    RELOAD_OK,
    SHARDS,
    SNAPSHOT_AGE,
    WORKER_UP,
)
from pdwatch.generate.alerts.definition import Alert, Board, Component

ABSENT = "PDWatchAbsent"
DOWN = "PDWatchDown"
WATCHDOG = "PDWatchWatchdog"

_HERE = "{{ $labels.instance }}"
_TARGET = "on (job, instance)"


def _down(was: str) -> str:
    return f"up == 0\nand {_TARGET} {was}"


_WAS_SERVE = f"last_over_time({DISCOVERY_TARGETS.name}[1d])"
"""Only serve has sources of discovery; agents have none."""

_GONE = (
    Alert(
        name=ABSENT,
        component=Component.PDWATCH,
        expr=f"absent({DISCOVERY_TARGETS.name})",
        severity="critical",
        summary="Prometheus has nothing from pdwatch serve.",
        description="No pdwatch serve is scraped with success: nothing about prefill, decode and KV transfer is known, and no "
        "other alert about them can be trusted.",
        meaning="No target that Prometheus scrapes gives the metrics of a pdwatch serve.",
        confirm="Look at the targets of Prometheus; ask `/-/ready` and `/metrics` of pdwatch.",
        fix="Start pdwatch, or mend its job in Prometheus: address, TLS, password.",
        confused_with="A Prometheus that was just started, or that lost its list of targets.",
        for_seconds=60.0,
        board=Board.SELF,
    ),
    Alert(
        name=DOWN,
        component=Component.PDWATCH,
        expr=_down(_WAS_SERVE),
        severity="critical",
        summary=f"pdwatch serve at {_HERE} does not answer.",
        description=f"Prometheus cannot scrape {_HERE}, which was a pdwatch serve within the last day. Its services are not "
        "watched.",
        meaning="A target that gave the metrics of a pdwatch serve is down. Where several share the services, the others "
        "still tell of theirs.",
        confirm="Ask `/-/healthy` at the address; look at the process and the end of its log.",
        fix="Start it again. If it was moved, remove the old target.",
        confused_with="A network between Prometheus and pdwatch that is down.",
        for_seconds=60.0,
        keep_firing_for_seconds=60.0,
        board=Board.SELF,
    ),
    Alert(
        name="PDWatchShardMissing",
        component=Component.PDWATCH,
        expr=f"max by () ({SHARDS.name})\n  - count by () (count by (shard) ({SHARDS.name})) > 0",
        severity="critical",
        summary="A shard of pdwatch is missing.",
        description="The services are divided over more shards than tell of themselves: {{ $value | humanize }} too few. The "
        "services of these are not watched.",
        meaning="Shards `i/n` run, and not each `i` up to `n` is scraped with success: a shard was never started, is down, or "
        "runs with another `n`.",
        confirm="Ask Prometheus for `pdwatch_shards`: the label is the shard, the value `n`. Compare with what was started.",
        fix="Start the shards that are missing, each with its own `--shard i/n` and the same `n`, and let Prometheus scrape them.",
        confused_with="A change of `n` that is on its way.",
        for_seconds=300.0,
        keep_firing_for_seconds=60.0,
        board=Board.SELF,
    ),
    Alert(
        name="PDWatchAgentDown",
        component=Component.PDWATCH,
        expr=f"{_down(f'last_over_time({BUILD_INFO.name}[1d])')}\nunless {_TARGET} {_WAS_SERVE}",
        severity="warning",
        summary=f"pdwatch agent at {_HERE} does not answer.",
        description=f"Prometheus cannot scrape {_HERE}, which was a pdwatch agent within the last day.",
        meaning="A target that gave the metrics of a pdwatch agent is down.",
        confirm="Ask `/-/healthy` at the address; look whether the host is up.",
        fix="Start the agent again, or mend the host. If the host was taken away, remove the target.",
        confused_with="A drained host.",
        for_seconds=300.0,
        keep_firing_for_seconds=60.0,
        board=Board.SELF,
    ),
    Alert(
        name="PDWatchAgentGone",
        component=Component.PDWATCH,
        expr=f"max by (host) ({STALE.name}) == 1",
        severity="warning",
        summary="Nothing fresh is known of the host {{ $labels.host }}.",
        description="pdwatch gets no page about {{ $labels.host }}: its GPUs, fabric ports and logs are not watched.",
        meaning="The agent, dcgm-exporter or node_exporter of a host that pdwatch was told of gives no fresh page. Workers on "
        "the host are still judged by their own pages.",
        confirm="Ask `/metrics` of the agent from where pdwatch runs.",
        fix="Start the agent again, or mend the address under `hosts` in the configuration.",
        confused_with="A host that was taken away: remove it from `hosts`.",
        for_seconds=300.0,
        keep_firing_for_seconds=60.0,
        board=Board.SELF,
    ),
)

_STUCK = (
    Alert(
        name="PDWatchSnapshotStale",
        component=Component.PDWATCH,
        expr=f"{SNAPSHOT_AGE.name} > $snapshot_age_seconds",
        severity="critical",
        summary=f"pdwatch at {_HERE} answers with old numbers.",
        description="Its newest snapshot is {{ $value | humanizeDuration }} old.",
        meaning="pdwatch answers, but its collection does not come to an end: every number on its page is old.",
        confirm="Look at the time on its page, and at `pdwatch_cycles_total`, which does not rise.",
        fix="Read its log, dump its threads if you can (py-spy dump), and restart it.",
        confused_with="A clock that was set forward.",
        for_seconds=60.0,
        keep_firing_for_seconds=60.0,
        board=Board.SELF,
    ),
    Alert(
        name="PDWatchNoSnapshot",
        component=Component.PDWATCH,
        expr=f"{BUILD_INFO.name}\nunless {_TARGET} {SNAPSHOT_AGE.name}",
        severity="critical",
        summary=f"pdwatch at {_HERE} has not finished a first collection.",
        description=f"pdwatch at {_HERE} runs and has nothing to tell yet.",
        meaning="The process answers, but has taken no snapshot since it started.",
        confirm="Ask `/-/ready`; it says what is waited for.",
        fix="Read its log: discovery that never answers, or a timeout as long as the interval.",
        confused_with="The first seconds after a start.",
        for_seconds=180.0,
        board=Board.SELF,
    ),
    Alert(
        name="PDWatchCollectionSlow",
        component=Component.PDWATCH,
        expr=f"{CYCLE_SECONDS.name}\n  * {_TARGET} rate({CYCLES.name}[5m])\n  > $cycle_share",
        severity="warning",
        summary=f"pdwatch at {_HERE} can hardly keep its interval.",
        description="Collecting takes {{ $value | humanizePercentage }} of the time between two snapshots.",
        meaning="The time of a cycle is nearly all of the interval: numbers come late, and one slow worker more makes pdwatch "
        "miss rounds.",
        confirm="Compare `pdwatch_cycle_duration_seconds` with `scrape.interval`; look which workers have the longest "
        "`pdwatch_worker_scrape_duration_seconds`.",
        fix="Mend the slow workers, shorten `scrape.timeout`, lengthen `scrape.interval`, or divide the services over several "
        "pdwatch.",
        confused_with="A host without CPU to spare: look at `process_cpu_seconds_total`.",
        for_seconds=300.0,
        keep_firing_for_seconds=300.0,
        board=Board.SELF,
    ),
    Alert(
        name="PDWatchRestartsOften",
        component=Component.PDWATCH,
        expr=f"changes({PROCESS_START.name}[30m]) > 2\nand {_TARGET} {BUILD_INFO.name}",
        severity="warning",
        summary=f"pdwatch at {_HERE} restarts again and again.",
        description="It has started {{ $value | humanize }} times within half an hour.",
        meaning="The start of the process changed several times: it ends, and something starts it again. Counters of the fleet "
        "begin at zero each time, and what takes time to be found is not found.",
        confirm="Look at the service manager's log: exit status, out of memory, a liveness probe.",
        fix="Give it the memory it needs, mend what its last log lines say.",
        confused_with="Several instances behind one address.",
        for_seconds=60.0,
        keep_firing_for_seconds=600.0,
        board=Board.SELF,
    ),
)

_TOLD = (
    Alert(
        name="PDWatchConfigReloadFailed",
        component=Component.PDWATCH,
        expr=f"{RELOAD_OK.name} == 0",
        severity="warning",
        summary=f"pdwatch at {_HERE} refused its new configuration.",
        description="It goes on with the old one; the next start would fail.",
        meaning="The configuration was read again and has an error. The old one stays in use.",
        confirm="`curl -X POST .../-/reload` answers with the file, the line and the mend.",
        fix="Mend the file and reload.",
        confused_with="Nothing: the file is wrong, or a file that it names is missing.",
        for_seconds=60.0,
        board=Board.SELF,
    ),
    Alert(
        name="PDWatchDiscoveryFailing",
        component=Component.PDWATCH,
        expr=f"min by (job, instance, source) ({DISCOVERY_UP.name}) == 0",
        severity="warning",
        summary="Discovery by {{ $labels.source }} fails.",
        description=f"pdwatch at {_HERE} keeps the workers that it knew; new ones are not found.",
        meaning="The last refresh of a source of discovery failed. Known workers stay.",
        confirm="Ask the source yourself: open the file, or the URL with curl from where pdwatch runs.",
        fix="Mend the source or its address and credentials in the configuration.",
        confused_with="A router that restarts, which is over within a minute.",
        for_seconds=120.0,
        keep_firing_for_seconds=60.0,
        board=Board.SELF,
    ),
    Alert(
        name="PDWatchDiscoveryEmpty",
        component=Component.PDWATCH,
        expr=f"{DISCOVERY_TARGETS.name} == 0\nand max_over_time({DISCOVERY_TARGETS.name}[1h]) > 0",
        severity="warning",
        summary="Discovery by {{ $labels.source }} names nobody any more.",
        description=f"The source answers pdwatch at {_HERE} without error, and lists no target where it did within the hour.",
        meaning="A source that yielded targets yields none, without an error.",
        confirm="Ask the source yourself and count its targets.",
        fix="If the workers were not taken away on purpose, mend the selector, the labels or the file.",
        confused_with="A service that was scaled to zero on purpose.",
        for_seconds=300.0,
        keep_firing_for_seconds=60.0,
        board=Board.SELF,
    ),
    Alert(
        name="PDWatchScrapesFailing",
        component=Component.PDWATCH,
        expr=f"1 - avg by () (max by (service, role, worker) ({WORKER_UP.name}))\n  > $scrapes_failing_share\n"
        f"and count by () (max by (service, role, worker) ({WORKER_UP.name})) > 1",
        severity="critical",
        summary="pdwatch reaches few of all workers.",
        description="Scrapes of {{ $value | humanizePercentage }} of all workers fail at once.",
        meaning="The last scrape of most workers of all services failed. So many do not die at once: it is a network, a "
        "credential or pdwatch itself. Read the other alerts with that in mind.",
        confirm="Fetch `/metrics` of some of these workers from where pdwatch runs, and from elsewhere.",
        fix="Mend the network, the certificate or the token that they share; `pdwatch_worker_trouble_info` says what happens.",
        confused_with="A whole fleet that is shut down or rolled out at once.",
        for_seconds=60.0,
        keep_firing_for_seconds=120.0,
        board=Board.FLEET,
    ),
    Alert(
        name="PDWatchDuplicateSamples",
        component=Component.PDWATCH,
        expr=f"{DUPLICATES.name} > 0",
        severity="warning",
        summary=f"Two workers of pdwatch at {_HERE} have the same labels.",
        description="{{ $value | humanize }} samples are left out of its page because others have the same labels.",
        meaning="Two workers, engines or hosts cannot be told apart by service, role, replica and worker: only one of each is "
        "on the page.",
        confirm="Look for two entries of the same address or `worker` label in discovery (`/sd/workers`).",
        fix="Give each worker its own `worker` label, or remove the double entry.",
        confused_with="Nothing: it is always an error of labels.",
        for_seconds=120.0,
        board=Board.SELF,
    ),
)

_WATCHDOG = (
    Alert(
        name=WATCHDOG,
        component=Component.PDWATCH,
        expr="vector(1)",
        severity="none",
        summary="Alerts find their way.",
        description="This alert always fires. Let somebody outside be told when it stops.",
        meaning="It fires as long as Prometheus evaluates rules and Alertmanager delivers. A dead man's switch outside turns its "
        "absence into a page.",
        confirm="Alertmanager lists it, and its receiver hears it every few minutes.",
        fix="When the outside reports that it stopped: look at Prometheus, at Alertmanager, and at the network between them.",
        confused_with="Nothing; it is no fault when it fires.",
        board=Board.FLEET,
    ),
)

ALERTS = (*_GONE, *_STUCK, *_TOLD, *_WATCHDOG)
