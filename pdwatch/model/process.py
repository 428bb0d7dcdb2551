"""Engine processes of one host: what their argument lists, environments and limits tell, without the lists themselves.

Nothing here holds a raw argument list, a raw environment or a process title: they are full of secrets. Only typed
values from allow-lists are kept. What is not said is `None`; `math.inf` is a limit that is unlimited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pdwatch.model.target import Role


class EngineFamily(StrEnum):
    """Which program a process belongs to."""

    VLLM = "vllm"
    SGLANG = "sglang"
    DYNAMO = "dynamo"
    TENSORRT_LLM = "trtllm"
    VLLM_ROUTER = "vllm-router"
    SGLANG_ROUTER = "sglang-router"
    DYNAMO_FRONTEND = "dynamo-frontend"
    TENSORRT_LLM_ORCHESTRATOR = "trtllm-orchestrator"
    LLM_D_ROUTER = "llm-d-router"


ROUTER_FAMILIES = frozenset(
    {
        EngineFamily.VLLM_ROUTER,
        EngineFamily.SGLANG_ROUTER,
        EngineFamily.DYNAMO_FRONTEND,
        EngineFamily.TENSORRT_LLM_ORCHESTRATOR,
        EngineFamily.LLM_D_ROUTER,
    }
)


class ProcessKind(StrEnum):
    """What a process does for its engine group."""

    LAUNCHER = "launcher"
    """Carries the arguments: `vllm serve`, which is often the API server as well."""
    API_SERVER = "api_server"
    ENGINE_CORE = "engine_core"
    """vLLM's EngineCore, SGLang's scheduler: one per data-parallel rank."""
    WORKER = "worker"
    """One GPU's worker."""
    COORDINATOR = "coordinator"
    ROUTER = "router"
    OTHER = "other"
    """A child that does not say what it is."""


class ProcessState(StrEnum):
    """The kernel's word for it, in the groups that matter here."""

    RUNNING = "running"
    SLEEPING = "sleeping"
    BLOCKED = "blocked"
    """Uninterruptible: waits for a disk, a driver or a GPU."""
    STOPPED = "stopped"
    ZOMBIE = "zombie"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks that a process title carries, as in `VLLM::Worker_DP0_TP1_EP1`."""

    dp: int | None = None
    pp: int | None = None
    tp: int | None = None
    ep: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Soft limits of a process; `math.inf` where unlimited, `None` where unreadable."""

    locked_memory_bytes: float | None = None
    open_files: float | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """Where a process runs, as its control group names it."""

    container_id: str | None = None
    pod_uid: str | None = None
    unit: str | None = None
    """systemd unit, which is also the name of its journal."""


@dataclass(frozen=True, slots=True)
class KvTransfer:
    """`--kv-transfer-config` or the like: how KV moves between the sides.

    `extra` holds the allow-listed, scalar entries of the connector's extra configuration as text.
    """

    connector: str | None = None
    role: str | None = None
    """`kv_producer`, `kv_consumer` or `kv_both`."""
    rank: int | None = None
    parallel_size: int | None = None
    buffer_device: str | None = None
    buffer_bytes: float | None = None
    ip: str | None = None
    port: int | None = None
    load_failure_policy: str | None = None
    """`fail` or `recompute`."""
    extra: Mapping[str, str] = field(default_factory=dict)
    children: tuple[KvTransfer, ...] = ()
    """Connectors inside a MultiConnector, in its order."""

    @property
    def connectors(self) -> tuple[str, ...]:
        """Names of this connector and of all inside it, outermost first."""
        own = (self.connector,) if self.connector else ()
        return own + tuple(name for child in self.children for name in child.connectors)


@dataclass(frozen=True, slots=True)
class Eplb:
    """Expert-parallel load balancing as configured; `None` where left to the engine's default."""

    enabled: bool = False
    window_size: int | None = None
    step_interval: int | None = None
    redundant_experts: int | None = None
    log_balancedness: bool | None = None
    log_balancedness_interval: int | None = None
    use_async: bool | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What an argument list says. `None` is "not given", so the engine's default of its version holds."""

    family: EngineFamily
    role: Role = Role.UNKNOWN
    """`UNKNOWN` where the arguments do not tell, as with `kv_both`."""
    model: str | None = None
    served_model_name: str | None = None
    host: str | None = None
    port: int | None = None
    """The port as given, else the family's default; `None` for a process without HTTP."""
    headless: bool = False
    config_file: bool = False
    """A configuration file is named too; it is not read, so values may be missing or overridden here."""

    kv: KvTransfer | None = None

    tensor_parallel: int | None = None
    pipeline_parallel: int | None = None
    data_parallel: int | None = None
    data_parallel_local: int | None = None
    data_parallel_start_rank: int | None = None
    data_parallel_rank: int | None = None
    data_parallel_address: str | None = None
    data_parallel_backend: str | None = None
    hybrid_load_balancing: bool = False
    external_load_balancing: bool = False
    api_server_count: int | None = None
    nodes: int | None = None
    node_rank: int | None = None

    expert_parallel: bool = False
    expert_parallel_size: int | None = None
    eplb: Eplb = Eplb()
    all2all_backend: str | None = None
    dual_batch_overlap: bool = False

    dtype: str | None = None
    quantization: str | None = None
    kv_cache_dtype: str | None = None
    block_size: int | None = None
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_memory_utilization: float | None = None
    prefix_caching: bool | None = None
    chunked_prefill: bool | None = None
    enforce_eager: bool = False
    speculative_method: str | None = None
    speculative_tokens: int | None = None
    log_stats: bool = True
    """False where the engine's metrics and statistics lines are switched off."""

    prefill_urls: tuple[str, ...] = ()
    decode_urls: tuple[str, ...] = ()
    """Workers a router was started with, without credentials or query."""
    notes: tuple[str, ...] = ()
    """What could not be understood, by flag name, never with its value."""


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """One process of an engine group."""

    pid: int
    parent: int
    kind: ProcessKind
    state: ProcessState
    ranks: Ranks = Ranks()
    index: int | None = None
    """Number of an API server among several."""
    namespace_pid: int | None = None
    """The pid inside its container, which is the one in its log lines."""
    started: float | None = None
    """Unix seconds."""
    resident_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class EngineGroup:
    """A launcher and everything below it: the processes of one `vllm serve` on this host.

    Without a launcher (`config` is `None`) these are engine processes that outlived the one who started them.
    """

    pid: int
    """The launcher, or the oldest process where there is none."""
    family: EngineFamily
    config: EngineConfig | None
    processes: tuple[EngineProcess, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Allow-listed variables at the launcher's start."""
    limits: Limits = Limits()
    container: Container = Container()
    listens: tuple[tuple[str, int], ...] = ()
    """Addresses and ports that its processes listen on; empty where their sockets are not readable."""
    addresses: tuple[str, ...] = ()
    """Addresses of the network namespace it lives in; empty where unreadable."""
    notes: tuple[str, ...] = ()

    @property
    def orphaned(self) -> bool:
        """Whether the launcher is gone and its engine processes still run."""
        return self.config is None

    def of_kind(self, kind: ProcessKind) -> tuple[EngineProcess, ...]:
        """Processes of one kind, by pid."""
        return tuple(process for process in self.processes if process.kind is kind)


@dataclass(frozen=True, slots=True)
class HostProcesses:
    """Every engine group of one host."""

    groups: tuple[EngineGroup, ...]
    unreadable: int = 0
    """Processes whose arguments may not be read; more rights would show whether they are engines."""
