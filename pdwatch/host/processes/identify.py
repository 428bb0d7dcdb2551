"""Which program an argument list or a process title belongs to.

A launcher carries its arguments. The processes it starts write a title over theirs: `VLLM::Worker_DP0_TP1_EP1`,
`sglang::scheduler_DP0_TP0`. The prefix before `::` is configurable in vLLM (`VLLM_PROCESS_NAME_PREFIX`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pdwatch.host.processes import flags
from pdwatch.model.process import EngineFamily, ProcessKind, Ranks


@dataclass(frozen=True, slots=True)
class Program:
    """A launcher: its family, how to read its arguments, and these (raw: they never leave this package)."""

    family: EngineFamily
    flags: flags.Table
    arguments: Sequence[str]
    positional_model: bool = False


@dataclass(frozen=True, slots=True)
class Title:
    """A process that says what it is by its title."""

    family: EngineFamily
    kind: ProcessKind
    ranks: Ranks = field(default_factory=Ranks)
    index: int | None = None


@dataclass(frozen=True, slots=True)
class _Launch:
    family: EngineFamily
    flags: flags.Table
    modules: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    """Subcommands, one of which must follow a script; any other is another tool. Empty where there are none."""
    positional_model: bool = False


_LAUNCHES = (
    _Launch(
        EngineFamily.VLLM,
        flags.VLLM,
        modules=("vllm.entrypoints.cli.main",),
        scripts=("vllm",),
        commands=("serve",),
        positional_model=True,
    ),
    _Launch(
        EngineFamily.VLLM, flags.VLLM, modules=("vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server")
    ),
    _Launch(EngineFamily.SGLANG, flags.SGLANG, modules=("sglang.launch_server",)),
    _Launch(EngineFamily.SGLANG, flags.SGLANG, scripts=("sglang",), commands=("serve",), positional_model=True),
    _Launch(EngineFamily.DYNAMO, flags.DYNAMO_VLLM, modules=("dynamo.vllm", "dynamo.mocker")),
    _Launch(EngineFamily.DYNAMO, flags.DYNAMO_SGLANG, modules=("dynamo.sglang",)),
    _Launch(EngineFamily.DYNAMO, flags.DYNAMO_TENSORRT_LLM, modules=("dynamo.trtllm",)),
    _Launch(EngineFamily.DYNAMO_FRONTEND, flags.ROUTER, modules=("dynamo.frontend",)),
    _Launch(
        EngineFamily.TENSORRT_LLM_ORCHESTRATOR,
        flags.TENSORRT_LLM,
        modules=("tensorrt_llm.commands.serve",),
        scripts=("trtllm-serve",),
        commands=("disaggregated",),
    ),
    _Launch(
        EngineFamily.TENSORRT_LLM,
        flags.TENSORRT_LLM,
        modules=("tensorrt_llm.commands.serve",),
        scripts=("trtllm-serve",),
        commands=("serve", "disaggregated_mpi_worker"),
        positional_model=True,
    ),
    _Launch(
        EngineFamily.TENSORRT_LLM,
        flags.TENSORRT_LLM,
        modules=("tensorrt_llm.commands.serve",),
        scripts=("trtllm-serve",),
        positional_model=True,
    ),
    _Launch(EngineFamily.VLLM_ROUTER, flags.ROUTER, modules=("vllm_router.launch_router",), scripts=("vllm-router",)),
    _Launch(
        EngineFamily.SGLANG_ROUTER,
        flags.ROUTER,
        modules=("sglang_router.launch_router", "sglang_router.launch_server"),
        scripts=("sglang-router", "smg"),
    ),
    _Launch(EngineFamily.LLM_D_ROUTER, flags.ROUTER, scripts=("pd-sidecar", "llm-d-routing-sidecar")),
)
"""In this order: the first that fits wins, so the forms with a subcommand stand before the one without."""

_PYTHON = re.compile(r"(?:python|pypy)[\d.]*t?d?")
_MODULE_OPTION = re.compile(r"-[A-Za-z]*m")
_VLLM_TITLE = re.compile(r"[\w.-]{1,32}::(APIServer|EngineCor|(?:Vllm)?Worker|DP_?Coord)(\w*)")
_SGLANG_TITLE = re.compile(r"sglang::([a-z_]+)(\w*)")
_RANK = re.compile(r"(?:^|_)(DP|PP|TP|EP)(\d{1,6})(?=_|$)")
_INDEX = re.compile(r"_(\d{1,6})$")
_VLLM_KINDS = {
    "APIServer": ProcessKind.API_SERVER,
    "EngineCor": ProcessKind.ENGINE_CORE,
    "Worker": ProcessKind.WORKER,
    "VllmWorker": ProcessKind.WORKER,
}
_SGLANG_KINDS = (
    ("schedul", ProcessKind.ENGINE_CORE),
    ("gpu_worker", ProcessKind.WORKER),
    ("data_parallel", ProcessKind.COORDINATOR),
    ("tokenizer_worker", ProcessKind.API_SERVER),
)


def title(text: str) -> Title | None:
    """Return what a process title (or the kernel's first 15 characters of it) says, `None` for any other text."""
    text = text.strip()
    if text == "VLLM_DP_Coordinator":
        return Title(EngineFamily.VLLM, ProcessKind.COORDINATOR)
    match = _SGLANG_TITLE.match(text)
    if match:
        kind = next((kind for start, kind in _SGLANG_KINDS if match[1].startswith(start)), ProcessKind.OTHER)
        return Title(EngineFamily.SGLANG, kind, _ranks(match[2]))
    match = _VLLM_TITLE.match(text)
    if match is None:
        return None
    kind = _VLLM_KINDS.get(match[1], ProcessKind.COORDINATOR)
    index = _INDEX.search(match[2]) if kind is ProcessKind.API_SERVER else None
    return Title(EngineFamily.VLLM, kind, _ranks(match[2]), int(index[1]) if index else None)


def _ranks(text: str) -> Ranks:
    return Ranks(**{key.lower(): int(value) for key, value in _RANK.findall(text)})


def launcher(argv: Sequence[str]) -> Program | None:
    """Return the program that *argv* starts, `None` where it is none of ours."""
    split = _script_or_module(argv)
    if split is None:
        return None
    script, module, rest = split
    for launch in _LAUNCHES:
        if script not in launch.scripts and module not in launch.modules:
            continue
        if not launch.commands:
            return Program(launch.family, launch.flags, rest, launch.positional_model)
        if rest and rest[0] in launch.commands:
            return Program(launch.family, launch.flags, rest[1:], launch.positional_model)
    return None


def _script_or_module(argv: Sequence[str]) -> tuple[str, str, Sequence[str]] | None:
    """Return the base name of a script, the name of a module, and the arguments after it. Code in `-c` is not read."""
    if not argv or not argv[0]:
        return None
    head = argv[0].rpartition("/")[2]
    if _PYTHON.fullmatch(head) is None:
        return head, "", argv[1:]
    at = 1
    while at < len(argv):
        token = argv[at]
        if _MODULE_OPTION.fullmatch(token):
            return ("", argv[at + 1], argv[at + 2 :]) if at + 1 < len(argv) else None
        if not token.startswith("-"):
            return token.rpartition("/")[2], _module_of(token), argv[at + 1 :]
        if token in ("-c", "-"):
            return None
        at += 2 if token in ("-X", "-W") else 1
    return None


def _module_of(path: str) -> str:
    """Return the module whose file *path* is, as in `…/vllm/entrypoints/openai/api_server.py`; empty for others."""
    if not path.endswith(".py"):
        return ""
    dotted = path[: -len(".py")].replace("/", ".")
    known = (module for launch in _LAUNCHES for module in launch.modules)
    return next((module for module in known if dotted.endswith(f".{module}")), "")
