"""The field values of one device in one NVML call, less what the device turned out not to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdwatch.host.nvml.fields import C2C_LINK_COUNT, FIELDS, NVLINK_COUNT, SUM_OF_LINKS, Field, Number, Scope
from pdwatch.host.nvml.guard import INVALID_ARGUMENT, Guard, Handle

_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""Members of the `nvmlValue_t` union in the order of `nvmlValueType_t`."""

Place = tuple[str, str | None]
"""An attribute of `GpuReading` and the key within it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The value of one entry; *never* when asking again is of no use."""

    value: Number | None
    never: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """One field: the scopes it is asked for and the place of its value, which is a sum where the scopes are links."""

    field: Field
    scope_ids: list[int]
    place: Place

    def value(self, answers: Sequence[Answer]) -> Number | str | None:
        """Convert the answers to the scopes. A link that did not answer this time leaves the sum unknown."""
        values = [answer.value for answer in answers if answer.value is not None]
        if not values or any(answer.value is None and not answer.never for answer in answers):
            return None
        convert = self.field.convert
        converted = values if convert is None else [convert(value) for value in values]
        if len(converted) == 1:
            return converted[0]
        return sum(number for number in converted if not isinstance(number, str))


def ask_fields(guard: Guard, handle: Handle, ids: Sequence[tuple[int, int]]) -> list[Answer]:
    """Ask for (field id, scope id) pairs at once. Raises `GpuUnusable` and `LibraryUnusable`."""
    values = guard.ask("nvmlDeviceGetFieldValues", handle, ids) if ids else []
    if values is None:
        return [Answer(None)] * len(ids)
    answers: list[Answer] = []
    for value in values:
        code, kind = value.nvmlReturn, value.valueType
        if code:
            never = guard.refused(code, f"field {value.fieldId}")
            answers.append(Answer(None, never or code == INVALID_ARGUMENT))  # an id or a link it does not know
        else:
            answers.append(Answer(getattr(value.value, _MEMBERS[kind]) if kind < len(_MEMBERS) else None))
    return answers


class FieldBatch:
    """The plan of what to ask one device, and the values that are kept between slow rounds."""

    def __init__(self, guard: Guard, handle: Handle, fields: Sequence[Field] = FIELDS) -> None:
        """Ask the device for its numbers of links. Raises `GpuUnusable` and `LibraryUnusable`."""
        self._guard = guard
        self._handle = handle
        counts = ask_fields(guard, handle, [(NVLINK_COUNT, 0), (C2C_LINK_COUNT, 0)])
        self.nvlinks, self.c2c_links = (None if count.value is None else int(count.value) for count in counts)
        queries = [Query(field, self._scope_ids(field), (field.attribute, field.key)) for field in fields]
        self._plan = [query for query in queries if query.scope_ids]
        self._kept: dict[Place, Number | str] = {}

    def _scope_ids(self, field: Field) -> list[int]:
        if field.scope is Scope.NVLINK:
            return list(range(self.nvlinks or 0))
        if field.scope is Scope.C2C_LINK:
            return list(range(self.c2c_links or 0))
        if field.scope is Scope.NVLINKS_SUM:
            return [SUM_OF_LINKS] if self.nvlinks else []
        return [0]

    def read(self, slow: bool) -> dict[str, object]:
        """Return the values by attribute of `GpuReading`; with *slow* the slow ones are asked for again."""
        plan = [query for query in self._plan if slow or not query.field.slow]
        ids = [(query.field.id, scope_id) for query in plan for scope_id in query.scope_ids]
        answers = ask_fields(self._guard, self._handle, ids)
        fresh: dict[Place, Number | str] = {}
        start = 0
        for query in plan:
            stop = start + len(query.scope_ids)
            self._settle(query, answers[start:stop], fresh)
            start = stop
        if slow:
            self._kept = {}
        self._kept |= {query.place: fresh[query.place] for query in plan if query.field.slow and query.place in fresh}
        return _by_attribute(self._kept | fresh)

    def _settle(self, query: Query, answers: Sequence[Answer], fresh: dict[Place, Number | str]) -> None:
        """Put the query's value in its place, and drop from the plan what needs no more asking."""
        value = query.value(answers)
        if value is not None and query.place not in fresh:
            fresh[query.place] = value
        elif value is not None:  # an earlier field has told already
            query.scope_ids.clear()
        if any(answer.never for answer in answers):
            query.scope_ids[:] = [
                scope_id for scope_id, answer in zip(query.scope_ids, answers, strict=False) if not answer.never
            ]
        if not query.scope_ids:
            self._plan.remove(query)


def _by_attribute(values: Mapping[Place, object]) -> dict[str, object]:
    mappings: dict[str, dict[str, object]] = {}
    for (attribute, key), value in values.items():
        if key is not None:
            mappings.setdefault(attribute, {})[key] = value
    return {attribute: value for (attribute, key), value in values.items() if key is None} | mappings
