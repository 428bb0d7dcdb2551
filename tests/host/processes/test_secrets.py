"""Secrets in arguments, environment and titles never leave the collector."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from pdwatch.host.processes import ProcessCollector
from pdwatch.host.processes.environment import allowed

SECRET = "pl4nted"
PLACES = [
    ["--api-key", SECRET],
    ["--api-key", "first", SECRET],
    [f"--api-key={SECRET}"],
    ["--hf-token", SECRET],
    [f"HF_TOKEN={SECRET}"],
    [f"AWS_SECRET_ACCESS_KEY={SECRET}", "--port", "8001"],
    ["--model", f"https://user:{SECRET}@hub/m"],
    ["--model", f"s3://bucket/m?X-Signature={SECRET}#{SECRET}"],
    ["--served-model-name", f"a={SECRET}"],
    ["--otlp-traces-endpoint", f"http://u:{SECRET}@otel:4317"],
    ["--kv-transfer-config", json.dumps({"kv_connector": "N", "kv_connector_extra_config": {"password": SECRET}})],
    ["--kv-transfer-config", json.dumps({"kv_ip": f"redis://:{SECRET}@h", "kv_role": f"x {SECRET}"})],
    ["--kv-transfer-config", f'{{"kv_connector": "{SECRET}'],
    [f"--kv-transfer-config.kv_connector_extra_config.lmcache.remote_url=redis://:{SECRET}@h"],
    ["--ssl-keyfile-password", SECRET],
    ["--port", SECRET],
    ["--host", f"user:{SECRET}@host name"],
    ["-tp", SECRET],
    [f"--headless={SECRET}"],
    ["--config", f"/etc/{SECRET}.yaml"],
    [f"--{SECRET}", SECRET],
    ["--prefill", f"http://u:{SECRET}@p:1"],
]


def said(data: Any) -> str:
    return f"{data!r}{json.dumps(asdict(data), default=str)}"


@pytest.mark.parametrize("planted", PLACES, ids=lambda arguments: arguments[0][:30])
def test_no_planted_secret_is_in_any_output(proc: Any, planted: list[str]) -> None:
    """However a secret stands in arguments, environment or a child's title, repr and JSON are free of it."""
    environ = {
        "HF_TOKEN": SECRET,
        "VLLM_API_KEY": SECRET,
        "UCX_TLS": "rc",
        "UCX_NET_DEVICES": f"https://u:{SECRET}@x",
        "XUCX_TLS": SECRET,
        "A": f"1\nUCX_TLS={SECRET}",
    }
    proc.add(100, ["vllm", "serve", *planted], environ=environ)
    proc.add(101, ["vllm-router", *planted], environ=environ)
    proc.add(102, ["python", "-m", "sglang.launch_server", *planted], environ=environ)
    proc.add(110, [f"VLLM::EngineCore_DP0_{SECRET}", SECRET], parent=100)
    proc.add(111, ["bash", "-c", f"HF_TOKEN={SECRET} vllm serve m"], parent=100)

    output = said(ProcessCollector(proc.procfs).collect())

    assert "EngineFamily.SGLANG" in output
    assert SECRET not in output


def test_only_allow_listed_variables_are_kept() -> None:
    """Values with characters that no such variable needs are left out as well."""
    raw = b"UCX_TLS=rc,cuda\0PATH=/bin\0HF_TOKEN=x\0UCX_NET_DEVICES=a b@c\0NCCL_SOCKET_IFNAME=^lo,docker0\0"
    raw += b"junk\0=\0\xff=\xff"

    assert {"NCCL_SOCKET_IFNAME": "^lo,docker0", "UCX_TLS": "rc,cuda"} == allowed(raw)
