"""Meters to the text of a vLLM 0.33 page. The text around the numbers is built once per page shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from pdwatch.demo.model.families import FAMILIES, Family, Kind
from pdwatch.demo.model.meters import Meters


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a page depends on beside its numbers."""

    model_name: str
    engines: int
    consumer: bool
    """Decode: it registers the KV fetch stages."""
    kv_blocks: int
    block_size: int


@dataclass(frozen=True, slots=True)
class Process:
    """The API-server process behind a page; seconds and bytes."""

    started: float
    """Unix seconds."""
    cpu_seconds: float


def render(shape: Shape, process: Process, engines: Sequence[Meters]) -> str:
    """Return the page in the text format 0.0.4; *engines* are in rank order."""
    numbers = [go_float(process.started), go_float(process.cpu_seconds)]
    created = go_float(process.started)
    for family in _families(shape.consumer):
        if family.kind is Kind.HISTOGRAM:
            for meters in engines:
                numbers += _histogram_numbers(family, meters)
            numbers += [created] * len(engines)
            continue
        hosts = engines if family.by_engine else engines[:1]
        values = [go_float(meters.values[key]) for key in family.keys for meters in hosts]
        numbers += values
        if family.kind is Kind.COUNTER:
            numbers += [created] * len(values)
    return _template(shape) % tuple(numbers)


def go_float(value: float) -> str:
    """Format a number as prometheus_client does: `1.0`, and `1.5e+06` from a million on."""
    if value < 1e6:
        return repr(float(value))
    text = repr(float(value))
    dot = text.find(".")
    if "e" in text or dot <= 6:
        return text
    mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
    return f"{mantissa}e+{dot - 1:02d}"


def _histogram_numbers(family: Family, meters: Meters) -> list[str]:
    histogram = meters.histograms[family.key]
    numbers = [f"{count}.0" if count < 1_000_000 else go_float(count) for count in accumulate(histogram.counts)]
    return [*numbers, numbers[-1], go_float(histogram.total)]


@lru_cache(maxsize=2)
def _families(consumer: bool) -> tuple[Family, ...]:
    return tuple(family for family in FAMILIES if consumer or not family.consumer_only)


@lru_cache(maxsize=256)
def _template(shape: Shape) -> str:
    lines = [*_PYTHON_LINES]
    for family in _families(shape.consumer):
        lines += _family_lines(family, shape)
    return "\n".join([*lines, *_cache_config_lines(shape), ""])


def _family_lines(family: Family, shape: Shape) -> Iterator[str]:
    name = f"vllm:{family.key}"
    sample = f"{name}_total" if family.kind is Kind.COUNTER else name
    engines = range(shape.engines)
    yield f"# HELP {sample} {family.help}"
    yield f"# TYPE {sample} {family.kind}"
    if family.kind is Kind.HISTOGRAM:
        bounds = [*map(go_float, family.buckets), "+Inf"]
        for rank in engines:
            labels = f'model_name="{shape.model_name}"'
            for bound in bounds:
                yield f'{name}_bucket{{engine="{rank}",le="{bound}",{labels}}} %s'
            yield f'{name}_count{{engine="{rank}",{labels}}} %s'
            yield f'{name}_sum{{engine="{rank}",{labels}}} %s'
    label_sets = list(_label_sets(family, shape))
    if family.kind is not Kind.HISTOGRAM:
        yield from (f"{sample}{{{labels}}} %s" for labels in label_sets)
    if family.kind is not Kind.GAUGE:
        yield f"# HELP {name}_created {family.help}"
        yield f"# TYPE {name}_created gauge"
        yield from (f"{name}_created{{{labels}}} %s" for labels in label_sets)


def _label_sets(family: Family, shape: Shape) -> Iterator[str]:
    for value in family.values or ("",):
        for rank in range(shape.engines) if family.by_engine else (0,):
            labels = {"model_name": shape.model_name}
            if family.by_engine:
                labels["engine"] = str(rank)
            if family.label:
                labels[family.label] = value
            yield _text(labels)


def _text(labels: dict[str, str]) -> str:
    return ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))


def _cache_config_lines(shape: Shape) -> Iterator[str]:
    tokens = shape.kv_blocks * shape.block_size
    known = {
        "_block_size_resolved": "True",
        "block_size": str(shape.block_size),
        "cache_dtype": "auto",
        "effective_attention_block_size": str(shape.block_size),
        "enable_prefix_caching": "True",
        "gpu_memory_utilization": "0.9",
        "kv_cache_max_concurrency": f"{tokens / 32768:.2f}",
        "kv_cache_size_tokens": str(tokens),
        "kv_offloading_backend": "native",
        "mamba_cache_dtype": "auto",
        "mamba_cache_mode": "none",
        "mamba_ssm_cache_dtype": "auto",
        "num_gpu_blocks": str(shape.kv_blocks),
        "prefix_caching_hash_algo": "sha256",
        "swa_bounded_replay": "True",
    }
    yield "# HELP vllm:cache_config_info The engine's cache configuration, in labels."
    yield "# TYPE vllm:cache_config_info gauge"
    for rank in range(shape.engines):
        labels = dict.fromkeys(_CACHE_FALSE, "False") | dict.fromkeys(_CACHE_NONE, "None") | known
        yield f"vllm:cache_config_info{{{_text(labels | {'engine': str(rank)})}}} 1.0"


_CACHE_FALSE = (
    "enable_mamba_shared_prefix_checkpoint",
    "is_attention_free",
    "kv_sharing_fast_prefill",
    "use_replayssm",
)
_CACHE_NONE = (
    *("cache_hit_alignment_tokens", "hash_block_size", "kv_cache_dtype_skip_layers", "kv_cache_layout"),
    *("kv_cache_memory_bytes", "kv_offloading_size", "mamba_block_size", "mamba_page_size_padded"),
    *("num_cpu_blocks", "num_gpu_blocks_override", "prefix_cache_retention_interval", "prefix_match_unit"),
    *("replayssm_buffer_len", "simple_cpu_offload_num_blocks", "skip_page_size_padded", "sliding_window"),
    *("use_kda_recoverssm", "user_specified_block_size"),
)


def _python_lines() -> Iterator[str]:
    collections = (
        ("python_gc_objects_collected_total", "Objects collected by the garbage collector.", (15408, 2227, 735)),
        ("python_gc_objects_uncollectable_total", "Objects that could not be collected.", (0, 0, 0)),
        ("python_gc_collections_total", "Collections of each generation.", (1614, 147, 10)),
    )
    for name, text, counts in collections:
        yield from (f"# HELP {name} {text}", f"# TYPE {name} counter")
        yield from (f'{name}{{generation="{i}"}} {count}.0' for i, count in enumerate(counts))
    yield from ("# HELP python_info The Python that runs this.", "# TYPE python_info gauge")
    yield 'python_info{implementation="CPython",major="3",minor="12",patchlevel="9",version="3.12.9"} 1.0'
    process = (
        ("process_virtual_memory_bytes", "gauge", "2.071207936e+09", "Virtual memory."),
        ("process_resident_memory_bytes", "gauge", "7.02267392e+08", "Resident memory."),
        ("process_start_time_seconds", "gauge", "%s", "Start of the process in Unix seconds."),
        ("process_cpu_seconds_total", "counter", "%s", "CPU time, user and system."),
        ("process_open_fds", "gauge", "35.0", "Open file descriptors."),
        ("process_max_fds", "gauge", "20000.0", "Most file descriptors that may be open."),
    )
    for name, kind, value, text in process:
        yield from (f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {value}")


_PYTHON_LINES = tuple(_python_lines())
