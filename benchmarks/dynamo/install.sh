#!/bin/sh
# Make a virtual environment with Dynamo, its planner and its simulator; CPU only. About 1.3 GB.
# 1.5.1, because the planner of 1.6.1 wants aisimulate_core, which is in neither of its wheels, and the simulator of
# 1.4.2 lets prefill workers generate the whole answer before they hand over (https://github.com/ai-dynamo/dynamo/pull/13052).
# Dynamo goes in last and without its requirements: of those, the planner needs what is named first.
set -eu
venv="$1"
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
$pip aiconfigurator-core==0.12.0 aiohttp==3.14.5 filterpy==2.0.0 kubernetes==32.0.1 msgspec==0.22.0 numpy==2.4.6 \
    plotly==7.1.0 pmdarima==2.1.1 prometheus-api-client==0.7.2 prometheus-client==0.26.0 prophet==1.5.0 \
    pydantic==2.12.5 pyyaml==6.0.3 pyzmq==27.3.0 scikit-learn==1.9.1
$pip --no-deps ai-dynamo==1.5.1 ai-dynamo-runtime==1.5.1
