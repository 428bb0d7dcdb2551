"""No secret is ever written."""

from __future__ import annotations

import pytest

from pdwatch.model.page import Scrape
from pdwatch.model.secrets import without_secrets
from pdwatch.model.target import Target
from pdwatch.record.codec import encode
from pdwatch.record.events import LogLine


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("http://user:hunter2@node0:8087/metrics", "http://node0:8087/metrics"),
        ("http://user:hunt@er2@node0/metrics", "http://node0/metrics"),
        ("http://node0/metrics?token=hunter2&match=a", "http://node0/metrics?token=***&match=a"),
        ("http://node0/metrics?a=1&X-Api-Key=hunter2", "http://node0/metrics?a=1&X-Api-Key=***"),
        ("301 redirects to http://u:hunter2@b/: use that", "301 redirects to http://b/: use that"),
        ("http://u:hunter2@node0:8000@1", "http://node0:8000@1"),
    ],
)
def test_secrets_in_urls_are_taken_out(text: str, written: str) -> None:
    """User names, passwords and parameters that are named like a secret."""
    assert written == without_secrets(text)


@pytest.mark.parametrize(
    "text",
    ["http://node0:8000@1", "http://node0:8000@1/metrics", "mail a@b.c", "http://node0/metrics?match=a@b", "a://b"],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """`URL@RANK` names a data-parallel rank in the pages of vllm-router."""
    assert text == without_secrets(text)


def test_every_text_of_a_line_is_cleaned() -> None:
    """URL, labels, page, error and log line, none of them says a password."""
    secret = "http://user:hunter2@node0/m"
    target = Target(f"{secret}?token=hunter2", "w", labels={"instance": secret}, source=secret)
    lines = [
        encode(Scrape(target, 1.0, 0.0, 200, f'worker_health{{worker="{secret}"}} 1\n')),
        encode(Scrape(target, 1.0, 0.0, error=f"cannot reach {secret}?key=hunter2")),
        encode(LogLine(1.0, "w", f"connecting to {secret}")),
    ]

    assert [] == [line for line in lines if b"hunter2" in line]
