"""Where the server listens, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest

from pdwatch.export.server import ListenError, Server, address, listen


async def nothing(scope, receive, send):
    """An application that is never asked."""


def test_port_zero_is_a_free_port_that_is_reported(site):
    """Whoever starts it can tell where it is."""
    assert site.server.port > 0
    assert f"http://127.0.0.1:{site.server.port}/" == site.server.url


def test_a_taken_port_is_said_before_anything_starts():
    """One line names the address and the mend; nothing is left running."""

    async def start() -> int:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            text = f"^127.0.0.1:{port} is taken by another process; choose another with --listen HOST:PORT$"
            with pytest.raises(ListenError, match=text):
                await Server(nothing).start("127.0.0.1", port)
        return len(asyncio.all_tasks())

    assert 1 == asyncio.run(start())


@pytest.mark.parametrize(
    ("host", "port", "says"),
    [
        ("192.0.2.1", 10077, "192.0.2.1:10077 is no address of this machine"),
        ("no-such-host.invalid", 10077, "no-such-host.invalid:10077 is no address of this machine"),
        ("127.0.0.1", 70000, "127.0.0.1:70000 has no valid port"),
    ],
)
def test_an_address_that_is_not_ours_is_said(host, port, says):
    """Each mistake is one line with the mend."""
    with pytest.raises(ListenError, match=f"^{says}; choose .* --listen HOST:PORT$"):
        listen(host, port)


def test_an_empty_host_is_every_address():
    """`:10077` listens everywhere, as with Prometheus."""
    with listen("", 0) as listener, socket.create_connection(("127.0.0.1", listener.getsockname()[1])) as connection:
        assert listener.getsockname()[1] == connection.getpeername()[1]


def test_ipv6_addresses_are_written_in_brackets():
    """An address can be pasted into a browser."""
    assert ("[::1]:10077", "node0:10077") == (address("::1", 10077), address("node0", 10077))


def test_signals_are_left_to_the_program():
    """Starting and stopping changes no signal handler."""

    async def handlers() -> list[object]:
        server = Server(nothing)
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        await server.start("127.0.0.1", 0)
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        await server.stop()
        await server.stop()
        return [before, during]

    before, during = asyncio.run(handlers())

    assert before == during


def test_a_stopped_server_gives_its_port_back():
    """The next start on the same port works at once."""

    async def twice() -> list[int]:
        ports = [0]
        for _ in range(2):
            server = Server(nothing)
            await server.start("127.0.0.1", ports[-1])
            ports.append(server.port)
            await server.stop()
        return ports[1:]

    first, second = asyncio.run(twice())

    assert first == second
