"""Recipes as the API takes them: the input of `exportCreate`, under the names of GraphQL."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, cast, get_args

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from server.export.recipe import Recipe
from server.records import RecordType
from server.timestamps import Timestamp, iso


def options(recipe: Recipe) -> dict[str, Any]:
    """Return how a recipe's files are written: its input, but for what is selected."""
    return {
        "dataTypes": list(recipe.data_types),
        "format": recipe.format.value,
        "packaging": recipe.packaging.value,
        "anonymization": recipe.anonymization.value,
        "excelBom": recipe.excel_bom,
        "formulaGuard": recipe.formula_guard,
        "columns": [
            {"dataType": name, "columns": list(columns)} for name, columns in recipe.columns.items()
        ],
        "includeMedia": recipe.include_media,
        "shiftTimes": recipe.shift_times,
    }


def filter_input(filters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a recipe's filters as a `DataFilter`."""
    return {
        RecordType[name].value.name: _shown(RecordType[name].value.filter.model_validate(asked))
        for name, asked in filters.items()
    }


def _shown(asked: BaseModel) -> dict[str, Any]:
    """Return an input object: JSON that it holds stays as it is, moments become ISO 8601."""
    fields = type(asked).model_fields
    plain = asked.model_dump(mode="json", exclude_unset=True)
    shown: dict[str, Any] = {}
    for name in sorted(asked.model_fields_set):
        value = getattr(asked, name)
        is_moment = Timestamp in get_args(fields[name].annotation)
        shown[to_camel(name.removesuffix("_"))] = _value(value, plain[name], is_moment=is_moment)
    return shown


def _value(value: Any, plain: Any, *, is_moment: bool) -> Any:  # noqa: ANN401 - any input
    if isinstance(value, BaseModel):
        return _shown(value)
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        filters = [_shown(each) for each in items if isinstance(each, BaseModel)]
        return filters or plain
    if is_moment and isinstance(value, int):
        return iso(value)
    return value.name if isinstance(value, Enum) else plain
