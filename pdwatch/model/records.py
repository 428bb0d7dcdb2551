"""Frozen records as plain data and back, by the types of their fields.

Two plain forms: nested, as JSON has it, and flat, one text for each dotted key (`kv.children.0.connector`), as
labels of a page have it. What equals its default is left out of the flat form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from math import inf, nan
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Read = Callable[[Any], Any]

UNLIMITED = "unlimited"
"""What stands for `math.inf`."""


class UnknownWordError(ValueError):
    """A word that this version does not have; what may be missing is left out for it."""


def read_record(kind: type[T], data: Mapping[str, Any]) -> T:
    """Return the record of *kind* that *data* describes, nested, with values of their own type or as text.

    A number may come as a float where it is whole, and a switch as 0 or 1.
    Keys that the record does not have are skipped; what is left out is unknown. Raises `ValueError` with one line
    that names the key when a value is missing or of the wrong type.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{kind.__name__} must be an object, not {data!r}")
    form: _Form = _form(kind)  # type: ignore[arg-type]
    values: dict[str, Any] = dict.fromkeys(form.unknown)
    for name, read in form.readers.items():
        if name not in data:
            continue
        try:
            values[name] = read(data[name])
        except UnknownWordError:
            continue
        except ValueError as error:
            raise ValueError(f"{kind.__name__}: {name!r}: {error}") from None
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {str(error).partition(' ')[2]}") from None


def read_flat(kind: type[T], items: Mapping[str, str]) -> T:
    """Return the record of *kind* that the flat *items* describe. Raises `ValueError` like `read_record`."""
    return read_record(kind, nested(items))


def nested(items: Mapping[str, str]) -> dict[str, Any]:
    """Return flat *items* as nested data."""
    root: dict[str, Any] = {}
    for key, text in items.items():
        *path, last = key.split(".")
        place = root
        for part in path:
            held = place.get(part)
            if not isinstance(held, dict):
                held = place[part] = {}
            place = held
        place.setdefault(_unescaped(last), text)
    return root


def flat(record: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield key and text of everything in *record* that differs from its default."""
    for entry in fields(record):
        value = getattr(record, entry.name)
        if value is not None and value != _default(entry):
            yield from _flat(value, f"{prefix}{entry.name}")


def _default(entry: Field[Any]) -> Any:
    if entry.default_factory is not MISSING:
        return entry.default_factory()
    return entry.default


def _flat(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if is_dataclass(value):
        inner = list(flat(value, f"{key}."))
        yield from inner or [(key, "")]
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(item, f"{key}.{_escaped(str(name))}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _flat(item, f"{key}.{index}")
    else:
        yield key, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return UNLIMITED if value == inf else repr(value)
    return str(value.value if isinstance(value, Enum) else value)


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace(".", "%2E")


def _unescaped(name: str) -> str:
    return name.replace("%2E", ".").replace("%25", "%")


@dataclass(frozen=True, slots=True)
class _Form:
    readers: Mapping[str, Read]
    """By field."""
    unknown: tuple[str, ...]
    """Fields without a default that may be `None`, which they are where nothing is said."""


@cache
def _form(kind: type[Any]) -> _Form:
    hints = get_type_hints(kind)
    readers = {entry.name: _reader(hints[entry.name]) for entry in fields(kind)}
    required = [entry.name for entry in fields(kind) if entry.default is entry.default_factory is MISSING]
    return _Form(readers, tuple(name for name in required if NoneType in get_args(hints[name])))


def _reader(hint: Any) -> Read:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return partial(_optional, _reader(inner))
    if origin is tuple and arguments[-1] is Ellipsis:
        return partial(_items, _reader(arguments[0]), tuple)
    if origin is frozenset:
        return partial(_items, _reader(arguments[0]), frozenset)
    if origin is tuple:
        return partial(_fixed, tuple(map(_reader, arguments)))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return partial(_mapping, _reader(arguments[0]), _reader(arguments[1]))
    return _plain_reader(hint)


def _plain_reader(kind: Any) -> Read:
    if isinstance(kind, type) and is_dataclass(kind):
        return lambda value: read_record(kind, {} if value == "" else value)
    if issubclass(kind, Enum):
        return partial(_word, {str(member.value): member for member in kind})
    return {bool: _bool, int: _int, float: _float, str: _str}[kind]


def _optional(read: Read, value: Any) -> Any:
    if value is None:
        return None
    try:
        return read(value)
    except UnknownWordError:
        return None


def _items(read: Read, build: Callable[[list[Any]], Any], value: Any) -> Any:
    found = []
    for item in _listed(value):
        try:
            found.append(read(item))
        except UnknownWordError:
            continue
    return build(found)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [item for _, item in sorted(value.items(), key=lambda pair: int(pair[0]))]
    if not isinstance(value, list | tuple):
        raise ValueError(f"a list is expected, not {value!r}")
    return list(value)


def _fixed(reads: tuple[Read, ...], value: Any) -> tuple[Any, ...]:
    items = _listed(value)
    if len(items) != len(reads):
        raise ValueError(f"{len(reads)} values are expected, not {value!r}")
    return tuple(read(item) for read, item in zip(reads, items, strict=True))


def _mapping(read_key: Read, read: Read, value: Any) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"an object is expected, not {value!r}")
    found = {}
    for key, item in value.items():
        try:
            found[read_key(key)] = read(item)
        except UnknownWordError:
            continue
    return found


def _word(words: Mapping[str, Enum], value: Any) -> Enum:
    found = words.get(value) if isinstance(value, str) else None
    if found is None:
        raise UnknownWordError(f"{value!r} is none of {', '.join(words)}")
    return found


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false", 0, 1):
        return value in ("true", 1)
    raise ValueError(f"true or false is expected, not {value!r}")


def _int(value: Any) -> int:
    if isinstance(value, bool) or not (
        isinstance(value, int | str) or (isinstance(value, float) and value.is_integer())
    ):
        raise ValueError(f"a whole number is expected, not {value!r}")
    return int(value)


def _float(value: Any) -> float:
    if value is None:
        return nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"a number is expected, not {value!r}")
    return inf if value == UNLIMITED else float(value)


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"text is expected, not {value!r}")
    return value
