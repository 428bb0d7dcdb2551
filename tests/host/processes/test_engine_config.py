"""What argument lists say."""

from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdwatch.host.processes.engineconfig import engine_config
from pdwatch.host.processes.identify import launcher
from pdwatch.model.process import EngineConfig, EngineFamily
from pdwatch.model.target import Role


def config_of(command: str, *more: str) -> EngineConfig:
    program = launcher([*shlex.split(command), *more])
    assert program is not None
    return engine_config(program)


@pytest.mark.parametrize(
    "command",
    [
        "vllm serve m --tensor-parallel-size 4 --data-parallel-size 8 --max-model-len 32768",
        "vllm serve m --tensor-parallel-size=4 --data-parallel-size=8 --max-model-len=32K",
        "vllm serve m --tensor_parallel_size 4 --data_parallel_size 8 --max_model_len 32k",
        "vllm serve m -tp 4 -dp 8 --max-model-len 32.768k",
        "vllm serve m -tp=4 -dp=8 --max-model-len auto --max-model-len 32768",
        "/usr/bin/python3.12 -m vllm.entrypoints.openai.api_server --model m -tp 4 -dp 8 --max-model-len 32768",
        "python3 -X dev -um vllm.entrypoints.cli.main serve m -tp 4 -dp 8 --max-model-len 32768",
        "python /x/site-packages/vllm/entrypoints/openai/api_server.py --model m -tp 4 -dp 8 --max-model-len 32768",
        "vllm serve --unknown-flag a b -tp 4 -dp 8 --max-model-len 32768 --model m",
        "vllm serve --trust-remote-code m -tp 4 -dp 8 --max-model-len 32768",
    ],
)
def test_every_way_to_write_an_argument_gives_the_same_configuration(command: str) -> None:
    """Dashes or underscores, blanks or equals signs, short or long, by script or by module."""
    config = config_of(command)

    assert ("m", 4, 8) == (config.model, config.tensor_parallel, config.data_parallel)
    assert config.max_model_len in (32768, 32000)
    assert () == config.notes


def test_decimal_and_binary_units_differ() -> None:
    """`32k` is 32000 tokens, `32K` is 32768."""
    assert 32000 == config_of("vllm serve m --max-model-len 32k").max_model_len
    assert 32768 == config_of("vllm serve m --max-model-len 32K").max_model_len


def test_kv_transfer_as_json() -> None:
    """All keys of the transfer configuration are typed."""
    config = config_of(
        "vllm serve m --kv-transfer-config",
        '{"kv_connector":"P2pNcclConnector","kv_role":"kv_producer","kv_rank":0,"kv_parallel_size":2,'
        '"kv_buffer_device":"cpu","kv_buffer_size":"8e9","kv_port":14579,"kv_load_failure_policy":"recompute",'
        '"kv_connector_extra_config":{"send_type":"PUT_ASYNC","backends":["UCX","GDS"],"aws_secret":"planted"}}',
    )
    kv = config.kv

    assert Role.PREFILL is config.role
    assert kv is not None
    assert ("P2pNcclConnector", "kv_producer", 0, 2) == (kv.connector, kv.role, kv.rank, kv.parallel_size)
    assert ("cpu", 8e9, 14579, "recompute") == (kv.buffer_device, kv.buffer_bytes, kv.port, kv.load_failure_policy)
    assert {"send_type": "PUT_ASYNC", "backends": "UCX,GDS"} == kv.extra


def test_kv_transfer_by_dotted_keys() -> None:
    """Dotted keys build the same document, and win over the JSON before them."""
    config = config_of(
        """vllm serve m --kv-transfer-config '{"kv_role":"kv_both"}' --kv-transfer-config.kv_connector NixlConnector
        --kv_transfer_config.kv_role=kv_consumer --kv-transfer-config.kv_connector_extra_config.backends+ UCX
        --kv-transfer-config.kv_connector_extra_config.backends+ LIBFABRIC --kv-transfer-config.kv_rank 1"""
    )

    assert config.kv is not None
    assert Role.DECODE is config.role
    assert ("NixlConnector", 1) == (config.kv.connector, config.kv.rank)
    assert {"backends": "UCX,LIBFABRIC"} == config.kv.extra


def test_connectors_inside_a_multi_connector() -> None:
    """Each nested connector has its own configuration."""
    nested = {
        "kv_connector": "MultiConnector",
        "kv_role": "kv_both",
        "kv_connector_extra_config": {
            "connectors": [
                {"kv_connector": "NixlConnector", "kv_role": "kv_both", "kv_buffer_device": "cuda"},
                {
                    "kv_connector": "OffloadingConnector",
                    "kv_role": "kv_both",
                    "kv_connector_extra_config": {"num_cpu_blocks": 1000},
                },
            ]
        },
    }
    config = config_of("vllm serve m --kv-transfer-config", json.dumps(nested))

    assert config.kv is not None
    assert ("MultiConnector", "NixlConnector", "OffloadingConnector") == config.kv.connectors
    assert "cuda" == config.kv.children[0].buffer_device
    assert {"num_cpu_blocks": "1000"} == config.kv.children[1].extra


def test_broken_json_gives_a_note_and_leaves_the_rest() -> None:
    """The role is open then, and the note does not repeat the text."""
    config = config_of("vllm serve m --port 8100", "--kv-transfer-config", '{"kv_role": "planted', "-tp", "2")

    assert (8100, 2, None) == (config.port, config.tensor_parallel, config.kv)
    assert Role.UNKNOWN is config.role
    assert ("--kv-transfer-config is not valid JSON at column 13",) == config.notes


def test_unfit_values_are_named_without_being_repeated() -> None:
    """One bad value costs itself only."""
    config = config_of("vllm serve m --port 99999999 -tp many --gpu-memory-utilization nan --max-num-seqs 64")

    assert (8000, None, None, 64) == (
        config.port,
        config.tensor_parallel,
        config.gpu_memory_utilization,
        config.max_num_seqs,
    )
    assert (
        "--port is not a port from 1 to 65535",
        "--tp is not a whole number",
        "--gpu-memory-utilization is not a finite number",
    ) == config.notes


def test_a_headless_host_of_a_wide_group() -> None:
    """Everything the second host of a group says about itself; it has no port."""
    config = config_of(
        "vllm serve m --headless -dp 16 --data-parallel-size-local 8 --data-parallel-start-rank 8 "
        "--data-parallel-address 10.0.0.1 --enable-expert-parallel --all2all-backend deepep_low_latency --enable-dbo "
        """--enable-eplb --eplb-config '{"window_size":1000,"step_interval":3000,"num_redundant_experts":32}' """
        "--eplb-config.log_balancedness true"
    )

    assert config.headless
    assert None is config.port
    assert (16, 8, 8, "10.0.0.1") == (
        config.data_parallel,
        config.data_parallel_local,
        config.data_parallel_start_rank,
        config.data_parallel_address,
    )
    assert (True, True, "deepep_low_latency") == (
        config.expert_parallel,
        config.dual_batch_overlap,
        config.all2all_backend,
    )
    assert (True, 1000, 3000, 32, True) == (
        config.eplb.enabled,
        config.eplb.window_size,
        config.eplb.step_interval,
        config.eplb.redundant_experts,
        config.eplb.log_balancedness,
    )


def test_switches_can_be_turned_off() -> None:
    """`--no-x`, `--x=false` and not given are three different things."""
    assert False is config_of("vllm serve m --no-enable-prefix-caching").prefix_caching
    assert False is config_of("vllm serve m --enable-prefix-caching=false").prefix_caching
    assert True is config_of("vllm serve m --enable-prefix-caching").prefix_caching
    assert None is config_of("vllm serve m").prefix_caching
    assert False is config_of("vllm serve m --disable-log-stats").log_stats


@pytest.mark.parametrize(
    ("command", "family", "role", "port"),
    [
        ("vllm serve m", EngineFamily.VLLM, Role.BOTH, 8000),
        ("vllm serve m --config serve.yaml", EngineFamily.VLLM, Role.UNKNOWN, 8000),
        (
            """vllm serve m --kv-transfer-config '{"kv_connector":"N","kv_role":"kv_both"}'""",
            "vllm",
            Role.UNKNOWN,
            8000,
        ),
        ("python -m sglang.launch_server --model-path m", EngineFamily.SGLANG, Role.BOTH, 30000),
        ("python -m sglang.launch_server --disaggregation-mode prefill", EngineFamily.SGLANG, Role.PREFILL, 30000),
        ("sglang serve m --disaggregation-mode decode --enable-pd-role-switch", "sglang", Role.UNKNOWN, 30000),
        ("python3 -m dynamo.vllm --model m --is-prefill-worker", EngineFamily.DYNAMO, Role.PREFILL, None),
        ("python3 -m dynamo.vllm --model m --disaggregation-mode decode", EngineFamily.DYNAMO, Role.DECODE, None),
        ("python3 -m dynamo.sglang --model-path m", EngineFamily.DYNAMO, Role.UNKNOWN, None),
        ("python3 -m dynamo.frontend --http-port 9000", EngineFamily.DYNAMO_FRONTEND, Role.ROUTER, 9000),
        ("trtllm-serve m --server_role CONTEXT --port 8001", EngineFamily.TENSORRT_LLM, Role.PREFILL, 8001),
        ("trtllm-serve serve m --server_role generation", EngineFamily.TENSORRT_LLM, Role.DECODE, 8000),
        ("trtllm-serve disaggregated -c d.yaml", EngineFamily.TENSORRT_LLM_ORCHESTRATOR, Role.ROUTER, 8000),
        ("python -m sglang_router.launch_router --port 8123", EngineFamily.SGLANG_ROUTER, Role.ROUTER, 8123),
        ("vllm-router --port 8123", EngineFamily.VLLM_ROUTER, Role.ROUTER, 8123),
    ],
)
def test_family_role_and_port_of_each_program(command: str, family: str, role: Role, port: int | None) -> None:
    """A role is stated only where the arguments settle it."""
    config = config_of(command)

    assert (family, role, port) == (config.family, config.role, config.port)


def test_a_router_names_its_workers_without_credentials() -> None:
    """Bootstrap ports beside the URLs are no URLs."""
    config = config_of(
        "vllm-router --prefill http://user:planted@p0:8100 8998 --prefill http://p1:8100 --decode http://d0:8200?key=planted"
    )

    assert ("http://p0:8100", "http://p1:8100") == config.prefill_urls
    assert ("http://d0:8200",) == config.decode_urls


def test_speculative_decoding() -> None:
    """Method and number of draft tokens."""
    config = config_of("vllm serve m --speculative-config.method eagle3 --speculative-config.num_speculative_tokens 3")

    assert ("eagle3", 3) == (config.speculative_method, config.speculative_tokens)


@pytest.mark.parametrize(
    "command",
    [
        "vllm bench serve --model m",
        "vllm --version",
        "bash -c 'vllm serve m'",
        "python -c 'import vllm' serve",
        "vim vllm",
        "grep vllm serve",
        "python -m",
        "python",
        "",
    ],
)
def test_other_programs_are_no_engines(command: str) -> None:
    """Only what serves is taken, and code given with `-c` is not looked at."""
    assert None is launcher(shlex.split(command))


@given(
    st.lists(
        st.text() | st.sampled_from(["-tp", "--port=", "--kv-transfer-config", "--eplb-config.a.b", "{", "[1]", "1"])
    )
)
def test_no_arguments_break_the_parser(arguments: list[str]) -> None:
    """Whatever stands on the command line, a configuration comes out."""
    assert EngineFamily.VLLM is config_of("vllm serve m", *arguments).family
