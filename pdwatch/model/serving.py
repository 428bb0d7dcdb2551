"""Which engine group answers a worker's URL."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from pdwatch.model.process import EngineGroup

_DEFAULT_PORTS = {"http": 80, "https": 443}


def serving(url: str, groups: Iterable[EngineGroup]) -> EngineGroup | None:
    """Return the group that serves *url*, a worker on this host; `None` when none or more than one fits.

    Sockets it listens on decide where they are readable, else the port of its arguments. A host given as an IP
    address must be one of the group's namespace, as far as these are readable. A name is not resolved: whoever asks
    has found the worker to be on this host.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if port is None or not parts.hostname:
        return None
    fitting = [group for group in groups if _answers(group, parts.hostname, port)]
    return fitting[0] if len(fitting) == 1 else None


def _answers(group: EngineGroup, host: str, port: int) -> bool:
    address = _ip(host)
    if address is not None and not address.is_loopback and group.addresses and str(address) not in group.addresses:
        return False
    if not group.listens:
        return group.config is not None and group.config.port == port
    return any(port == listening and _reachable(at, address) for at, listening in group.listens)


def _reachable(at: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    own = ipaddress.ip_address(at)
    return address is None or own.is_unspecified or own == address


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
