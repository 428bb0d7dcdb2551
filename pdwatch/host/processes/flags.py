"""Which flags of which program are read, and into what. A flag that is not here is never kept.

Sources: `vllm serve --help=all` (0.9 to 0.33), `python -m sglang.launch_server --help` (0.5), Dynamo 1.x component
arguments, `trtllm-serve --help` (1.x), vllm-router and sglang-router arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pdwatch.host.processes.arguments import Flag, Take
from pdwatch.host.processes.values import Reader, address, integer, name, number, port, present, url, word

Table = Mapping[str, Flag]


def _value(target: str, reader: Reader, *names: str) -> dict[str, Flag]:
    return {written: Flag(target, Take.VALUE, reader) for written in names}


def _switch(target: str, *names: str, inverted: bool = False) -> dict[str, Flag]:
    return {written: Flag(target, Take.SWITCH, inverted=inverted) for written in names}


def _list(target: str, reader: Reader, *names: str) -> dict[str, Flag]:
    return {written: Flag(target, Take.LIST, reader) for written in names}


def _json(target: str, *names: str) -> dict[str, Flag]:
    return {written: Flag(target, Take.JSON) for written in names}


def _table(*rows: dict[str, Flag]) -> Table:
    return MappingProxyType({written: flag for row in rows for written, flag in row.items()})


_IGNORED_SWITCHES = _switch(
    "", "trust-remote-code", "async-scheduling", "enable-auto-tool-choice", "skip-tokenizer-init"
)

VLLM = _table(
    _IGNORED_SWITCHES,
    _value("model", name, "model"),
    _list("served_model_name", name, "served-model-name"),
    _value("host", address, "host"),
    _value("port", port, "port"),
    _switch("headless", "headless"),
    _value("config_file", present, "config"),
    _json("kv", "kv-transfer-config"),
    _value("tensor_parallel", integer, "tensor-parallel-size", "tp"),
    _value("pipeline_parallel", integer, "pipeline-parallel-size", "pp"),
    _value("data_parallel", integer, "data-parallel-size", "dp"),
    _value("data_parallel_local", integer, "data-parallel-size-local", "dpl"),
    _value("data_parallel_start_rank", integer, "data-parallel-start-rank", "dpr"),
    _value("data_parallel_rank", integer, "data-parallel-rank", "dpn"),
    _value("data_parallel_address", address, "data-parallel-address", "dpa"),
    _value("data_parallel_backend", word, "data-parallel-backend", "dpb"),
    _switch("hybrid_load_balancing", "data-parallel-hybrid-lb", "dph"),
    _switch("external_load_balancing", "data-parallel-external-lb", "dpe", "data-parallel-multi-port-external-lb"),
    _value("api_server_count", integer, "api-server-count", "asc"),
    _value("nodes", integer, "nnodes", "n"),
    _value("node_rank", integer, "node-rank", "r"),
    _switch("expert_parallel", "enable-expert-parallel", "ep"),
    _switch("eplb.enabled", "enable-eplb"),
    _json("eplb", "eplb-config"),
    _value("eplb.redundant_experts", integer, "num-redundant-experts"),
    _value("eplb.window_size", integer, "eplb-window-size"),
    _value("eplb.step_interval", integer, "eplb-step-interval"),
    _switch("eplb.log_balancedness", "eplb-log-balancedness"),
    _value("all2all_backend", word, "all2all-backend"),
    _switch("dual_batch_overlap", "enable-dbo"),
    _value("dtype", word, "dtype"),
    _value("quantization", word, "quantization", "q"),
    _value("kv_cache_dtype", word, "kv-cache-dtype"),
    _value("block_size", integer, "block-size"),
    _value("max_model_len", integer, "max-model-len"),
    _value("max_num_seqs", integer, "max-num-seqs"),
    _value("max_num_batched_tokens", integer, "max-num-batched-tokens"),
    _value("gpu_memory_utilization", number, "gpu-memory-utilization"),
    _switch("prefix_caching", "enable-prefix-caching"),
    _switch("chunked_prefill", "enable-chunked-prefill"),
    _switch("enforce_eager", "enforce-eager"),
    _json("speculative", "speculative-config"),
    _switch("log_stats", "disable-log-stats", inverted=True),
)

SGLANG = _table(
    _IGNORED_SWITCHES,
    _value("model", name, "model-path", "model"),
    _value("served_model_name", name, "served-model-name"),
    _value("host", address, "host"),
    _value("port", port, "port"),
    _value("config_file", present, "config"),
    _value("mode", word, "disaggregation-mode"),
    _switch("mode_changes", "enable-pd-role-switch"),
    _value("kv.connector", word, "disaggregation-transfer-backend"),
    _value("kv.port", port, "disaggregation-bootstrap-port"),
    _value("tensor_parallel", integer, "tensor-parallel-size", "tp-size", "tp"),
    _value("pipeline_parallel", integer, "pipeline-parallel-size", "pp-size", "pp"),
    _value("data_parallel", integer, "data-parallel-size", "dp-size", "dp"),
    _value("expert_parallel_size", integer, "expert-parallel-size", "ep-size", "ep"),
    _value("nodes", integer, "nnodes"),
    _value("node_rank", integer, "node-rank"),
    _switch("eplb.enabled", "enable-eplb"),
    _value("eplb.redundant_experts", integer, "ep-num-redundant-experts"),
    _value("eplb.step_interval", integer, "eplb-rebalance-num-iterations"),
    _value("all2all_backend", word, "moe-a2a-backend"),
    _switch("dual_batch_overlap", "enable-two-batch-overlap"),
    _value("dtype", word, "dtype"),
    _value("quantization", word, "quantization"),
    _value("kv_cache_dtype", word, "kv-cache-dtype"),
    _value("block_size", integer, "page-size"),
    _value("max_model_len", integer, "context-length"),
    _value("max_num_seqs", integer, "max-running-requests"),
    _value("max_num_batched_tokens", integer, "chunked-prefill-size"),
    _value("gpu_memory_utilization", number, "mem-fraction-static"),
    _switch("prefix_caching", "disable-radix-cache", inverted=True),
    _value("speculative_method", word, "speculative-algorithm"),
    _value("speculative_tokens", integer, "speculative-num-draft-tokens"),
    _switch("log_stats", "enable-metrics"),
)

TENSORRT_LLM = _table(
    _IGNORED_SWITCHES,
    _value("model", name, "model", "model-path"),
    _value("served_model_name", name, "served-model-name"),
    _value("host", address, "host"),
    _value("port", port, "port"),
    _value("config_file", present, "config", "config-file", "c", "extra-llm-api-options", "extra-engine-args"),
    _value("mode", word, "server-role", "disaggregation-mode"),
    _value("tensor_parallel", integer, "tp-size", "tensor-parallel-size"),
    _value("pipeline_parallel", integer, "pp-size", "pipeline-parallel-size"),
    _value("expert_parallel_size", integer, "ep-size", "expert-parallel-size"),
    _value("max_model_len", integer, "max-seq-len"),
    _value("max_num_seqs", integer, "max-batch-size"),
    _value("max_num_batched_tokens", integer, "max-num-tokens"),
    _value("gpu_memory_utilization", number, "kv-cache-free-gpu-memory-fraction", "free-gpu-memory-fraction"),
)

_DYNAMO = _table(
    _value("mode", word, "disaggregation-mode"),
    _switch("mode_prefill", "is-prefill-worker"),
    _switch("mode_decode", "is-decode-worker"),
    _value("kv.connector", word, "connector"),
)
DYNAMO_VLLM = _table(dict(VLLM), dict(_DYNAMO))
DYNAMO_SGLANG = _table(dict(SGLANG), dict(_DYNAMO))
DYNAMO_TENSORRT_LLM = _table(dict(TENSORRT_LLM), dict(_DYNAMO))

ROUTER = _table(
    _value("host", address, "host", "http-host"),
    _value("port", port, "port", "http-port"),
    _value("kv.connector", word, "kv-connector"),
    _list("prefill_urls", url, "prefill"),
    _list("decode_urls", url, "decode"),
)
