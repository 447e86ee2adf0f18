"""What the seven data types have in common, and the form in which each declares itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from pydantic import Field
from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, select
from sqlalchemy.orm import declared_attr
from sqlmodel import Field as Column
from sqlmodel import SQLModel, col

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.checks import Check, OnsetAgrees, PlausibleTime, declared_checks
from server.records.columns import Summarized, column, moment
from server.records.conditions import IntRange, TextIn, TimestampRange
from server.records.experiments import Experiment
from server.records.filters import Filter, Reference
from server.records.listed import Listed
from server.records.participants import Participant
from server.records.rooms import Room
from server.timestamps import Timestamp


class Place(SQLModel):
    """Where a record belongs, in the ids that researchers use; stored as keys, see Record."""

    experiment_id: str = Field(description="Public id of the experiment, `exp_…`.")
    room_id: str = Field(description="Public id of the room, `room_…`.")
    participant_id: str = Field(description="Public id of the participant, 28 characters.")


class RecordBase(SQLModel):
    """The public columns that every record has."""

    timestamp: Timestamp = moment("When it happened: ISO 8601, UTC, milliseconds and `Z`.")
    onset: int = column(
        "Milliseconds from the room's experiment start; negative for what came before it.",
        unit="ms",
        from_start=True,
        summarized=Summarized.NOT,  # it says when, not how much
    )


class Record(Stored):
    """What the table of a data type adds to its public columns: where each record belongs.

    The three keys are one foreign key, so that a record cannot name a participant of one room
    and the key of another. Each key leads two indexes, one per time base, for pages at its level.
    """

    identity: ClassVar[tuple[str, ...]]
    """The public columns that, within an experiment, name one record."""

    experiment_key: int = Column(sa_type=KEY_TYPE)
    room_key: int = Column(sa_type=KEY_TYPE)
    participant_key: int = Column(sa_type=KEY_TYPE)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805 - SQLAlchemy calls it on the class
        places = ("experiment_key", "room_key", "participant_key")
        return (
            ForeignKeyConstraint(
                places, ["participant.experiment_key", "participant.room_key", "participant.id"]
            ),
            UniqueConstraint("experiment_key", *cls.identity),
            *(
                Index(f"ix_{cls.table_name()}_{place}_{base}", place, base, "id")
                for place in places
                for base in ("timestamp", "onset")
            ),
            {"sqlite_autoincrement": True},  # the key of an erased one must name no other
        )

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        """Add the public ids of the place: each a look-up by key, once per row of a page."""
        columns = super().expressions()
        public_ids = {
            name: select(place.public_id)
            .where(place.key == columns[place.column])
            .scalar_subquery()
            for name, place in _PLACES.items()
        }
        return {**public_ids, **columns}


_PLACES = {
    "experiment_id": Reference(col(Experiment.experiment_id), col(Experiment.id), "experiment_key"),
    "room_id": Reference(col(Room.room_id), col(Room.id), "room_key"),
    "participant_id": Reference(
        col(Participant.participant_id), col(Participant.id), "participant_key"
    ),
}


class RecordFilter(Filter):
    """What can be asked of records of every type."""

    by_key: ClassVar = _PLACES

    timestamp: TimestampRange | None = Field(
        default=None, description="When it happened, in absolute time."
    )
    onset: IntRange | None = Field(
        default=None, description="When it happened, in ms from the room's experiment start."
    )
    experiment_id: TextIn | None = Field(default=None, description="Which experiments.")
    room_id: TextIn | None = Field(default=None, description="Which rooms.")
    participant_id: TextIn | None = Field(default=None, description="Which participants.")


@dataclass(frozen=True, kw_only=True, eq=False)
class DataType(Listed):
    """One of the seven: what whatever is done for each of them must know.

    name    its field in the API, such as `chatMessages`
    title   how people call it, such as `chat messages`
    stem    the stem of its export files, such as `chat`
    description  what its records are
    model   its table
    base    its own public columns, in the order in which files show them
    checks  what must hold of each record, besides the ranges of its columns
    """

    name: str
    title: str
    stem: str
    description: str
    model: type[Record]
    base: type[RecordBase]
    filter: type[RecordFilter]
    checks: tuple[Check, ...] = ()

    @cached_property
    def all_checks(self) -> tuple[Check, ...]:
        """What must hold of each record: of its columns, of its own kind, and of every kind."""
        ranges = declared_checks(self.model, self.base)
        return (*ranges, *self.checks, PlausibleTime(), OnsetAgrees())

    @property
    def public_columns(self) -> Sequence[str]:
        """The names of what a record shows, in the order in which files show them."""
        return [*Place.model_fields, *self.base.model_fields]
