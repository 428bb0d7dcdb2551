"""The text formats of `/metrics`, by the header with which a client asks for them."""

from __future__ import annotations

from enum import Enum


class Dialect(Enum):
    """A text format and the media type by which a client asks for it."""

    TEXT = "text/plain;version=0.0.4"
    OPENMETRICS = "application/openmetrics-text;version=1.0.0"

    @property
    def content_type(self) -> str:
        """Value of the header `Content-Type`."""
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    Dialect.TEXT: "text/plain; version=0.0.4; charset=utf-8",
    Dialect.OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
}
