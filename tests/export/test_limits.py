"""Clients that hold connections, send too much, read too slowly, or ask for what is not theirs."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from pdwatch.export.protocol import PatientProtocol
from pdwatch.export.server import HEADER_BYTES

SOON = 0.2


@pytest.fixture
def impatient(monkeypatch):
    """Limits on time that a test can wait for."""
    monkeypatch.setattr(PatientProtocol, "request_seconds", SOON)
    monkeypatch.setattr(PatientProtocol, "read_seconds", SOON)


def connected(site):
    """Return a connection whose buffer for what comes is small."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", site.server.port))
    return connection


def everything(connection):
    """Return what comes until the server ends the connection, which may be abrupt."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def whole_line(connection):
    """Return the body of an answer of one line."""
    received = b""
    while not received.endswith(b".\n"):
        received += connection.recv(65536) or pytest.fail("the connection has ended")
    return received.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n", b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"])
def test_a_request_that_does_not_come_ends_the_connection(site, impatient, sent):
    """Whether nothing came, a part of the headers, or a part of a second request."""
    with connected(site) as connection:
        connection.sendall(sent)
        answer = everything(connection)

    assert (b"200 OK" in answer) is (b"\r\n\r\n" in sent)


def test_an_idle_connection_after_an_answer_is_kept(site, impatient):
    """Prometheus asks again after its interval; that is no request that does not come."""
    with connected(site) as connection:
        answers = []
        for _ in range(2):
            connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
            answers.append(whole_line(connection))
            time.sleep(2 * SOON)

    assert 2 * [b"pdwatch is healthy.\n"] == answers


def test_headers_without_end_are_refused(site):
    """What may be held of a request is bounded."""
    with connected(site) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * (HEADER_BYTES + 65536))
        answer = everything(connection)

    assert answer == b"" or b" 400 " in answer


def test_a_body_is_not_waited_for(site, impatient):
    """No path takes one; the answer comes at once and the connection ends soon."""
    with connected(site) as connection:
        connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nx")
        answer = everything(connection)

    assert b"200 OK" in answer


def test_a_stream_that_is_not_read_ends(site, impatient, fleet):
    """A viewer that hangs does not hold its connection for ever."""

    def answering():
        return len(asyncio.all_tasks(site.loop))

    idle = answering()
    end = time.monotonic() + 20
    with connected(site) as connection:
        connection.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(1)
        while time.monotonic() < end and answering() > idle:
            site.publish(fleet)
            time.sleep(0.005)

        assert idle == answering()


@pytest.mark.parametrize(
    "path", ["/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/metrics/../../etc/passwd", "//etc/passwd", "/page.html"]
)
def test_no_path_leads_to_a_file(site, path):
    """Nothing is served from the disk."""
    with connected(site) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = everything(connection)

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"root:" not in answer
