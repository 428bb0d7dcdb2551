"""Workers by DNS: SRV records, which bring host and port, or A and AAAA records with a port from the entry."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.resolver
from dns.rdtypes.IN.SRV import SRV

from pdwatch.config.places import DnsSource
from pdwatch.config.sources import TargetGroup
from pdwatch.config.urls import listen_address
from pdwatch.discover.groups import found_in
from pdwatch.discover.source import DiscoveryError, Found

TIMEOUT_SECONDS = 5.0
_NO_SERVICE = "."
"""Target of an SRV record that says that the service is not there."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look-up gave: addresses, or why there are none to be had."""

    addresses: tuple[str, ...] | None = None
    problem: str | None = None


class DnsDiscovery:
    """The addresses of some names. A name that cannot be looked up keeps its last addresses, name by name."""

    def __init__(self, entry: DnsSource, timeout: float = TIMEOUT_SECONDS) -> None:
        self.name = f"dns {entry.type} {', '.join(entry.names)}"
        self.refresh = entry.refresh
        self._entry = entry
        self._timeout = timeout
        self.type = entry.type
        self.known: dict[str, tuple[str, ...]] = {}
        """The last addresses of each name."""

    async def find(self) -> Found:
        """Return the addresses in order. Raises `DiscoveryError` while none of the names was ever found."""
        try:
            resolver = _resolver(self._entry.servers, self._timeout)
        except dns.exception.DNSException as error:
            raise DiscoveryError("/etc/resolv.conf: names no name server; name one with servers") from error
        looks = await asyncio.gather(*(self._look(resolver, name) for name in self._entry.names))
        found = {name: one.addresses for name, one in zip(self._entry.names, looks, strict=True)}
        self.known |= {name: addresses for name, addresses in found.items() if addresses is not None}
        problem = " | ".join(one.problem for one in looks if one.problem is not None) or None
        if problem is not None and not self.known:
            raise DiscoveryError(problem)
        labels = {"service": self._entry.service or "", "role": self._entry.role or ""}
        group = TargetGroup(targets=tuple(sorted({a for one in self.known.values() for a in one})), labels=labels)
        return Found(found_in([group], self.name).targets, problem)

    def inherit(self, other: object) -> None:
        """Begin with the addresses that *other* knew of the same names."""
        if isinstance(other, DnsDiscovery) and other.type == self.type:
            self.known |= {name: other.known[name] for name in self._entry.names if name in other.known}

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _look(self, resolver: dns.asyncresolver.Resolver, name: str) -> _Look:
        try:
            answer = await resolver.resolve(name, self._entry.type, search=True)
        except dns.resolver.NoAnswer:
            return _Look(addresses=())
        except dns.resolver.NXDOMAIN:
            return _Look(problem=f"{name}: no such name in DNS; see whether it is spelled right")
        except dns.exception.Timeout:
            return _Look(problem=f"{name}: no name server answers within {self._timeout:g}s; see whether DNS is up")
        except dns.resolver.NoNameservers:
            return _Look(problem=f"{name}: the name servers fail to answer; see their logs")
        except (dns.exception.DNSException, OSError) as error:
            reason = " ".join(str(error).split()).rstrip(".").lower() or type(error).__name__
            return _Look(problem=f"{name}: cannot be looked up ({reason}); see whether it is a name")
        return _Look(addresses=tuple(filter(None, (self._address(record) for record in answer))))

    def _address(self, record: object) -> str:
        """Return a record as host and port, empty for one that names none."""
        if isinstance(record, SRV):
            host = record.target.to_text(omit_final_dot=True)
            return "" if host in ("", _NO_SERVICE) else f"{host.lower()}:{record.port}"
        host = str(getattr(record, "address", ""))
        return f"[{host}]:{self._entry.port}" if ":" in host else f"{host}:{self._entry.port}"


def _resolver(servers: tuple[str, ...], timeout: float) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=not servers)
    if servers:
        pairs = [listen_address(server) for server in servers]
        resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in pairs]
    resolver.lifetime = timeout
    return resolver
