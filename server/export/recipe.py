"""What an export is asked to hold: kept with its row, so that a retry writes the same again."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, SQLColumnExpression, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Stored
from server.export.stillness import still
from server.key_lists import among
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.records.participants import Participant
from server.records.rooms import Room
from server.records.sealed import SealedRecord
from server.timestamps import Timestamp

PLACES = ("experiment_key", "room_key", "participant_key")
"""The columns that say where a record lies, from the outermost place to the innermost."""

ROOMS, PARTICIPANTS = "ROOMS", "PARTICIPANTS"
"""The names of their bounds, beside those of the data types."""


class Recipe(BaseModel):
    """A selection, what to make of it, and where its snapshot ends.

    Whatever lies in any of the experiments, rooms or participants is selected; their keys are those
    of their rows. `bounds` are the highest keys there were at the moment of the snapshot; `after`
    are those of an earlier one, whose records are left out.

    columns       by data type, the columns that its files show; all, of a type that is not named
    smallest_cell how many people a statistic must describe
    own_view      whether it is for the one person whose participants are selected: who stays known
                  in it, and everybody else under codes; left out of what is kept unless it is so
    """

    model_config = ConfigDict(frozen=True)

    experiment_keys: tuple[int, ...] = ()
    room_keys: tuple[int, ...] = ()
    participant_keys: tuple[int, ...] = ()
    data_types: tuple[str, ...]
    filters: dict[str, dict[str, Any]] = {}
    format: ExportFormat
    packaging: ExportPackaging
    anonymization: Anonymization
    excel_bom: bool = False
    formula_guard: bool = False
    columns: dict[str, tuple[str, ...]] = {}
    include_media: bool = False
    shift_times: bool = False
    smallest_cell: int = 5
    own_view: bool = Field(default=False, exclude_if=lambda own_view: not own_view)
    title: str
    bounds: dict[str, int]
    after: dict[str, int] = {}
    snapshot_at: Timestamp

    def selects(
        self,
        experiment_key: SQLColumnExpression[Any],
        room_key: SQLColumnExpression[Any],
        participant_key: SQLColumnExpression[Any] | None = None,
    ) -> ColumnElement[bool]:
        """Return the clause that keeps what is selected, given the columns of its places."""
        places = (
            (experiment_key, self.experiment_keys),
            (room_key, self.room_keys),
            (participant_key, self.participant_keys),
        )
        kept = (among(at, keys) for at, keys in places if at is not None and keys)
        return or_(false(), *kept)

    def selects_of(self, model: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a table with places
        """Return the clause that keeps what is selected of a table that names all three places."""
        return self.selects(*(col(getattr(model, place)) for place in PLACES))

    def selects_rooms(self) -> ColumnElement[bool]:
        """Return the clause that keeps the rooms that anything selected lies in."""
        of_participants = select(col(Participant.room_key)).where(
            among(col(Participant.id), self.participant_keys)
        )
        chosen = self.selects(col(Room.experiment_key), col(Room.id))
        there = self.within(ROOMS, col(Room.id))
        return and_(or_(chosen, col(Room.id).in_(of_participants)), there)

    def within(self, name: str, key: SQLColumnExpression[Any]) -> ColumnElement[bool]:
        """Return the clause that leaves out what came after the snapshot, or before an earlier."""
        there = key <= self.bounds[name]
        return and_(there, key > self.after[name]) if name in self.after else there


def selected(recipe: Recipe, name: str) -> list[ColumnElement[bool]]:
    """Return the clauses that keep the selected records of a data type."""
    data_type = RecordType[name].value
    columns = data_type.model.expressions()
    asked = data_type.filter.model_validate(recipe.filters.get(name, {}))
    return [
        recipe.selects_of(data_type.model),
        recipe.within(name, columns["id"]),
        *asked.clauses(columns),
    ]


def sealed(recipe: Recipe, name: str) -> list[ColumnElement[bool]]:
    """Return the clauses that keep the sealed records of a data type that lie in what is selected.

    Whatever a filter asks: to answer it would tell what they hold.
    """
    return [
        recipe.selects_of(SealedRecord),
        col(SealedRecord.data_type) == name,
        recipe.within(name, col(SealedRecord.record_key)),
    ]


async def take_bounds(tx: AsyncConnection) -> dict[str, int]:
    """Return where a snapshot taken now ends; in a transaction that writes. Busy if none can be.

    Whatever is stored later has higher keys: a later export can ask for just that. Bounds are of
    all types, exported or not, as that may ask for any.
    """
    models: dict[str, type[Stored]] = {
        ROOMS: Room,
        PARTICIPANTS: Participant,
        **{data_type.name: data_type.value.model for data_type in RecordType},
    }
    highest = select(
        *(
            func.coalesce(select(func.max(col(model.id))).scalar_subquery(), 0).label(name)
            for name, model in models.items()
        )
    )
    async with still(tx, list(models.values())):
        return {**(await tx.execute(highest)).mappings().one()}


async def experiment_keys(tx: AsyncConnection, recipe: Recipe) -> list[int]:
    """Return the experiments that anything selected lies in."""
    rooms = among(col(Room.id), recipe.room_keys)
    participants = among(col(Participant.id), recipe.participant_keys)
    found = await tx.scalars(
        select(col(Experiment.id))
        .where(
            or_(
                among(col(Experiment.id), recipe.experiment_keys),
                col(Experiment.id).in_(select(col(Room.experiment_key)).where(rooms)),
                col(Experiment.id).in_(select(col(Participant.experiment_key)).where(participants)),
            )
        )
        .order_by(col(Experiment.id))
    )
    return [key for key in found if key is not None]
