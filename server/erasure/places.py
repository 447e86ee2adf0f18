"""Where others' rows may name a person, and how each column is changed if it does."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import ColumnElement, String, Text, and_, cast, func, inspect, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import AutoString, col

from server.column_types import JsonType, dump_json
from server.db import Stored, Table
from server.erasure.mentions import ERASED, Tombstones, found_in, is_found
from server.erasure.subjects import PEOPLE, Subject
from server.ingest.quarantine import digest
from server.records import RecordType
from server.records.chat_messages import ChatMessage
from server.records.columns import Identifies
from server.records.data_requests import DataRequest
from server.records.erasures import Erasure
from server.records.experiments import Experiment
from server.records.export_schedules import ExportSchedule, ScheduledExperiment
from server.records.exports import Export, ExportedExperiment
from server.records.quarantine import QuarantinedRecord
from server.records.retention import RetentionPolicy
from server.records.rooms import Room
from server.records.sealed import SealedRecord
from server.records.text_search import contains
from server.records.withdrawals import Withdrawal

OfExperiment = Callable[[int], ColumnElement[bool]]


@dataclass(frozen=True)
class Place:
    """A table whose texts may name somebody.

    experiment  the clause that keeps the rows of an experiment, given its key
    by_room     whether it is gone through room by room: it is large
    leaves_out  columns that say nothing of anybody else than the row's own
    """

    model: type[Table]
    experiment: OfExperiment
    by_room: bool = False
    leaves_out: Set[str] = frozenset()

    @cached_property
    def columns(self) -> Mapping[str, Any]:
        """The columns that hold text or JSON, by name."""
        return {
            column.key: column
            for column in inspect(self.model).columns
            if isinstance(column.type, String | AutoString | JsonType)
            and column.key not in self.leaves_out
        }

    @property
    def key(self) -> ColumnElement[Any]:
        key: ColumnElement[Any] = inspect(self.model).primary_key[0]
        return key

    def key_of(self, row: Mapping[str, Any]) -> int:
        """Return the key of a row."""
        key: int = row[self.key.key or ""]
        return key

    def change(self, tombstones: Tombstones, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of a row that change."""
        if self.model is SealedRecord:
            return _in_seal(tombstones, row)
        changed: dict[str, Any] = {}
        for name, column in self.columns.items():
            value = row[name]
            how = _how(tombstones, column)
            if value is not None and (now := how(value)) != value:
                changed[name] = now
        if self.model is ChatMessage and "sender_id" in changed and row["sender_name"] is not None:
            changed["sender_name"] = ERASED  # whoever else is called so
        if self.model is QuarantinedRecord and "record" in changed:
            changed["digest"] = digest(changed["record"])
        return changed


_BESIDE = ("sender_id", "sender_name")
"""What stands beside the content of a sealed record, too."""


def _in_seal(tombstones: Tombstones, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a sealed record that change, as those of the record itself do."""
    content: dict[str, Any] = orjson.loads(row["content"])
    sealed = RecordType.__members__.get(row["data_type"])
    model = QuarantinedRecord if sealed is None else sealed.value.model
    place = next(each for each in PLACES if each.model is model)
    texts = {  # JSON is kept as the text that it is, but for that of what had been refused
        name
        for name, column in place.columns.items()
        if sealed is not None and isinstance(column.type, JsonType) and content[name] is not None
    }
    shown = {**content, **{name: orjson.loads(content[name]) for name in texts}}
    changed = place.change(tombstones, shown)
    if not changed:
        return {}
    written = {
        name: dump_json(value) if name in texts else value for name, value in changed.items()
    }
    beside = {name: value for name, value in changed.items() if name in _BESIDE}
    return {"content": dump_json(content | written), **beside}


def _how(tombstones: Tombstones, column: Any) -> Any:  # noqa: ANN401 - a column
    is_json = isinstance(column.type, JsonType)
    match column.info.get("identifies"):
        case Identifies.DIRECTLY if column.key.endswith(("_id", "_ids")):
            return tombstones.ids if is_json else tombstones.id
        case None if not _is_free(column):
            return tombstones.json_label if is_json else tombstones.label
        case _:
            return tombstones.json if is_json else tombstones.text


def _is_free(column: Any) -> bool:  # noqa: ANN401 - a column
    return column.key in _FREE or column.info.get("identifies") is not None


def _of(column: Any) -> OfExperiment:  # noqa: ANN401 - a column

    def clause(key: int) -> ColumnElement[bool]:
        kept: ColumnElement[bool] = column == key
        return kept

    return clause


def _drawn_on(model: type[Stored], owner: Any, experiment: Any) -> OfExperiment:  # noqa: ANN401 - columns
    return lambda key: col(model.id).in_(select(owner).where(experiment == key))


_FREE = frozenset({"reason", "refusal_reason", "hold_reason", "last_message", "name", "content"})
"""What people write, or is made of it, where columns are not declared as free text."""

_THEIR_OWN = frozenset({"participant_id", "email", "ip_address", "user_agent"})

PLACES: Sequence[Place] = (
    *(
        Place(
            each.value.model,
            _of(col(each.value.model.experiment_key)),
            by_room=True,
            leaves_out=frozenset({"storage_key"}),
        )
        for each in RecordType
    ),
    Place(Experiment, _of(col(Experiment.id)), leaves_out=frozenset({"experiment_id"})),
    Place(Room, _of(col(Room.experiment_key))),
    *(Place(each, _of(col(each.experiment_key)), leaves_out=_THEIR_OWN) for each in PEOPLE),
    Place(
        SealedRecord,
        _of(col(SealedRecord.experiment_key)),
        by_room=True,
        leaves_out=frozenset({"data_type"}),
    ),
    Place(Withdrawal, _of(col(Withdrawal.experiment_key)), leaves_out=_THEIR_OWN),
    Place(DataRequest, _of(col(DataRequest.experiment_key)), leaves_out=_THEIR_OWN),
    Place(RetentionPolicy, _of(col(RetentionPolicy.experiment_key)), leaves_out={"held_by"}),
    Place(QuarantinedRecord, _of(col(QuarantinedRecord.experiment_key))),
    Place(
        Export,
        _drawn_on(
            Export, col(ExportedExperiment.export_key), col(ExportedExperiment.experiment_key)
        ),
        leaves_out=frozenset({"storage_key", "worker"}),
    ),
    Place(
        ExportSchedule,
        _drawn_on(
            ExportSchedule,
            col(ScheduledExperiment.schedule_key),
            col(ScheduledExperiment.experiment_key),
        ),
    ),
    Place(
        Erasure,
        _of(col(Erasure.experiment_key)),
        leaves_out=frozenset({"experiment_id", "subject", "worker", "receipt", "counts"}),
    ),
)
"""Every table with text that somebody wrote, or that names somebody, beside their own rows."""


async def parts(tx: AsyncConnection, place: Place, experiment_key: int) -> Sequence[int | None]:
    """Return the rooms by which a place is gone through; None for all of it at once."""
    if not place.by_room:
        return [None]
    rooms = select(col(Room.id)).where(col(Room.experiment_key) == experiment_key)
    return (await tx.scalars(rooms.order_by(col(Room.id)))).all()


async def naming(
    tx: AsyncConnection, place: Place, experiment_key: int, room: int | None, subject: Subject
) -> Sequence[int]:
    """Return the keys of the rows that may name a person: all that do, and perhaps some more."""
    where, columns = [place.experiment(experiment_key)], inspect(place.model).columns
    if place.by_room:
        where.append(columns["room_key"] == room)
        where.append(columns["participant_key"].not_in(subject.participant_keys))
    if place.model in PEOPLE:
        where.append(place.key.not_in(subject.participant_keys))
    found = or_(
        *(
            clause
            for column in place.columns.values()
            for clause in _holding(tx.dialect.name, column, subject)
        )
    )
    return (
        await tx.scalars(select(place.key).where(and_(*where), found).order_by(place.key))
    ).all()


def _holding(dialect: str, column: Any, subject: Subject) -> Iterator[ColumnElement[bool]]:  # noqa: ANN401 - a column
    text: ColumnElement[Any] = cast(column, Text)
    id_ = subject.participant_id or ""
    position = func.instr if dialect == "sqlite" else func.strpos
    if is_found(id_):
        for written in _written(id_):
            yield position(text, literal(written, Text)) > 0
    elif (column.info.get("identifies")) is Identifies.DIRECTLY:
        yield contains(text, id_)
    names = found_in(subject.names, labels=not _is_free(column))
    for each in (*names, *subject.contacts):
        for written in _written(each):
            yield contains(text, written)


def _written(text: str) -> set[str]:
    """Return a text as it is, and as it stands in JSON."""
    return {text, dump_json(text)[1:-1]}
