"""What the declarations of the data say of files: a table of columns and SQL for each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from pydantic.alias_generators import to_camel
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    Integer,
    func,
    inspect,
    or_,
    select,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel, col

from server.column_types import JsonType
from server.db import Stored
from server.export.counting import counted, tallied
from server.export.recipe import PARTICIPANTS, Recipe, sealed
from server.export.statements import Dialect, is_among_those_asked_for
from server.export.tables import BORNE_BY, Column, Identifying, Kind, Query, RecordTable, Table
from server.key_lists import among
from server.partitions.tables import MODELS
from server.records import RecordType
from server.records.base import Place
from server.records.experiments import Experiment, ExperimentBase
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.participants import Participant, ParticipantBase
from server.records.rooms import Room, RoomBase
from server.timestamps import Timestamp

_KEYS = {
    "experiment_id": "experiment_key",
    "room_id": "room_key",
    "participant_id": "participant_key",
}
"""The key that each public id of a place is looked up by."""


def experiments(dialect: Dialect, keys: Sequence[int]) -> Table:
    """Describe the table of some experiments."""
    chosen = among(col(Experiment.id), keys)
    return _place_table(dialect, "experiments", "experiment_id", Experiment, ExperimentBase, chosen)


def rooms(dialect: Dialect, recipe: Recipe) -> Table:
    """Describe the table of the rooms that anything selected lies in."""
    return _place_table(dialect, "rooms", "room_id", Room, RoomBase, recipe.selects_rooms())


def participants(dialect: Dialect, recipe: Recipe) -> Table:
    """Describe the table of the selected participants."""
    chosen = recipe.selects(
        col(Participant.experiment_key), col(Participant.room_key), col(Participant.id)
    )
    there = recipe.within(PARTICIPANTS, col(Participant.id))
    shape = ("participants", "participant_id", Participant, ParticipantBase)
    return _place_table(dialect, *shape, chosen, there)


def _place_table(
    dialect: Dialect,
    name: str,
    own_id: str,
    model: type[Stored],
    base: type[SQLModel],
    *where: ColumnElement[bool],
) -> Table:
    """Describe a table of places, in the order of their keys; its own id is `public_id`."""
    expressions = model.expressions()
    own_key = _KEYS[own_id]
    keys = {key: expressions[key] for key in _KEYS.values() if key in expressions}
    keys[own_key] = expressions["id"]
    ids = [id_ for id_, key in _KEYS.items() if key in keys]
    names = [name for name in base.model_fields if name != own_id]
    shown = {to_camel(name): expressions[name] for name in names}
    columns = [*map(_place, ids), *_columns(base, expressions, names)]
    read = {**keys, "public_id": expressions[own_id], **shown}
    return Table(name, name, name, tuple(columns), _rows(dialect, read, columns, where, [own_key]))


def records(dialect: Dialect, recipe: Recipe, name: str, experiments: Sequence[int]) -> RecordTable:
    """Describe a data type's records, of which a worker reads those of some places at a time.

    All of them lie in some experiments: where these may have partitions, others are left out.
    """
    data_type = RecordType[name].value
    expressions = data_type.model.expressions()
    key = {column: expressions[column] for column in _KEYS.values()}
    wanted = data_type.filter.model_validate(recipe.filters.get(name, {}))
    kept = [recipe.within(name, expressions["id"]), *wanted.clauses(expressions)]
    if dialect.partitioned and data_type.model in MODELS:
        kept.append(among(key["experiment_key"], experiments))
    chosen = [recipe.selects(*key.values()), *kept]
    nested = recipe.packaging is ExportPackaging.SINGLE_FILE and recipe.format is ExportFormat.JSON
    place = "participant_key" if nested else "room_key"
    names = [name for name in data_type.public_columns if name not in Place.model_fields]
    places = [replace(_place(id_), key="participant_key") for id_ in _KEYS]
    columns, hidden = _chosen(
        [*places, *_columns(data_type.base, expressions, names)], recipe, name
    )
    needed = {"timestamp", *(column.name for column in (*columns, *hidden))}
    every = {to_camel(name): expressions[name] for name in names}
    shown = {name: stored for name, stored in every.items() if name in needed}
    person = key["participant_key"]
    read = {"participant_key": person, **shown}
    asked_for = is_among_those_asked_for(key[place])
    whole_places = nested or not recipe.participant_keys  # then there is no more to look at
    wanted_rows = [asked_for, *(kept if whole_places else chosen)]
    order = [place, "timestamp", "id"]
    keys = {**key, "id": expressions["id"]}
    unread = [keys[name].label(name) for name in order if name not in read]
    return RecordTable(
        name=data_type.name,
        title=data_type.title,
        stem=data_type.stem,
        columns=tuple(columns),
        rows=_rows(dialect, read, [*columns, *hidden], wanted_rows, order, unread),
        data_type=name,
        hidden=tuple(hidden),
        json=_json_table(dialect, data_type.name, columns, {**keys, **shown}, wanted_rows, order),
        counts=dialect.compiled(
            select(person, func.count()).where(_of_people(recipe, person), *kept).group_by(person)
        ),
        selected=counted(dialect, name, chosen),
        tallied=tallied(dialect, recipe, name, chosen),
        sealed=dialect.compiled(select(func.count()).where(*sealed(recipe, name))),
    )


def _chosen(
    every: Sequence[Column], recipe: Recipe, name: str
) -> tuple[list[Column], list[Column]]:
    """Return the columns that files show, and those that must be read besides."""
    wanted = recipe.columns.get(name) or [column.name for column in every]
    shown = [column for column in every if column.name in wanted]
    if recipe.anonymization is Anonymization.KEEP:
        return shown, []
    bearers = {BORNE_BY.get(column.name) for column in shown} - set(wanted)
    return shown, [column for column in every if column.name in bearers]


def _json_table(
    dialect: Dialect,
    name: str,
    columns: Iterable[Column],
    shown: Mapping[str, ColumnElement[Any]],
    where: Sequence[ColumnElement[bool]],
    order: Sequence[str],
) -> Table | None:
    nested = [column for column in columns if column.kind is Kind.JSON]
    if not nested:
        return None
    filled = or_(*(shown[column.name].is_not(None) for column in nested))
    names = dict.fromkeys(("room_key", *order, *(column.name for column in nested)))
    read = {name: shown[name] for name in names}
    rows = _rows(dialect, read, nested, [*where, filled], order)
    return Table(name, name, name, tuple(nested), rows)


def _of_people(recipe: Recipe, participant_key: ColumnElement[Any]) -> ColumnElement[bool]:
    """Keep the records of selected participants: an index can then count them by itself."""
    people = select(col(Participant.id)).where(
        recipe.selects(
            col(Participant.experiment_key), col(Participant.room_key), col(Participant.id)
        )
    )
    return participant_key.in_(people)


def _rows(
    dialect: Dialect,
    shown: Mapping[str, ColumnElement[Any]],
    columns: Sequence[Column],
    where: Sequence[ColumnElement[bool]],
    order: Sequence[str],
    unread: Sequence[ColumnElement[Any]] = (),
) -> Query:
    """Select columns, under these names; those that are no file's columns are keys or ids."""
    kinds = {column.name: column.kind for column in columns} | {"public_id": Kind.TEXT}
    rows = select(*(column.label(name) for name, column in shown.items())).where(*where)
    return dialect.table(rows, [kinds.get(name, Kind.INTEGER) for name in shown], order, unread)


def _place(name: str) -> Column:
    declared = Place.model_fields[name]
    stored = inspect(Participant).columns.get(name)
    return Column(
        name=to_camel(name),
        kind=Kind.PUBLIC_ID,
        description=declared.description or "",
        identifies=_identifies(stored),
        key=_KEYS[name],
    )


def columns_of(model: type[Stored], base: type[SQLModel]) -> list[Column]:
    """Describe the public columns of a table's own, in the order in which files show them."""
    return list(_columns(base, model.expressions(), base.model_fields))


def _columns(
    base: type[SQLModel], expressions: Mapping[str, Any], names: Iterable[str]
) -> Iterator[Column]:
    for name in names:
        stored = expressions[name]
        yield Column(
            name=to_camel(name),
            kind=_kind(base.model_fields[name].annotation, stored.type),
            description=stored.comment or "",
            unit=stored.info.get("unit"),
            identifies=_identifies(stored),
        )


def _identifies(stored: Any) -> Identifying | None:  # noqa: ANN401 - a column, or none
    how = None if stored is None else stored.info.get("identifies")
    return None if how is None else Identifying(how.value)


def _kind(annotation: Any, stored: TypeEngine[Any]) -> Kind:  # noqa: ANN401 - as Pydantic's
    if Timestamp in (annotation, *get_args(annotation)):
        return Kind.TIMESTAMP
    for kind, types in _TYPES.items():
        if isinstance(stored, types):
            return kind
    return Kind.TEXT


_TYPES: Mapping[Kind, type[TypeEngine[Any]]] = {
    Kind.JSON: JsonType,
    Kind.BOOLEAN: Boolean,
    Kind.INTEGER: Integer,
    Kind.REAL: Float,
}
