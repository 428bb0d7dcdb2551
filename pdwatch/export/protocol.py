"""HTTP connections that do not last for ever: a request that does not come, or an answer that is not read, ends them.

Connections are limited in number, so that one who opens many and does nothing would shut out everyone else.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 10.0
"""From the connection, or the first byte of a later request, to the end of the headers."""
READ_SECONDS = 30.0
"""How long an answer may wait for its reader. A viewer that was suspended connects again."""


class PatientProtocol(H11Protocol):
    """Uvicorn's HTTP/1.1 with limits on time."""

    request_seconds = REQUEST_SECONDS
    read_seconds = READ_SECONDS
    _request: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request."""
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._request_came()
        self._reader_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request, perhaps the last."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._request_came()
        elif self._request is None:
            self._expect_request()

    def on_response_complete(self) -> None:
        """Wait for the rest of a request that has begun: of the next, or the body of this one, which nobody reads."""
        super().on_response_complete()
        begun = bool(self.conn.trailing_data[0]) or self.conn.our_state is not self.conn.their_state
        if begun and self.cycle.response_complete and self._request is None:
            self._expect_request()

    def pause_writing(self) -> None:
        """The reader is slower than the answer."""
        super().pause_writing()
        self._reader_came()
        self._reader = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader has caught up."""
        super().resume_writing()
        self._reader_came()

    def _expect_request(self) -> None:
        self._request = self.loop.call_later(self.request_seconds, self.transport.abort)

    def _request_came(self) -> None:
        if self._request is not None:
            self._request.cancel()
            self._request = None

    def _reader_came(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None
