"""URLs of workers and services as people, routers and discovery write them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from pdwatch.model.target import page_url

_RANK = re.compile(r"^((?:[a-zA-Z][a-zA-Z0-9+.-]*://)?[^/?#@]+)@\d+(?=[/?#]|$)")
_NETLOC = re.compile(r"[A-Za-z0-9._~%:\[\]-]+")


def without_rank(url: str) -> str:
    """Return the URL without the data-parallel rank that vllm-router appends: `http://host:8000@3` is rank 3."""
    return _RANK.sub(r"\1", url.strip())


def worker_url(text: str, scheme: str = "http", path: str = "/metrics") -> str:
    """Return the page URL of a worker written as `host:port`, base URL or full URL, host in lower case.

    *scheme* and *path* stand in where the text has none. Raises `ValueError` with the mend.
    """
    bare = without_rank(text)
    return _normal(_page(bare if "://" in bare else f"{scheme}://{bare}", path))


def service_url(text: str) -> str:
    """Return the URL of a router or a discovery service, without a closing slash. Raises `ValueError` with the mend."""
    url = text.strip()
    if "://" not in url:
        raise ValueError(f"{url[:40]!r} is not a URL; write http://host:port or https://host:port")
    _page(url, "/")
    return _normal(url).rstrip("/")


def listen_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, `[IPV6]:PORT` or `:PORT` (every address, host is empty).

    Raises `ValueError` with the mend.
    """
    host, colon, port = text.strip().rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    ipv6 = host.startswith("[") and host.endswith("]")
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in bare and not ipv6):
        raise ValueError(f"{text[:40]!r} is not an address to listen on; write HOST:PORT such as 127.0.0.1:10077")
    return bare, int(port)


def _page(url: str, path: str) -> str:
    """Return the page URL. Raises `ValueError`, which shows no URL that carries a password."""
    if "@" in re.split("[/?#]", url.partition("://")[2])[0]:
        raise ValueError("the URL carries a user name or a password; leave it out and use basic_auth")
    try:
        return page_url(url, path)
    except ValueError as error:
        known = "; " in str(error)
        raise error if known else ValueError(f"{url[:40]!r} is no valid URL; write http://host:port") from error


def _normal(url: str) -> str:
    parts = urlsplit(url)
    if not _NETLOC.fullmatch(parts.netloc):
        raise ValueError(f"{url[:40]!r} has no valid host; write http://host:port")
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path, parts.query, ""))
