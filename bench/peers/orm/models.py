"""The tables, as SQLModel entities."""

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel


class Experiment(SQLModel, table=True):
    id: int = Field(primary_key=True)
    experiment_id: str
    name: str
    status: str
    created_at: int


class Room(SQLModel, table=True):
    id: int = Field(primary_key=True)
    experiment_key: int = Field(foreign_key="experiment.id")
    room_id: str
    start_time: int | None


class Participant(SQLModel, table=True):
    id: int = Field(primary_key=True)
    experiment_key: int = Field(foreign_key="experiment.id")
    room_key: int = Field(foreign_key="room.id")
    participant_id: str
    joined_at: int | None


class Tally(SQLModel, table=True):
    participant_key: int = Field(primary_key=True, foreign_key="participant.id")
    data_type: str = Field(primary_key=True)
    record_count: int


class Record(SQLModel):
    id: int = Field(primary_key=True)
    experiment_key: int
    room_key: int
    participant_key: int = Field(foreign_key="participant.id")
    timestamp: int
    onset: int


class Event(Record, table=True):
    event_id: str
    event_type: str
    category: str | None
    content: str | None
    response: Any = Field(sa_column=Column(JSON))


class Recording(Record, table=True):
    recording_id: str
    kind: str
    duration: int | None
    file_name: str | None
    file_size: int | None


class ChatMessage(Record, table=True):
    __tablename__ = "chat_message"

    message_id: str
    sender_id: str | None
    content: str
    recipient_ids: list[str] = Field(sa_column=Column(JSON))


class ContinuousRating(Record, table=True):
    __tablename__ = "continuous_rating"

    rating_id: str
    component_id: str | None
    value: float | None
    raw_value: float | None


class SparseRating(Record, table=True):
    __tablename__ = "sparse_rating"

    rating_id: str
    question: str | None
    value: Any = Field(sa_column=Column(JSON))
    response_time: int | None
    confidence: float | None


class SyncMetric(Record, table=True):
    __tablename__ = "sync_metric"

    metric_id: str
    time_drift: float | None
    playback_rate: float | None
    sync_quality: float | None
    latency: float | None


class Component(Record, table=True):
    component_id: str
    component_type: str | None
    config: Any = Field(sa_column=Column(JSON))
    state_name: str | None
    completed: bool | None
