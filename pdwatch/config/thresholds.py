"""The keys under `thresholds`: one for each entry of the catalogue, with the range that its unit allows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetPydanticSchema, create_model
from pydantic_core import core_schema

from pdwatch.catalog.thresholds import Thresholds
from pdwatch.config.schema import Kind, Shape
from pdwatch.config.types import Settings


def _upper_bound(name: str) -> float | None:
    """Return 1 for a share of a whole, None for a threshold without a largest value."""
    return 1.0 if name.endswith("_share") or "usage" in name else None


def _fields() -> dict[str, Any]:
    return {
        entry.name: (
            Annotated[float, Kind(str(entry.metadata["unit"]))],
            Field(default=entry.default, ge=0, le=_upper_bound(entry.name), description=entry.metadata["help"]),
        )
        for entry in Thresholds.definitions()
    }


ThresholdKeys: type[Settings] = create_model("ThresholdKeys", __base__=Settings, **_fields())


def _thresholds(keys: Settings) -> Thresholds:
    return Thresholds().overridden(keys.model_dump())


ThresholdValues = Annotated[
    Thresholds,
    GetPydanticSchema(
        lambda _, handler: core_schema.no_info_after_validator_function(_thresholds, handler(ThresholdKeys))
    ),
    Shape(ThresholdKeys),
]
"""`Thresholds`, written as a mapping of those that differ from the catalogue."""
