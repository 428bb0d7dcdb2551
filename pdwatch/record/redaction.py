"""Takes parts of names out of events before they are written: whatever a pattern matches in label values, addresses and
messages becomes a pseudonym, the same for the same text throughout one recording.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pdwatch.model.page import Scrape
from pdwatch.model.target import Target
from pdwatch.record.events import Advised, Event, Header, LogLine

KEPT = frozenset({"le", "quantile"})
"""Labels whose values are numbers of a histogram or summary."""
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_.]*|"(?:[^"\\]|\\.)*")="((?:[^"\\]|\\.)*+)"')


class Redaction:
    """Replaces what *pattern* matches by `x` and eight hexadecimal digits, by a key that is never written.

    Raises `ValueError` for a pattern that is none, or that matches the empty text.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if self._pattern.fullmatch(""):
            raise ValueError("matches the empty text; write a pattern of one character or more")
        self._key = secrets.token_bytes(16)

    def event(self, event: Event) -> Event:
        """Return the event as it may be written."""
        match event:
            case Scrape():
                return self._scrape(event)
            case LogLine(t, target, line):
                return LogLine(t, self.text(target), self.text(line))
            case Advised(t, service, decision):
                return Advised(t, self.text(service), self._values(decision))
            case Header(version, started, config) if config is not None:
                return Header(version, started, self._config(config))
        return event

    def text(self, text: str) -> str:
        """Return *text* with what matches replaced."""
        return self._pattern.sub(self._pseudonym, text)

    def page(self, body: str) -> str:
        """Return a page with what matches in its label values replaced; numbers of buckets stay."""
        return _LABEL.sub(self._label, body)

    def _label(self, match: re.Match[str]) -> str:
        name, value = match[1], match[2]
        return match[0] if name in KEPT else f'{name}="{self.text(value)}"'

    def _pseudonym(self, match: re.Match[str]) -> str:
        if not match[0]:
            return ""
        return f"x{blake2b(match[0].encode('utf-8', 'surrogatepass'), key=self._key, digest_size=4).hexdigest()}"

    def _scrape(self, scrape: Scrape) -> Scrape:
        return replace(
            scrape,
            target=self._target(scrape.target),
            body=None if scrape.body is None else self.page(scrape.body),
            error=None if scrape.error is None else self.text(scrape.error),
        )

    def _target(self, target: Target) -> Target:
        return replace(
            target,
            url=self._url(target.url),
            worker=self.text(target.worker),
            service=self.text(target.service),
            replica=self.text(target.replica),
            host=None if target.host is None else self.text(target.host),
            labels={name: self.text(value) for name, value in target.labels.items()},
        )

    def _url(self, url: str) -> str:
        parts = urlsplit(url)
        host, colon, port = parts.netloc.rpartition(":")
        if not port.isdigit():
            host, colon, port = parts.netloc, "", ""
        path = "/".join(each if each == "metrics" else self.text(each) for each in parts.path.split("/"))
        place = f"{self.text(host)}{colon}{port}"
        return urlunsplit((parts.scheme, place, path, self.text(parts.query), self.text(parts.fragment)))

    def _config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration with the names of its services replaced; the rest of it is numbers."""
        services = {self.text(name): service for name, service in config.get("services", {}).items()}
        return {**config, **({"services": services} if services else {})}

    def _values(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self._values(each) for key, each in value.items()}
        return [self._values(each) for each in value] if isinstance(value, list | tuple) else value
