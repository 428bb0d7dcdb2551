"""Real engines and routers on loopback, from a virtual environment that `make live-engines` makes.

They are skipped unless `LIVE_ENGINES` names that environment.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def programs() -> Path:
    """Return the folder of the environment's programs."""
    folder = os.environ.get("LIVE_ENGINES")
    if not folder:
        pytest.skip("LIVE_ENGINES names no environment with engines; see make live-engines")
    return Path(folder) / "bin"


@pytest.fixture(scope="module")
def free_port() -> Callable[[], int]:
    """Return a port that is free at the moment; Dynamo takes none above 32767."""

    def find() -> int:
        for port in range(21000, 32000):
            with socket.socket() as probe:
                if port not in used and probe.connect_ex(("127.0.0.1", port)) != 0:
                    used.add(port)
                    return port
        raise AssertionError("no port is free")

    used: set[int] = set()
    return find


@pytest.fixture(scope="module")
def worker_of(start, programs) -> Callable[[str, str], str]:
    """Start a worker of a kind and a role that answers without computing; return its URL."""

    def begin(kind: str, role: str) -> str:
        return str(start(sys.executable, str(HERE / "worker.py"), kind, role).line(r"^http://\S+", "out").group())

    return begin


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with a tokenizer of words `w0` to `w255` and nothing else."""
    folder = tmp_path_factory.mktemp("tiny")
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    words = {name: number for number, name in enumerate(("<s>", "</s>", "<unk>", *(f"w{n}" for n in range(256))))}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [{"id": words[name], "content": name, **special} for name in ("<s>", "</s>")],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "<unk>"},
    }
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "torch_dtype": "bfloat16",
        "vocab_size": len(words),
        "max_position_embeddings": 4096,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
    files = {
        "tokenizer.json": tokenizer,
        "config.json": config,
        "generation_config.json": {"bos_token_id": 0, "eos_token_id": 1},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "chat_template": "{{ messages[0].content }}",
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return folder


class Load:
    """Requests to a completions API, two at a time, until it is stopped."""

    def __init__(self, url: str, body: dict[str, object]) -> None:
        self.answered = self.failed = 0
        self._url, self._body, self._ended = url, body, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        with httpx.Client(timeout=20, trust_env=False) as client:
            while not self._ended.wait(0.05):
                try:
                    good = client.post(self._url, json=self._body).status_code == 200
                except httpx.TransportError:
                    good = False
                self.answered, self.failed = self.answered + good, self.failed + (not good)

    def stop(self) -> None:
        """Let the last answers come in."""
        self._ended.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture(scope="module")
def load_on() -> Iterator[Callable[[str, dict[str, object]], Load]]:
    """Put load on a URL until the module ends."""
    running: list[Load] = []

    def begin(url: str, body: dict[str, object]) -> Load:
        running.append(Load(url, body))
        return running[-1]

    yield begin
    for load in running:
        load.stop()
