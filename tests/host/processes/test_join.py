"""Which engine group answers a worker's URL."""

from __future__ import annotations

import os
import socket
from typing import Any

from pdwatch.host.processes import ProcessCollector, ProcFs, serving
from pdwatch.host.processes.sockets import Sockets


def head(url: str, tree: Any) -> int | None:
    group = serving(url, ProcessCollector(tree.procfs).collect().groups)
    return None if group is None else group.pid


def test_the_port_it_listens_on_decides(proc: Any) -> None:
    """A port that came from a configuration file is found at the socket."""
    proc.add(100, ["vllm", "serve", "m", "--config", "a.yaml"], listens=[("0.0.0.0", 8100)])
    proc.add(200, ["vllm", "serve", "m", "--port", "8100", "--host", "x"], listens=[("0.0.0.0", 8200)])

    assert 100 == head("http://node0:8100/metrics", proc)


def test_arguments_decide_where_sockets_are_not_readable(proc: Any) -> None:
    """Another user's process is known by its port argument, and by its family's default port."""
    proc.add(100, ["vllm", "serve", "m", "--port", "8100"])
    proc.add(200, ["vllm", "serve", "m"])

    assert 100 == head("node0:8100", proc)
    assert 200 == head("node0:8000", proc)


def test_the_socket_of_a_child_counts(proc: Any) -> None:
    """With several API servers only these listen."""
    proc.add(100, ["vllm", "serve", "m", "--port", "9"])
    proc.add(101, ["VLLM::APIServer_0"], parent=100, listens=[("0.0.0.0", 8100)])

    assert 100 == head("http://node0:8100", proc)


def test_two_pods_with_the_same_port_are_told_apart_by_address(proc: Any) -> None:
    """Each pod has a network namespace of its own."""
    for pid, address in ((100, "10.1.0.5"), (200, "10.1.0.6")):
        proc.add(pid, ["vllm", "serve", "m"], listens=[("0.0.0.0", 8000)])
        proc.address(pid, address)

    assert 200 == head("http://10.1.0.6:8000", proc)
    assert None is head("http://node0:8000", proc)
    assert None is head("http://10.1.0.7:8000", proc)


def test_a_worker_bound_to_one_address_does_not_answer_another(proc: Any) -> None:
    """An engine on loopback is not the one at the host's address."""
    proc.add(100, ["vllm", "serve", "m"], listens=[("127.0.0.1", 8000)])

    assert None is head("http://10.1.0.5:8000", proc)
    assert 100 == head("http://127.0.0.1:8000", proc)


def test_an_impossible_url_fits_nobody(proc: Any) -> None:
    """Neither a bad port nor a missing host is an error here."""
    proc.add(100, ["vllm", "serve", "m", "--headless"])

    assert None is head("http://h:99999", proc)
    assert None is head("http://", proc)
    assert None is head("http://h", proc)


def test_the_real_kernels_tables_are_read() -> None:
    """Our own listening sockets, of both address families, are found by their inodes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        sockets = Sockets(ProcFs())

        assert ("127.0.0.1", port) in sockets.listens([os.getpid()])
        assert "127.0.0.1" in sockets.addresses(os.getpid())


def test_ipv6_addresses_are_read(proc: Any) -> None:
    """Words of the address stand in the machine's byte order; a mapped IPv4 address is written as such."""
    folder = proc.add(100, ["vllm", "serve", "m"], listens=[("0.0.0.0", 1)])
    rows = ["header"]
    for inode, address in ((77, "00000000000000000000000001000000"), (78, "0000000000000000FFFF00000100007F")):
        rows.append(f"0: {address}:1F90 {'0' * 32}:0000 0A 0:0 0:0 0 0 0 {inode} 1")
        (folder / "fd" / str(inode)).symlink_to(f"socket:[{inode}]")
    (folder / "net" / "tcp6").write_text("\n".join(rows))

    assert (("0.0.0.0", 1), ("127.0.0.1", 8080), ("::1", 8080)) == Sockets(proc.procfs).listens([100])
