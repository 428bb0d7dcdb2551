"""A small DNS server on loopback, by UDP and TCP, whose answers a test changes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

UDP_BYTES = 512


@dataclass
class NameServer:
    """Names with their records: (type, name) -> texts such as `0 10 8000 a.local.`."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    silent: bool = False
    failing: bool = False
    truncating: bool = False
    """Whether an answer by UDP says that it is cut short, so that TCP is asked."""
    asked: list[str] = field(default_factory=list)
    """How each question came: `udp` or `tcp`."""

    def answer(self, question: bytes, by: str) -> bytes | None:
        """Return the answer to a question, None for no answer."""
        self.asked.append(by)
        if self.silent:
            return None
        query = dns.message.from_wire(question)
        reply = dns.message.make_response(query, recursion_available=True)
        name, kind = str(query.question[0].name), dns.rdatatype.to_text(query.question[0].rdtype)
        if self.failing:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif texts := self.records.get((kind, name)):
            reply.answer.append(dns.rrset.from_text_list(name, 30, "IN", kind, texts))
        elif not any(known == name for _, known in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        if by == "udp" and self.truncating:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
        return reply.to_wire()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Answer on a port of loopback and give its address."""
        loop = asyncio.get_running_loop()
        stream = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        port = stream.sockets[0].getsockname()[1]
        datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=("127.0.0.1", port))
        try:
            yield f"127.0.0.1:{port}"
        finally:
            datagrams.close()
            stream.close()
            await stream.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2))
        reply = self.answer(await reader.readexactly(size), "tcp")
        if reply is not None:
            writer.write(len(reply).to_bytes(2) + reply)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._server.answer(data, "udp")
        if reply is not None:
            self._transport.sendto(reply, addr)


async def main(records: dict[str, list[str]]) -> None:
    """Serve records, by `TYPE NAME`, until the process is ended; print the address."""
    server = NameServer()
    for key, texts in records.items():
        kind, _, name = key.partition(" ")
        server.records[kind, name] = texts
    async with server.serve() as address:
        print(address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
