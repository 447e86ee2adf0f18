"""What a filter can ask of a column that holds JSON: that some value lies at some path."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer
from sqlalchemy import ColumnElement

from server.column_types import Json, dump_json
from server.records.conditions import Clauses, Condition, storable
from server.records.json_paths import is_at, is_nothing_at, steps


def _path(path: str) -> str:
    steps(path)
    return path


def _text_of(value: object) -> str:
    if isinstance(value, dict | list):
        raise ValueError(
            "`equals` takes one value: a text, a number, true, false or null. "
            "Ask for the parts of a list or an object by their paths, combined with `and`."
        )
    return dump_json(storable(value) if isinstance(value, str) else value)


def _value_of(text: str | None) -> Any:  # noqa: ANN401 - any JSON
    return None if text is None else json.loads(text)


JsonText = Annotated[
    Json | None, BeforeValidator(_text_of), PlainSerializer(_value_of, return_type=Any)
]
"""A value of JSON, kept as its text: in Python, true is 1. None is none at all; null is `null`."""


class JsonMatch(Condition):
    """A value within JSON."""

    path: Annotated[str, AfterValidator(_path)] = Field(
        default="",
        description="Where to look: keys with dots between them, and places in lists, from 0, "
        'such as `value.choice`, `items[0].id` or `"a key".b`. Empty for the whole value.',
    )
    equals: JsonText = Field(
        default_factory=lambda: None,  # not a default that GraphQL sees: null is a value
        description="Exactly this: a text, a number, true, false or null, which are never equal "
        'to one another (1 is not "1", but 1.0); where nothing lies at the path, it is not null.',
    )
    is_null: bool | None = Field(
        default=None,
        description="True for only rows with nothing, or null, at the path; false for the others.",
    )

    def clauses(self, column: ColumnElement[Any]) -> Clauses:
        asked = self.asked(column)
        if self.is_null is not None:
            nothing = is_nothing_at(column, steps(self.path))
            asked.append(nothing if self.is_null else ~nothing)
        return asked

    def asked(self, column: ColumnElement[Any]) -> Clauses:
        if self.equals is None:
            return []
        value = _value_of(str(self.equals))
        if value is None and not self.path:
            return [column.is_(None)]  # null as a whole is stored as no value
        return [is_at(column, steps(self.path), value)]
