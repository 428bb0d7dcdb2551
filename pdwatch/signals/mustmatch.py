"""What of an engine's cache configuration both sides of a transfer must share, made comparable."""

from __future__ import annotations

from collections.abc import Mapping

_SHARED = ("block_size", "cache_dtype", "mamba_cache_dtype")
"""Labels of `vllm:cache_config_info`; sizes, layouts and memory shares may differ."""


def shared_cache_facts(cache: Mapping[str, str]) -> dict[str, str]:
    """Return those facts that a transfer needs to be equal; what the engine prints as unset is left out."""
    return {name: value for name in _SHARED if (value := cache.get(name, "None")) != "None"}
