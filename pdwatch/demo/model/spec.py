"""What a simulated fleet is made of. Times are seconds, sizes bytes or tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pdwatch.demo.model.load import Load


class Role(StrEnum):
    """What a worker does."""

    PREFILL = "prefill"
    DECODE = "decode"


class Policy(StrEnum):
    """How the router spreads requests."""

    ROUND_ROBIN = "round_robin"
    LEAST_LOADED = "least_loaded"


class LoadFailure(StrEnum):
    """What decode does with a request whose KV did not arrive."""

    FAIL = "fail"
    RECOMPUTE = "recompute"


@dataclass(frozen=True, slots=True)
class Performance:
    """How long a pass takes, for an engine of four H200-class GPUs that serves a 70B-class model.

    A prefill chunk of x tokens after p past tokens costs `per_token*x + attention*x*(p + x/2)`, a pass adds
    `pass_base`. A decode step over n requests with k KV tokens costs `alpha + beta*n + gamma*k`.
    """

    pass_base: float = 0.008
    per_token: float = 42e-6
    attention: float = 1.5e-9
    alpha: float = 0.014
    beta: float = 0.00016
    gamma: float = 3e-8
    cold_passes: int = 20
    """Passes after a start that run `cold_factor` times longer; engines present at time 0 are warm."""
    cold_factor: float = 1.5

    def chunk_seconds(self, tokens: int, past: int) -> float:
        """Time of a prefill chunk without the pass's base."""
        return self.per_token * tokens + self.attention * tokens * (past + tokens / 2)


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """The workers of one role."""

    workers: int = 2
    engines: int = 1
    """Data-parallel ranks on each worker."""
    kv_blocks: int = 18_000
    """KV blocks of each engine."""
    max_num_seqs: int = 256
    gpus: int = 4
    """GPUs of each worker."""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """The links that KV crosses, one per host."""

    bytes_per_second: float = 50e9
    latency: float = 0.002
    kv_bytes_per_token: int = 327_680
    """80 layers, 8 KV heads of 128, keys and values, two bytes each."""
    layers: int = 80
    tensor_parallel: int = 4
    """Each tensor-parallel rank moves its own shard and is one observation."""


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """Everything that decides a run besides its seed and the faults set while it runs."""

    load: Load
    prefill: PoolSpec = field(default_factory=PoolSpec)
    decode: PoolSpec = field(default_factory=PoolSpec)
    performance: Performance = field(default_factory=Performance)
    network: NetworkSpec = field(default_factory=NetworkSpec)
    policy: Policy = Policy.ROUND_ROBIN
    load_failure: LoadFailure = LoadFailure.FAIL
    model_name: str = "meta-llama/Llama-3.3-70B-Instruct"
    block_size: int = 16
    max_batched_tokens: int = 8192
    max_model_len: int = 32_768
    lease_seconds: float = 30.0
    """How long prefill keeps finished KV for decode without a sign of life."""
    lease_extension: float = 20.0
    """What a living decode engine adds while it still wants the KV."""
    detection_seconds: float = 5.0
    """How long the router keeps choosing a worker that refuses connections."""

    def pool(self, role: Role) -> PoolSpec:
        """The pool of *role*."""
        return self.prefill if role is Role.PREFILL else self.decode
