"""Expert parallelism: uneven experts, and settings that do not suit the role."""

from __future__ import annotations

from collections.abc import Iterator

from pdwatch.judge.definition import FindingDef, Hit, View
from pdwatch.judge.homes import Home, homes
from pdwatch.model.judgement import Evidence, Severity
from pdwatch.model.target import Role


def _imbalanced(view: View) -> Iterator[Hit]:
    limit = view.thresholds.expert_balancedness_low
    for replica, ratio in view.service.experts.items():
        if ratio < limit:
            scope = _replica_scope(view, replica)
            evidence = (Evidence("expert_balancedness_ratio", ratio, "ratio", limit, scope),)
            text = (
                f"Experts of {replica} are loaded unevenly: balancedness {ratio:.2f}, so the busiest rank works "
                f"{1 / max(ratio, 0.01):.1f} times the mean and the others wait for it."
            )
            yield Hit(scope, text, evidence)
    yield from _guessed(view, limit)


def _guessed(view: View, limit: float) -> Iterator[Hit]:
    """Yield replicas with expert parallelism whose ranks differ in token rate, where no log tells of experts."""
    parallel = {home.worker.replica for home in homes(view) if _ranks(home) > 1}
    for replica, ratio in view.service.expert_balance_estimate.items():
        if replica in parallel and replica not in view.service.experts and ratio < limit:
            scope = _replica_scope(view, replica)
            evidence = (Evidence("expert_balance_estimate", ratio, "ratio", limit, scope),)
            text = (
                f"Ranks of {replica} differ in tokens a second (mean over maximum {ratio:.2f}); its logs do not tell the "
                "balance of experts."
            )
            yield Hit(scope, text, evidence, Severity.INFO)


def _replica_scope(view: View, replica: str) -> dict[str, str]:
    """Return role and replica, and the worker and its host where the replica is only one."""
    members = [worker for worker in view.service.workers if worker.replica == replica]
    scope = {"replica": replica}
    if members:
        scope["role"] = members[0].role.value
    if len(members) == 1:
        scope["worker"] = members[0].worker
        placed = (placement.host for placement in view.service.placements if placement.worker == members[0].worker)
        host = next(placed, None)
        scope |= {} if host is None else {"host": host}
    return scope


def _ranks(home: Home) -> int:
    """Return over how many ranks experts are spread; 1 without expert parallelism.

    vLLM spreads them over tensor- times data-parallel ranks.
    """
    config = home.config
    if config is None:
        return 1
    if config.expert_parallel_size is not None:
        return config.expert_parallel_size
    return (config.tensor_parallel or 1) * (config.data_parallel or 1) if config.expert_parallel else 1


def _eplb_off(view: View) -> Iterator[Hit]:
    for home in homes(view):
        config, ranks = home.config, _ranks(home)
        if config is None or home.worker.role is not Role.DECODE or ranks < 2:
            continue
        if config.eplb.enabled or config.config_file:
            continue
        scope = home.scope()
        balance = view.service.experts.get(home.worker.replica)
        uneven = balance is not None and balance < view.thresholds.expert_balancedness_low
        evidence = (
            Evidence("expert_parallel_ranks", ranks, "ranks", 1, scope),
            Evidence("expert_balancedness_ratio", balance, "ratio", view.thresholds.expert_balancedness_low, scope),
        )
        text = f"{home.worker.worker} on {home.host} spreads experts over {ranks} ranks without EPLB: hot experts stay hot."
        yield Hit(scope, text, evidence, Severity.WARNING if uneven else None)


def _backend(view: View) -> Iterator[Hit]:
    for home in homes(view):
        config, role = home.config, home.worker.role
        if config is None:
            continue
        name = config.all2all_backend or (home.environment or {}).get("VLLM_ALL2ALL_BACKEND", "")
        wrong = (role is Role.DECODE and "high_throughput" in name and spans_hosts(view, home)) or (
            role is Role.PREFILL and "low_latency" in name
        )
        if wrong:
            scope = home.scope()
            wanted = "low-latency" if role is Role.DECODE else "high-throughput"
            evidence = (Evidence("all2all_backend_mismatch", 1.0, "ratio", 0.0, scope),)
            text = (
                f"{home.worker.worker} on {home.host} does {role} with all-to-all back end {name}; {wanted} suits it."
            )
            yield Hit(scope, text, evidence)


def spans_hosts(view: View, home: Home) -> bool:
    """Tell whether a worker's engine group runs on several hosts, by its arguments or by its replica's placements."""
    config = home.config
    if config is not None:
        local, ranks = config.data_parallel_local, config.data_parallel or 1
        if (config.nodes or 1) > 1 or (local is not None and local < ranks) or config.data_parallel_start_rank:
            return True
    replica = {worker.worker for worker in view.service.workers if worker.replica == home.worker.replica}
    return len({place.host for place in view.service.placements if place.worker in replica}) > 1


FINDINGS = (
    FindingDef(
        id="experts_imbalanced",
        severity=Severity.WARNING,
        title="Experts loaded unevenly",
        meaning="The mean of tokens per rank is far below the maximum: every step waits for the rank with the hottest experts. It "
        "comes from the engine's log (EPLB with log_balancedness), in versions that print the balance over ranks. Where "
        "no log tells, ranks that differ in token rate are named as information; that is a hint only.",
        confirm="Look for 'EPLB step' in the log of the replica's first rank and read balancedness.",
        fix="Switch EPLB on, or lower its step interval and raise the number of redundant experts; restart the replica.",
        confused_with="Requests spread unevenly over the ranks, which is queue_imbalanced. Versions 0.10.2 to 0.27.1 print a number near 1 "
        "whatever the load.",
        detect=_imbalanced,
        onset_seconds=10.0,
        explains=("worker_slow", "queue_imbalanced", "slo_itl_missed"),
    ),
    FindingDef(
        id="eplb_off",
        severity=Severity.INFO,
        title="Expert load balancing is off",
        meaning="A decode worker spreads experts over several ranks and was started without EPLB. Popular experts keep their place "
        "and their rank sets the pace. A warning where the log shows that they are uneven.",
        confirm="Look for --enable-eplb in the worker's arguments.",
        fix="Add --enable-eplb and an --eplb-config with redundant experts (for DeepSeek V3 each takes about 2.4 GB a rank); "
        "log_balancedness shows what it brings.",
        confused_with="Small expert groups with even load, which lose nothing.",
        detect=_eplb_off,
        explains=("experts_imbalanced",),
    ),
    FindingDef(
        id="all2all_backend_mismatch",
        severity=Severity.WARNING,
        title="All-to-all back end of the other role",
        meaning="The kernels that exchange tokens between experts come in two kinds: high throughput for prefill's large batches, low "
        "latency for decode's small ones over several hosts. This worker runs the kind of the other role.",
        confirm="Read --all2all-backend or VLLM_ALL2ALL_BACKEND of the worker.",
        fix="Start decode with deepep_low_latency and prefill with deepep_high_throughput.",
        confused_with="Decode on a single host, where high throughput is no mistake and is not told.",
        detect=_backend,
        explains=("worker_slow", "slo_itl_missed"),
    ),
)
