"""How the columns of a participant's rows are disguised, by what is declared of each."""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAlias, cast

from pydantic import BaseModel
from pydantic.alias_generators import to_snake
from sqlalchemy import ColumnElement, String, TypeDecorator

from server.column_types import JsonType
from server.db import Table
from server.export.disguises import Disguise
from server.export.patterns import PLAIN
from server.export.tables import BORNE_BY
from server.records.columns import Identifies
from server.records.experiments import Experiment
from server.records.participants import Participant
from server.rows import Layout, TableLayout

Change: TypeAlias = Callable[[Disguise, Any], Any]

_PLAIN = re.compile(PLAIN)

BEARERS = {to_snake(name): to_snake(bearer) for name, bearer in BORNE_BY.items()}
"""Columns of names, and those that tell who bears them."""

THEMSELVES = "participant_id"
"""The column that tells whose a row is: a participant sees no rows but their own."""


def key_name(layout: Layout) -> str:
    """Return the name of the column that tells to which experiment a row belongs."""
    return "key" if layout.level == Experiment.level_name() else "experiment_key"


def is_closed(model: type[Table], name: str) -> bool:
    """Say whether a column holds one of a few values that we ourselves have named."""
    declared = model.model_fields.get(name)
    kind = declared and declared.annotation
    return isinstance(kind, type) and issubclass(kind, Enum)


def identifies(column: ColumnElement[Any] | None) -> Identifies | None:
    """Return how a column can tell who a person is, as it is declared."""
    how: Identifies | None = getattr(column, "info", {}).get("identifies")
    return how


def holds_text(column: ColumnElement[Any]) -> bool:
    """Say whether a column holds texts, JSON among them."""
    kind = column.type
    return isinstance(kind.impl_instance if isinstance(kind, TypeDecorator) else kind, String)


@lru_cache(4096)
def changes(layout: TableLayout) -> Mapping[int, Change]:
    """Return how what a layout selects is changed, by its place: nothing that is no text."""
    return {
        place: change
        for name, place in layout.place.items()
        if (change := _change_of(layout, name)) is not None
    }


def _change_of(layout: TableLayout, name: str) -> Change | None:
    column = layout.columns[name]
    if not holds_text(column) or is_closed(layout.model, name):
        return None
    json = isinstance(column.type, JsonType)
    how = identifies(column)
    if layout.model is Participant and how in (Identifies.DIRECTLY, Identifies.IN_PART):
        return None  # it is of the participant themselves
    if json:
        return (_OF_JSON_TEXT if layout.raw else _OF_JSON)[how]
    return _OF_TEXT[how]


def _own_alone(disguise: Disguise, value: Any) -> Any:  # noqa: ANN401 - a column's
    return value if disguise.is_own(value) else None


def _label(disguise: Disguise, text: str) -> str:
    """Return an id, or a word of a program's: most are too short to be looked at."""
    if len(text) < disguise.shortest_plain and _PLAIN.fullmatch(text):
        return text
    return disguise.label(text)


_OF_TEXT: Mapping[Identifies | None, Change] = {
    Identifies.DIRECTLY: Disguise.person,
    Identifies.IN_PART: _own_alone,
    Identifies.IN_TEXT: Disguise.text,
    None: _label,
}
_OF_JSON_TEXT: Mapping[Identifies | None, Change] = {
    Identifies.DIRECTLY: Disguise.json_people,
    Identifies.IN_PART: _own_alone,
    Identifies.IN_TEXT: Disguise.json_text,
    None: Disguise.json_label,
}
_OF_JSON: Mapping[Identifies | None, Change] = {
    Identifies.DIRECTLY: Disguise.people,
    Identifies.IN_PART: _own_alone,
    Identifies.IN_TEXT: lambda disguise, value: disguise.value(value, disguise.text, keys=True),
    None: lambda disguise, value: disguise.value(value, disguise.label, keys=False),
}


@lru_cache(4096)
def borne(layout: TableLayout) -> Sequence[tuple[int, int]]:
    """Return the places of names, and of who bears them."""
    place = layout.place
    return [(place[name], place[bearer]) for name, bearer in BEARERS.items() if name in place]


def answered(layout: TableLayout, disguise: Disguise, answer: Any, name: str = "") -> Any:  # noqa: ANN401 - any
    """Return what was made of a table's rows, disguised as its columns of the same names are."""
    if isinstance(answer, list):
        several = cast("list[object]", answer)
        return [answered(layout, disguise, each, name) for each in several]
    if isinstance(answer, BaseModel):
        fields = {key: answered(layout, disguise, each, key) for key, each in answer}
        return answer.model_copy(update=fields)
    if not isinstance(answer, str) or isinstance(answer, Enum):
        return answer
    return _OF_TEXT[identifies(layout.columns.get(name))](disguise, answer)
