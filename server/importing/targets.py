"""What the declarations of the data say of an import: for each table, the columns of its files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from sqlmodel import SQLModel

from server.column_types import dump_json
from server.db import Stored
from server.export import declared
from server.export.tables import Column, Kind
from server.records import RecordType
from server.records.base import Place
from server.records.described import Described
from server.records.experiments import Experiment, ExperimentBase
from server.records.participants import Participant, ParticipantBase
from server.records.rooms import Room, RoomBase


@dataclass(frozen=True)
class Filled:
    """A column that is filled.

    column    its name in files, and its kind
    stored    its name in the database
    needed    whether files must have it
    default   what stands in it where a file does not have it; of JSON, the text
    allowed   what may stand in it, if that is some values only
    """

    column: Column
    stored: str
    needed: bool
    default: object
    allowed: frozenset[str] | None


@dataclass(frozen=True)
class Target:
    """A table that is filled.

    name     what data dictionaries and documents call it, such as `chatMessages`
    title    what people call it
    stem     the stem of its files
    places   the columns that say where its rows belong; of places, what they lie in
    own      its own columns, by their names in files
    """

    name: str
    title: str
    stem: str
    model: type[Stored]
    places: tuple[str, ...]
    own: Mapping[str, Filled]

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each column that files may have."""
        own = {name: filled.column.kind for name, filled in self.own.items()}
        return {**dict.fromkeys(self.places, Kind.PUBLIC_ID), **own}


def _target(
    name: str,
    model: type[Stored],
    base: type[SQLModel],
    places: Iterable[str] = (),
    title: str = "",
    stem: str = "",
) -> Target:
    fields = zip(base.model_fields.items(), declared.columns_of(model, base), strict=True)
    own = {column.name: _filled(field, stored, column) for (stored, field), column in fields}
    return Target(name, title or name, stem or name, model, tuple(map(to_camel, places)), own)


def _filled(field: FieldInfo, stored: str, column: Column) -> Filled:
    default: Any = None
    if not field.is_required():
        default = field.get_default(call_default_factory=True)
        if column.kind is Kind.JSON and default is not None:
            default = dump_json(default)
    return Filled(column, stored, field.is_required(), default, _allowed(field.annotation))


def _allowed(kind: object) -> frozenset[str] | None:
    if isinstance(kind, type) and issubclass(kind, Described):
        return frozenset(member.value for member in kind)
    return None


EXPERIMENTS = _target("experiments", Experiment, ExperimentBase)
ROOMS = _target("rooms", Room, RoomBase, ["experiment_id"])
PARTICIPANTS = _target("participants", Participant, ParticipantBase, ["experiment_id", "room_id"])
PLACES = (EXPERIMENTS, ROOMS, PARTICIPANTS)
"""From the outermost."""

RECORDS: Mapping[str, Target] = {
    data_type.name: _target(
        data_type.value.name,
        data_type.value.model,
        data_type.value.base,
        Place.model_fields,
        data_type.value.title,
        data_type.value.stem,
    )
    for data_type in RecordType
}
"""By the name of the data type."""

TARGETS = {target.name: target for target in (*PLACES, *RECORDS.values())}
"""All of them, by name."""
