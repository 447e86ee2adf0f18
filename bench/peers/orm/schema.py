"""The schema: one type a table, made of its entity; a connection for each list."""

from enum import Enum
from typing import Any, TypeVar

import models
import strawberry
from relay import BigInt, Connection, DateTime, connection, global_id, read_cursor
from sqlalchemy import tuple_
from sqlmodel import col, select
from strawberry.scalars import JSON
from strawberry.types import Info

Made = TypeVar("Made")


@strawberry.enum
class DataType(Enum):
    EVENTS = "EVENTS"
    RECORDINGS = "RECORDINGS"
    CHAT_MESSAGES = "CHAT_MESSAGES"
    CONTINUOUS_RATINGS = "CONTINUOUS_RATINGS"
    SPARSE_RATINGS = "SPARSE_RATINGS"
    SYNC_METRICS = "SYNC_METRICS"
    COMPONENTS = "COMPONENTS"


@strawberry.interface
class Record:
    id: strawberry.ID
    timestamp: DateTime
    onset: int

    @classmethod
    def of(cls, row: Any) -> Any:
        """Make one of its entity: the fields have the columns' names."""
        fields = cls.__annotations__
        return cls(
            id=global_id(row),
            timestamp=row.timestamp,
            onset=row.onset,
            **{name: getattr(row, name) for name in fields},
        )


@strawberry.type
class Event(Record):
    event_id: str
    event_type: str
    category: str | None
    content: str | None
    response: JSON | None


@strawberry.type
class Recording(Record):
    recording_id: str
    kind: str
    duration: int | None
    file_name: str | None
    file_size: BigInt | None


@strawberry.type
class ChatMessage(Record):
    message_id: str
    sender_id: str | None
    content: str
    recipient_ids: list[str]


@strawberry.type
class ContinuousRating(Record):
    rating_id: str
    component_id: str | None
    value: float | None
    raw_value: float | None


@strawberry.type
class SparseRating(Record):
    rating_id: str
    question: str | None
    value: JSON | None
    response_time: int | None
    confidence: float | None


@strawberry.type
class SyncMetric(Record):
    metric_id: str
    time_drift: float | None
    playback_rate: float | None
    sync_quality: float | None
    latency: float | None


@strawberry.type
class Component(Record):
    component_id: str
    component_type: str | None
    config: JSON | None
    state_name: str | None
    completed: bool | None


async def records(
    info: Info, made: type[Made], level: str, key: int, first: int, after: str | None
) -> Connection[Made]:
    """Read a page of what belongs to a participant or an experiment."""
    model = getattr(models, made.__name__)
    order = (model.timestamp, model.id)
    statement = select(model).where(getattr(model, level) == key).order_by(*order).limit(first + 1)
    if after is not None:
        statement = statement.where(tuple_(*order) > read_cursor(after))
    async with info.context["sessions"]() as session:
        rows = (await session.exec(statement)).all()
    return connection(rows, made.of, "timestamp", first, after)


@strawberry.type
class DataSummary:
    data_type: DataType
    record_count: int


@strawberry.type
class Participant:
    id: strawberry.ID
    participant_id: str
    joined_at: DateTime | None
    key: strawberry.Private[int]

    @classmethod
    def of(cls, row: models.Participant) -> "Participant":
        return cls(
            id=global_id(row),
            participant_id=row.participant_id,
            joined_at=row.joined_at,
            key=row.id,
        )

    @strawberry.field
    async def data_summary(self, info: Info) -> list[DataSummary]:
        counts = await info.context["tallies"].load(self.key)
        return [DataSummary(data_type=t, record_count=counts.get(t.value, 0)) for t in DataType]

    @strawberry.field
    async def events(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[Event]:
        return await records(info, Event, "participant_key", self.key, first, after)

    @strawberry.field
    async def recordings(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[Recording]:
        return await records(info, Recording, "participant_key", self.key, first, after)

    @strawberry.field
    async def chat_messages(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[ChatMessage]:
        return await records(info, ChatMessage, "participant_key", self.key, first, after)

    @strawberry.field
    async def continuous_ratings(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[ContinuousRating]:
        return await records(info, ContinuousRating, "participant_key", self.key, first, after)

    @strawberry.field
    async def sparse_ratings(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[SparseRating]:
        return await records(info, SparseRating, "participant_key", self.key, first, after)

    @strawberry.field
    async def sync_metrics(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[SyncMetric]:
        return await records(info, SyncMetric, "participant_key", self.key, first, after)

    @strawberry.field
    async def components(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[Component]:
        return await records(info, Component, "participant_key", self.key, first, after)


@strawberry.type
class Room:
    id: strawberry.ID
    room_id: str
    key: strawberry.Private[int]

    @classmethod
    def of(cls, row: models.Room) -> "Room":
        return cls(id=global_id(row), room_id=row.room_id, key=row.id)

    @strawberry.field
    async def participants(self, info: Info, first: int = 50) -> Connection[Participant]:
        rows = await info.context["participants"].load(self.key)
        return connection(rows, Participant.of, "joined_at", first, None)


@strawberry.type
class Experiment:
    id: strawberry.ID
    name: str
    status: str
    created_at: DateTime
    key: strawberry.Private[int]

    @classmethod
    def of(cls, row: models.Experiment) -> "Experiment":
        return cls(
            id=global_id(row),
            name=row.name,
            status=row.status,
            created_at=row.created_at,
            key=row.id,
        )

    @strawberry.field
    async def rooms(self, info: Info, first: int = 50) -> Connection[Room]:
        rows = await info.context["rooms"].load(self.key)
        return connection(rows, Room.of, "start_time", first, None)

    @strawberry.field
    async def continuous_ratings(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[ContinuousRating]:
        return await records(info, ContinuousRating, "experiment_key", self.key, first, after)


@strawberry.type
class Query:
    @strawberry.field
    async def experiments(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[Experiment]:
        order = (models.Experiment.created_at, models.Experiment.id)
        statement = select(models.Experiment).order_by(*order).limit(first + 1)
        if after is not None:
            statement = statement.where(tuple_(*order) > read_cursor(after))
        async with info.context["sessions"]() as session:
            rows = (await session.exec(statement)).all()
        return connection(rows, Experiment.of, "created_at", first, after)

    @strawberry.field
    async def experiment(self, info: Info, experiment_id: str) -> Experiment | None:
        statement = select(models.Experiment).where(
            models.Experiment.experiment_id == experiment_id
        )
        async with info.context["sessions"]() as session:
            row = (await session.exec(statement)).one_or_none()
        return None if row is None else Experiment.of(row)

    @strawberry.field
    async def participant(
        self, info: Info, room_id: str, participant_id: str
    ) -> Participant | None:
        statement = (
            select(models.Participant)
            .join(models.Room, col(models.Room.id) == models.Participant.room_key)
            .where(
                models.Room.room_id == room_id,
                models.Participant.participant_id == participant_id,
            )
        )
        async with info.context["sessions"]() as session:
            row = (await session.exec(statement)).one_or_none()
        return None if row is None else Participant.of(row)


schema = strawberry.Schema(Query)
