"""Durations, sizes and URLs as people write them."""

from __future__ import annotations

import pytest

from pdwatch.config.units import format_duration, format_size, parse_duration, parse_size
from pdwatch.config.urls import listen_address, service_url, without_rank, worker_url


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "500ms"), (5.0, "5s"), (120.0, "2m"), (5400.0, "1h30m"), (86400.0, "1d"), (1.5, "1s500ms"), (0.0, "0")],
)
def test_duration(seconds: float, text: str) -> None:
    """Durations are those of Prometheus."""
    assert seconds == parse_duration(text)
    assert seconds == parse_duration(format_duration(seconds))


@pytest.mark.parametrize("text", ["", "s", "1m1h", "5 s", "-5s", "1e3s", "5S", None])
def test_no_duration(text: object) -> None:
    """What Prometheus does not read is refused with an example."""
    with pytest.raises(ValueError, match="write it like 500ms"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [(16777216, "16MiB"), (10_000_000, "10MB"), (4096, "4096"), (4096, "4KiB"), (1536, "1.5 KiB"), (7, "7B")],
)
def test_size(size: int, text: str) -> None:
    """Binary and decimal units are told apart."""
    assert size == parse_size(text)
    assert size == parse_size(format_size(size))


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://node0:8087/metrics", "node0:8087"),
        ("http://node0:8087/metrics", "http://Node0:8087/"),
        ("https://node0/engine/metrics", "https://node0/engine/metrics"),
        ("http://10.0.0.1:8000/metrics", "http://10.0.0.1:8000@3"),
        ("http://[::1]:8000/metrics", "[::1]:8000"),
        ("http://a:1/probe?target=b", "a:1/probe?target=b"),
    ],
)
def test_worker_url(url: str, text: str) -> None:
    """Whatever of a URL is left out is filled in, and the same page is always the same URL."""
    assert url == worker_url(text)
    assert url == worker_url(url)


def test_worker_url_of_a_labelled_target() -> None:
    """Scheme and path stand in where the target has none of its own."""
    assert "https://a:1/m" == worker_url("a:1", "https", "/m")
    assert "http://a:1/own" == worker_url("http://a:1/own", "https", "/m")


def test_rank_is_no_part_of_a_worker() -> None:
    """Only a number after the port is a rank."""
    assert "http://a:8000/metrics" == without_rank("http://a:8000@12/metrics")
    assert "http://me@a:8000" == without_rank("http://me@a:8000")


def test_service_url_has_no_closing_slash() -> None:
    """A path can be put behind the URL of a service."""
    assert "http://router:8123" == service_url("http://Router:8123/")


@pytest.mark.parametrize(
    ("address", "text"),
    [(("127.0.0.1", 10077), "127.0.0.1:10077"), (("", 80), ":80"), (("::1", 80), "[::1]:80"), (("a", 0), "a:0")],
)
def test_listen_address(address: tuple[str, int], text: str) -> None:
    """Host and port of an address to listen on."""
    assert address == listen_address(text)


@pytest.mark.parametrize("text", ["", "a", "a:", "a:b", "::1:80", "a:65536"])
def test_no_listen_address(text: str) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(ValueError, match="write HOST:PORT"):
        listen_address(text)
