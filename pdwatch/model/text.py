"""Text from outside, made safe to show."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Return *text* as one line: control characters, which could move a terminal's cursor, become `?`."""
    return _CONTROL.sub("?", text)
