"""The loads of the closed loop, of our own and from files."""

from __future__ import annotations

import struct
import zipfile

import pytest

from benchmarks.judging.loads import LOADS, find_load, fleet_spec
from benchmarks.judging.tables import azure_trace, fit_performance


@pytest.mark.parametrize("name", LOADS)
def test_every_load_of_our_own_is_there(name):
    """None of these needs a file."""
    load = find_load(name, 1500.0, None)

    assert load is not None
    assert fleet_spec(load).load.at(0.0).rate > 0.0


def test_a_trace_that_is_not_there_is_left_out(tmp_path):
    """Without a folder, and with one that lacks the file."""
    assert [None, None] == [find_load("azure", 60.0, None), find_load("azure", 60.0, tmp_path)]


def test_a_trace_is_multiplied_and_cut(tmp_path):
    """Each request three times within twenty seconds of itself, in order of time, and none after the end."""
    rows = ("TIMESTAMP,ContextTokens,GeneratedTokens", "2023-11-16 18:15:46.6805900,374,44")
    (tmp_path / "AzureLLMInferenceTrace_conv.csv").write_text(
        "\n".join((*rows, "2023-11-16 18:15:56.6805900,396,109", "2023-11-16 18:25:00.0000000,1,1"))
    )
    trace = azure_trace(tmp_path, 60.0, 3)

    assert [0.0, 20 / 3, 10.0, 40 / 3, 50 / 3, 70 / 3] == pytest.approx([at for at, _, _ in trace or ()])
    assert 3 == sum(request[1:] == (374, 44) for request in trace or ())


def test_pass_times_are_fitted_to_a_table(tmp_path):
    """A table made of known pass times gives them back."""
    lengths, contexts, kv = (100.0, 1000.0, 4000.0, 16000.0), (500.0, 2000.0), (0.0, 50_000.0, 200_000.0)
    times = [1000 * (0.01 + 5e-5 * x + 2e-9 * x * x / 2) for x in lengths]
    itl = [1000 * (0.015 + 1e-4 * tokens / context + 4e-8 * tokens) for tokens in kv for context in contexts]
    arrays = {
        "prefill_isl": ((4,), lengths),
        "prefill_ttft_ms": ((4,), times),
        "decode_active_kv_tokens": ((3,), kv),
        "decode_context_length": ((2,), contexts),
        "decode_itl": ((3, 2), itl),
    }
    with zipfile.ZipFile(tmp_path / "table.npz", "w") as archive:
        for name, (shape, values) in arrays.items():
            header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".encode()
            size = struct.pack("<H", len(header))
            data = b"\x93NUMPY\x01\x00" + size + header + struct.pack(f"<{len(values)}d", *values)
            archive.writestr(f"{name}.npy", data)
    fitted = fit_performance(tmp_path / "table.npz")

    assert (0.01, 5e-5, 2e-9) == pytest.approx((fitted.pass_base, fitted.per_token, fitted.attention), rel=1e-6)
    assert (0.015, 1e-4, 4e-8) == pytest.approx((fitted.alpha, fitted.beta, fitted.gamma), rel=1e-6)
