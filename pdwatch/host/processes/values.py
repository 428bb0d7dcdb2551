"""Readers of single argument values: a typed value, or `ValueError` without the value in its text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from urllib.parse import urlsplit

Reader = Callable[[str], object]

_SCALED = re.compile(r"(\d+(?:\.\d+)?)([kmgtKMGT]?)")
_SCALES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_WORD = re.compile(r"[A-Za-z0-9_.:+-]{1,64}")
_NAME = re.compile(r"[\w./:@+~,-]{1,256}")
_ADDRESS = re.compile(r"[A-Za-z0-9_.:%\[\]*-]{1,255}")
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


def integer(text: str) -> int | None:
    """Return a whole number; `32k` is 32000 and `32K` is 32768, as vLLM reads them. `auto` and -1 are `None`."""
    if text.strip() in ("auto", "-1", "None", "null"):
        return None
    match = _SCALED.fullmatch(text.strip())
    if match is None or (match[2].isupper() and "." in match[1]):
        raise ValueError("not a whole number")
    value = float(match[1]) * _SCALES[match[2]]
    if not match[2] and "." in match[1]:
        raise ValueError("not a whole number")
    return int(value) if "." in match[1] else int(match[1]) * _SCALES[match[2]]


def number(text: str) -> float:
    """Return a finite number, as a ratio or a count of bytes."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError("not a number") from None
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def port(text: str) -> int:
    """Return a TCP port, 1 to 65535."""
    if not text.strip().isascii() or not text.strip().isdigit() or not 0 < int(text) < 65536:
        raise ValueError("not a port from 1 to 65535")
    return int(text)


def word(text: str) -> str:
    """Return a short identifier, as a connector, a back end or a data type."""
    if _WORD.fullmatch(text) is None:
        raise ValueError("not a plain word")
    return text


def address(text: str) -> str:
    """Return a host name or an IP address."""
    if _ADDRESS.fullmatch(text) is None:
        raise ValueError("not a host")
    return text


def name(text: str) -> str:
    """Return a model's name or path. A URL keeps neither user, password, query nor fragment."""
    plain = without_credentials(text) if "://" in text else text
    if _NAME.fullmatch(plain) is None or ("@" in plain and "://" in text):
        raise ValueError("not a name or path")
    return plain


def url(text: str) -> str | None:
    """Return a worker's URL without user, password, query and fragment; `None` for the bootstrap port beside it."""
    if text.isdigit() or text == "none":
        return None
    plain = without_credentials(text if "://" in text else f"http://{text}")
    if _NAME.fullmatch(plain.replace("[", "").replace("]", "")) is None:
        raise ValueError("not a URL")
    return plain


def truth(text: str) -> bool:
    """Return a boolean written as a word."""
    lowered = text.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError("neither true nor false")


def present(_: str) -> bool:
    """Return True: only that it was given matters, and its value is dropped."""
    return True


def without_credentials(text: str) -> str:
    """Return a URL reduced to scheme, host, port and path."""
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
