"""Log lines of every format, and the recorded logs of a real pair."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture
def prefill_log() -> list[str]:
    """What a prefill worker of vLLM 0.32 wrote, up to the loss of its decode worker."""
    return (DATA / "vllm-0.32-prefill.log").read_text().splitlines()


@pytest.fixture
def decode_log() -> list[str]:
    """What its decode worker wrote."""
    return (DATA / "vllm-0.32-decode.log").read_text().splitlines()
