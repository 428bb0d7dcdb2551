"""An HTTP server that answers as Prometheus does, with answers that a test gives it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from pdwatch.generate.dashboards.preview.prometheus import Prometheus

Answers = dict[str, Any]
"""By expression: series as `{"labels": ..., "values": [[at, "value"], ...]}`; by path: the data itself, or a status."""


class Server:
    """A server on a free port."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                split = urlsplit(self.path)
                parameters = {name: values[0] for name, values in parse_qs(split.query).items()}
                status, body = owner.answer(split.path.removeprefix("/api/v1/"), parameters)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, path: str, parameters: dict[str, str]) -> tuple[int, bytes]:
        """Return status and body of a request."""
        self.asked.append((path, parameters))
        if "raw" in self.answers:
            return 200, self.answers["raw"]
        if parameters.get("query") == "bad(":
            return 400, json.dumps({"status": "error", "error": "unclosed left parenthesis"}).encode()
        data = self.answers.get(path, self._series(path, parameters))
        return 200, json.dumps({"status": "success", "data": data}).encode()

    def _series(self, path: str, parameters: dict[str, str]) -> Any:
        found = self.answers.get(parameters.get("query", ""), [])
        if path == "query":
            return {"result": [{"metric": each["labels"], "value": each["values"][-1]} for each in found]}
        if path == "query_range":
            return {"result": [{"metric": each["labels"], "values": each["values"]} for each in found]}
        return found

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    """The server."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def prometheus(server: Server) -> Iterator[Prometheus]:
    """The client, on the server."""
    with httpx.Client(timeout=5, trust_env=False) as client:
        yield Prometheus(server.url, client)


@pytest.fixture
def one() -> Callable[..., list[dict[str, Any]]]:
    """Return an answer of one series that has the same value at 0, 10, 20 and 30 seconds."""

    def make(value: float, **labels: str) -> list[dict[str, Any]]:
        return [{"labels": labels, "values": [[at, str(value)] for at in (0, 10, 20, 30)]}]

    return make
