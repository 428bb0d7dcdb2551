#!/bin/sh
# Make a virtual environment with the real programs that the tests here start: Dynamo's frontend and mocker workers
# (CPU only, no etcd, no NATS), vllm-router and sglang-router. About 500 MB.
set -eu
venv="$1"
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
$pip --no-deps ai-dynamo==1.6.1 ai-dynamo-runtime==1.6.1
$pip 'pydantic>=2.10' uvloop packaging pyyaml msgspec aiohttp vllm-router==0.1.17 sglang-router==0.3.2
