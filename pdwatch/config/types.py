"""Field types of the configuration: what each is called in the docs and how its text is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from pdwatch.config.schema import Kind
from pdwatch.config.units import format_duration, format_size, parse_duration, parse_size
from pdwatch.config.urls import listen_address, service_url, worker_url
from pdwatch.model.shard import Shard

BASE = "base"
"""Key of the validation context: the folder that relative paths are relative to."""


STDIN = "-"
"""What stands for standard input among log files."""


class Settings(BaseModel):
    """A group of settings: frozen, and a key that it does not know is an error. A key without a value is not set."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
        str_strip_whitespace=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {key: value for key, value in values.items() if value is not None or key not in cls.model_fields}
        return values


def _positive_duration(value: object) -> float:
    seconds = value if isinstance(value, float) else parse_duration(value)
    if seconds <= 0:
        raise ValueError("must be longer than 0; write it like 500ms, 5s or 1h30m")
    return seconds


def _resolved(value: object, info: ValidationInfo) -> Path:
    return Path((info.context or {}).get(BASE, Path()), str(value))


def _log_path(value: object, info: ValidationInfo) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is no log; write a file, a folder, a pattern or - for standard input")
    return STDIN if value.strip() == STDIN else str(_resolved(value.strip(), info))


def _checked_target(text: str) -> str:
    worker_url(text)
    return text


def _checked_listen(text: str) -> str:
    listen_address(text)
    return text


def _checked_label_name(name: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
        raise ValueError(f"{name[:40]!r} is not a label name; write letters, digits and _ only")
    return name


def _shard(value: object) -> Shard:
    return value if isinstance(value, Shard) else Shard.parse(str(value))


def _listed_urls(value: object) -> object:
    """Split text at blanks and commas, and leave out the bootstrap ports that routers take after a prefill URL."""
    words = re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else value
    if isinstance(words, list | tuple):
        return [word for word in words if not re.fullmatch(r"\d+|none|", str(word).lower())]
    return words


def key_names(value: object) -> object:
    """Return the keys of a command as a list: text is split at commas, nothing is no key."""
    words = value.split(",") if isinstance(value, str) else [] if value is None else value
    return [str(word).strip() for word in words if str(word).strip()] if isinstance(words, list | tuple) else words


Duration = Annotated[
    float,
    BeforeValidator(_positive_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    Kind("duration"),
]
"""Seconds, above 0."""

Size = Annotated[
    int, BeforeValidator(parse_size), PlainSerializer(format_size, return_type=str, when_used="json"), Kind("size")
]
"""Bytes."""

Count = Annotated[int, Field(ge=1), Kind("whole number, 1 or more")]
CountFromZero = Annotated[int, Field(ge=0), Kind("whole number, 0 or more")]
Share = Annotated[float, Field(gt=0, le=1), Kind("ratio, above 0 to 1")]
Text = Annotated[str, StringConstraints(min_length=1), Kind("text")]
Switch = Annotated[bool, Kind("true or false")]
Secret = Annotated[SecretStr, Kind("secret, by environment only")]
File = Annotated[Path, BeforeValidator(_resolved), Kind("file")]
"""An absolute path, or one below the folder of the configuration file."""

Folder = Annotated[Path, BeforeValidator(_resolved), Kind("folder")]
LogPath = Annotated[str, BeforeValidator(_log_path), Kind("file, folder or pattern")]
"""An absolute path or pattern, one below the folder of the configuration file, or `-`."""

ServiceUrl = Annotated[str, AfterValidator(service_url), Kind("URL")]
PageUrl = Annotated[str, AfterValidator(worker_url), Kind("URL, with or without /metrics")]
TargetText = Annotated[Text, AfterValidator(_checked_target), Kind("host:port or URL")]
"""As written: the labels `__scheme__` and `__metrics_path__` complete it."""

TargetUrls = Annotated[tuple[PageUrl, ...], BeforeValidator(_listed_urls), Kind("list of URLs")]
KeyNames = Annotated[tuple[str, ...], BeforeValidator(key_names), Kind("keys")]
"""Of one command of the terminal; without any it has none."""
Listen = Annotated[str, AfterValidator(_checked_listen), Kind("HOST:PORT")]
ShardText = Annotated[Shard, BeforeValidator(_shard), PlainSerializer(str, return_type=str), Kind("i/n")]
LabelName = Annotated[str, AfterValidator(_checked_label_name)]
Labels = Annotated[dict[LabelName, str], Kind("labels")]
