"""Tokens, passwords, headers and certificates."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from aiohttp import web

from pdwatch.model.target import Target
from pdwatch.scrape.credentials import CredentialsError
from pdwatch.scrape.settings import TransportSettings
from pdwatch.scrape.transport import Fetcher

PAGE = "m 1.0\n"


async def answer_page(request):
    return web.Response(text=PAGE)


async def ask(url, settings):
    async with Fetcher(settings) as fetcher:
        return await fetcher.fetch(Target(url=url, worker="w"), lambda: 1000.0)


def guarded(expected):
    """Return a handler that lets in who shows the header *expected*."""

    async def handle(request):
        return web.Response(status=200 if request.headers.get("Authorization") == expected() else 403, text=PAGE)

    return handle


def test_a_token_is_read_anew_when_its_file_changes(serve, tmp_path):
    """Short-lived tokens are rotated under a running collector."""
    token = tmp_path / "token"
    token.write_text("first\n")
    valid = "first"

    async def scenario():
        nonlocal valid
        errors = []
        handler = guarded(lambda: f"Bearer {valid}")
        settings = TransportSettings(timeout=30, bearer_token_file=token)
        async with serve({"/metrics": handler}) as base, Fetcher(settings) as fetcher:
            target = Target(url=f"{base}/metrics", worker="w")
            errors.append((await fetcher.fetch(target, lambda: 0.0)).error)
            valid = "rotated"
            errors.append((await fetcher.fetch(target, lambda: 0.0)).error)
            token.write_text("rotated\n")
            errors.append((await fetcher.fetch(target, lambda: 0.0)).error)
        return errors

    assert [None, "403 refused the credentials", None] == asyncio.run(scenario())


def test_a_password_comes_from_its_file(fetched, tmp_path):
    """Basic authentication, as behind an ingress."""
    (tmp_path / "password").write_text("secret")
    settings = TransportSettings(timeout=30, username="scraper", password_file=tmp_path / "password")

    scrape = fetched(guarded(lambda: "Basic c2NyYXBlcjpzZWNyZXQ="), settings)

    assert None is scrape.error


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot read the secret in {path}: No such file or directory"),
        (b"a\nb", "the secret in {path} must be one line of ASCII"),
        (b"\xff", "the secret in {path} is not text"),
    ],
    ids=["missing", "two lines", "binary"],
)
def test_a_token_that_cannot_be_used_is_named_and_not_shown(fetched, tmp_path, content, reason):
    """The fault is ours, and every target says so instead of a bare 401."""
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)

    scrape = fetched(answer_page, TransportSettings(bearer_token_file=path))

    assert reason.format(path=path) == scrape.error


def test_extra_headers_are_sent(fetched):
    """A gateway may route by a header; a header of ours gives way to one of the same name."""

    async def handle(request):
        return web.Response(text=f"{request.headers.getall('User-Agent')} {request.headers['X-Tenant']}")

    scrape = fetched(handle, TransportSettings(headers={"X-Tenant": "llm", "user-agent": "watcher"}))

    assert "['watcher'] llm" == scrape.body


@pytest.fixture
def server_tls(certificate):
    """A server's side of TLS with the certificate that nobody signed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(fetched, server_tls):
    """The message says TLS, not merely that the connection failed."""
    scrape = fetched(answer_page, TransportSettings(timeout=30), server_tls)

    assert "TLS: certificate not trusted: self-signed certificate" == scrape.error


@pytest.mark.parametrize("trusted", [True, False], ids=["by its authority", "by not looking"])
def test_a_certificate_is_accepted_where_the_settings_say_so(fetched, certificate, server_tls, trusted):
    """Either the authority is named or the check is switched off."""
    settings = TransportSettings(timeout=30, ca_file=certificate if trusted else None, insecure_skip_verify=not trusted)

    assert PAGE == fetched(answer_page, settings, server_tls).body


def test_tls_to_a_plain_port_is_named_so(serve):
    """https written where http is spoken."""

    async def scenario():
        async with serve({"/metrics": answer_page}) as base:
            return await ask(f"{base}/metrics".replace("http:", "https:"), TransportSettings(timeout=30))

    assert asyncio.run(scenario()).error.startswith("TLS: ")


def test_a_missing_authority_is_an_error_at_the_start(tmp_path):
    """A collector without its certificates would report every worker as down."""
    settings = TransportSettings(ca_file=tmp_path / "ca.pem")

    with pytest.raises(CredentialsError, match=r"cannot use the TLS files .*ca\.pem: No such file or directory"):
        asyncio.run(ask("https://127.0.0.1/metrics", settings))
