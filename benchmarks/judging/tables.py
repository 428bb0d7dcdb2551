"""Measured data that some have: performance tables and public request traces. Nothing needs them."""

from __future__ import annotations

import ast
import csv
import gzip
import json
import struct
import zipfile
from collections.abc import Sequence
from datetime import datetime
from math import prod
from pathlib import Path

from pdwatch.demo.model import Performance

Trace = tuple[tuple[float, int, int], ...]


def read_npz(path: Path) -> dict[str, tuple[tuple[int, ...], tuple[float, ...]]]:
    """Return shape and values of each array of *path*, row by row.

    Arrays are little-endian 64-bit floats in C order, in the NumPy format 1.0; raises `ValueError` for others.
    """
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            length = struct.unpack("<H", data[8:10])[0]
            header = ast.literal_eval(data[10 : 10 + length].decode())
            if header["descr"] != "<f8" or header["fortran_order"]:
                raise ValueError(f"{path}: {name} is {header['descr']}; expected <f8 in C order")
            shape = tuple(header["shape"])
            values = struct.unpack_from(f"<{prod(shape)}d", data, 10 + length)
            arrays[name.removesuffix(".npy")] = (shape, values)
    return arrays


def fit_performance(path: Path) -> Performance:
    """Fit the pass times of the simulator to a measured table (milliseconds) by least squares on relative error."""
    arrays = read_npz(path)
    lengths, seconds = arrays["prefill_isl"][1], [value / 1000 for value in arrays["prefill_ttft_ms"][1]]
    rows = [(1.0, x, x * x / 2) for x in lengths]
    base, per_token, attention = _least_squares(rows, seconds)
    contexts = arrays["decode_context_length"][1]
    (kv_rows, columns), itl = arrays["decode_itl"]
    steps, times = [], []
    for i in range(kv_rows):
        for j in range(columns):
            kv = arrays["decode_active_kv_tokens"][1][i]
            steps.append((1.0, kv / contexts[j], kv))
            times.append(itl[i * columns + j] / 1000)
    near = [index for index, step in enumerate(steps) if step[1] <= 256]
    alpha, beta, gamma = _least_squares([steps[i] for i in near], [times[i] for i in near])
    return Performance(
        pass_base=max(base, 0.0),
        per_token=max(per_token, 0.0),
        attention=max(attention, 0.0),
        alpha=max(alpha, 0.0),
        beta=max(beta, 0.0),
        gamma=max(gamma, 0.0),
    )


def _least_squares(rows: Sequence[tuple[float, float, float]], values: Sequence[float]) -> tuple[float, float, float]:
    """Solve three unknowns by normal equations, each row weighted by one over its value, columns scaled to their
    largest entry."""
    scale = [max(row[i] for row in rows) or 1.0 for i in range(3)]
    scaled = [[row[i] / scale[i] / value for i in range(3)] for row, value in zip(rows, values, strict=True)]
    a = [[sum(r[i] * r[j] for r in scaled) for j in range(3)] + [sum(r[i] for r in scaled)] for i in range(3)]
    for i in range(3):
        pivot = max(range(i, 3), key=lambda k: abs(a[k][i]))
        a[i], a[pivot] = a[pivot], a[i]
        for k in range(3):
            if k != i:
                factor = a[k][i] / a[i][i]
                a[k] = [x - factor * y for x, y in zip(a[k], a[i], strict=True)]
    first, second, third = (a[i][3] / a[i][i] / scale[i] for i in range(3))
    return first, second, third


def azure_trace(folder: Path, seconds: float, times: int) -> Trace | None:
    """Return the Azure LLM inference trace 2023 (conversation), each request *times* times within 20 s of itself.

    None where the file is not there. Spread evenly, so that it is the same every time.
    """
    path = folder / "AzureLLMInferenceTrace_conv.csv"
    if not path.exists():
        return None
    with path.open(newline="") as file:
        rows = [(row["TIMESTAMP"], row["ContextTokens"], row["GeneratedTokens"]) for row in csv.DictReader(file)]
    begin = _moment(rows[0][0])
    requests = [
        (_moment(at) - begin + 20.0 * copy / times, int(tokens_in), int(tokens_out))
        for at, tokens_in, tokens_out in rows
        for copy in range(times)
    ]
    return tuple(sorted(request for request in requests if request[0] < seconds))


def _moment(text: str) -> float:
    return datetime.fromisoformat(text[:26] + "+00:00").timestamp()


def mooncake_trace(folder: Path, seconds: float) -> Trace | None:
    """Return the Mooncake conversation trace (FAST'25), prompts cut at 16 000 tokens; None where it is not there."""
    path = folder / "mooncake_conversation.jsonl.gz"
    if not path.exists():
        return None
    with gzip.open(path, "rt") as file:
        rows = [json.loads(line) for line in file]
    requests = [(r["timestamp"] / 1000, min(r["input_length"], 16_000), r["output_length"]) for r in rows]
    return tuple(request for request in requests if request[0] < seconds)
