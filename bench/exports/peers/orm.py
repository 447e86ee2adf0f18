"""SQLModel entities, streamed by an async session, and csv.DictWriter: what one would write first.

`orm.py JOB [dump]`, a job being JSON: with `dump`, SQLModel makes the dict of each entity.
"""

import asyncio
import csv
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import JSON, Column, Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

AT_ONCE = 1_000
KEYS = {"id", "experiment_key", "room_key", "participant_key"}
MOMENTS = ("timestamp", "clientTimestamp")


class Experiment(SQLModel, table=True):
    id: int = Field(primary_key=True)
    experiment_id: str


class Room(SQLModel, table=True):
    id: int = Field(primary_key=True)
    room_id: str


class Participant(SQLModel, table=True):
    id: int = Field(primary_key=True)
    participant_id: str


class Record(SQLModel):
    id: int = Field(primary_key=True)
    experiment_key: int = Field(foreign_key="experiment.id")
    room_key: int = Field(foreign_key="room.id")
    participant_key: int = Field(foreign_key="participant.id")
    timestamp: int
    onset: int


class ContinuousRating(Record, table=True):
    __tablename__ = "continuous_rating"

    rating_id: str
    component_id: str | None
    value: float | None
    raw_value: float | None
    scale_min: float | None
    scale_max: float | None


class Event(Record, table=True):
    event_id: str
    event_type: str
    category: str | None
    component_type: str | None
    component_id: str | None
    content: str | None
    state_id: str | None
    state_name: str | None
    participant_role: str | None
    duration: int | None
    response: Any = Field(sa_column=Column(JSON))
    client_timestamp: int | None


def rating(record: ContinuousRating) -> dict[str, Any]:
    return {
        "timestamp": iso(record.timestamp),
        "onset": record.onset,
        "ratingId": record.rating_id,
        "componentId": record.component_id,
        "value": record.value,
        "rawValue": record.raw_value,
        "scaleMin": record.scale_min,
        "scaleMax": record.scale_max,
    }


def event(record: Event) -> dict[str, Any]:
    return {
        "timestamp": iso(record.timestamp),
        "onset": record.onset,
        "eventId": record.event_id,
        "eventType": record.event_type,
        "category": record.category,
        "componentType": record.component_type,
        "componentId": record.component_id,
        "content": record.content,
        "stateId": record.state_id,
        "stateName": record.state_name,
        "participantRole": record.participant_role,
        "duration": record.duration,
        "response": record.response,
        "clientTimestamp": iso(record.client_timestamp),
    }


def dumped(record: Record) -> dict[str, Any]:
    row = {to_camel(name): value for name, value in record.model_dump(exclude=KEYS).items()}
    return row | {name: iso(row[name]) for name in MOMENTS if name in row}


async def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())  # noqa: ASYNC240 - before there is anything to wait for
    by_hand = event if job["format"] == "NDJSON" else rating
    shown = dumped if "dump" in sys.argv[2:] else by_hand
    model = Event if job["format"] == "NDJSON" else ContinuousRating
    engine = create_async_engine(f"sqlite+aiosqlite:///{job['database']}")
    statement = (
        select(model, Experiment.experiment_id, Room.room_id, Participant.participant_id)
        .join(Experiment)
        .join(Room)
        .join(Participant)
        .order_by(col(model.room_key), col(model.timestamp), col(model.id))
        .limit(job["rows"])
        .execution_options(yield_per=AT_ONCE)
    )
    async with AsyncSession(engine) as session:
        with open(job["out"], "w", newline="") as file:  # noqa: ASYNC230, PTH123 - as scripts do
            names = [name for name, _ in job["columns"]]
            writer = csv.DictWriter(file, names, lineterminator="\n")
            if model is ContinuousRating:
                writer.writeheader()
            async for record, experiment, room, participant in await session.stream(statement):
                places = {"experimentId": experiment, "roomId": room, "participantId": participant}
                row = places | shown(record)
                if model is Event:
                    file.write(json.dumps(row) + "\n")
                else:
                    writer.writerow(row)
    await engine.dispose()


def iso(moment: int | None) -> str | None:
    if moment is None:
        return None
    text = datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


if __name__ == "__main__":
    asyncio.run(main())
