"""Takes secrets out of text before it is shown or written."""

from __future__ import annotations

import re

MASK = "***"
_USER_INFO = re.compile(r"://[^/\s\"'?#]*@(?!\d+(?:[/\s\"',]|$))")
"""`://user:password@`, but not the `://host:port@` of `URL@RANK`, by which vllm-router names data-parallel ranks."""
_SECRET_PARAMETER = re.compile(
    r"([?&;][^=&;#\s]*(?:token|key|secret|passw|auth|credential|sig)[^=&;#\s]*=)[^&;#\s]+", re.IGNORECASE
)


def without_user_info(text: str) -> str:
    """Return *text* with `user:password@` cut out of each URL in it."""
    return _USER_INFO.sub("://", text) if "@" in text else text


def without_secrets(text: str) -> str:
    """Return *text* without user names and passwords in URLs, and with query parameters that are named like a
    secret masked.
    """
    return _SECRET_PARAMETER.sub(rf"\g<1>{MASK}", without_user_info(text))
