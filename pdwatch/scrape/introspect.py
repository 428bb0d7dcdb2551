"""What a worker says of itself when asked, apart from its metrics: its version, and its role where it knows one.

vLLM answers `/version`. SGLang (0.5.8 on) has none and answers `/v1/loads` from shared memory, without work for its
scheduler, with its version and the role that it has at the moment; that may be switched while it runs.
"""

from __future__ import annotations

import json
from typing import Any

from pdwatch.model.target import Role

VERSION_PATH = "/version"
LOADS_PATH = "/v1/loads?include=disagg"

_MODES = {"prefill": Role.PREFILL, "decode": Role.DECODE, "null": Role.BOTH}


def version_in(text: str) -> str | None:
    """Return the version in an answer such as `{"version": "0.33.0"}`; `None` where there is none."""
    return _version(_parsed(text))


def version_and_role_in(text: str) -> tuple[str | None, Role | None]:
    """Return version and role in an answer of `/v1/loads`."""
    answer = _parsed(text)
    match answer:
        case {"loads": [{"disaggregation": {"mode": str(mode)}}, *_]}:
            return _version(answer), _MODES.get(mode)
        case {"loads": list()}:
            return _version(answer), None
    return None, None


def _version(answer: Any) -> str | None:
    match answer:
        case {"version": str(version)} if len(version) < 100 and version.isprintable():
            return version
    return None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
