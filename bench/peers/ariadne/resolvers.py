"""Resolvers: rows are dictionaries by column name; loaders where there are many parents."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import aiosqlite
from aiodataloader import DataLoader
from ariadne import ObjectType, QueryType, ScalarType
from graphql import GraphQLResolveInfo

Row = Mapping[str, Any]

TYPES = (
    "EVENTS",
    "RECORDINGS",
    "CHAT_MESSAGES",
    "CONTINUOUS_RATINGS",
    "SPARSE_RATINGS",
    "SYNC_METRICS",
    "COMPONENTS",
)
RECORDS = {
    "events": ("Event", "event"),
    "recordings": ("Recording", "recording"),
    "chatMessages": ("ChatMessage", "chat_message"),
    "continuousRatings": ("ContinuousRating", "continuous_rating"),
    "sparseRatings": ("SparseRating", "sparse_rating"),
    "syncMetrics": ("SyncMetric", "sync_metric"),
    "components": ("Component", "component"),
}
JSON_COLUMNS = {
    "event": ("response",),
    "chat_message": ("recipient_ids",),
    "sparse_rating": ("value",),
    "component": ("config",),
}

date_time = ScalarType("DateTime")
query = QueryType()
experiment_type, room_type = ObjectType("Experiment"), ObjectType("Room")
participant_type = ObjectType("Participant")


@date_time.serializer
def iso(ms: int) -> str:
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def read_cursor(cursor: str) -> tuple[int, int]:
    at, key = urlsafe_b64decode(cursor).decode().split(":")
    return int(at), int(key)


def shown(row: Row, type_name: str, table: str = "") -> dict[str, Any]:
    """Return a row as a dictionary, with its global id, and its JSON parsed."""
    global_id = urlsafe_b64encode(f"{type_name}:{row['id']}".encode()).decode().rstrip("=")
    made = {**row, "key": row["id"], "id": global_id}
    for column in JSON_COLUMNS.get(table, ()):
        made[column] = None if made[column] is None else json.loads(made[column])
    return made


def connection(rows: Sequence[Row], order: str, first: int, after: str | None) -> dict[str, Any]:
    """Make a page of rows, of which there may be one too many."""
    edges = [
        {"node": row, "cursor": urlsafe_b64encode(f"{row[order]}:{row['key']}".encode()).decode()}
        for row in rows[:first]
    ]
    return {
        "edges": edges,
        "nodes": rows[:first],
        "page_info": {
            "has_next_page": len(rows) > first,
            "has_previous_page": after is not None,
            "start_cursor": edges[0]["cursor"] if edges else None,
            "end_cursor": edges[-1]["cursor"] if edges else None,
        },
    }


async def records(
    db: aiosqlite.Connection,
    type_name: str,
    table: str,
    level: str,
    parent: Row,
    first: int,
    after: str | None,
) -> dict[str, Any]:
    """Read a page of what belongs to a participant or an experiment."""
    beyond = "" if after is None else "AND (timestamp, id) > (?, ?)"
    rows = await db.execute_fetchall(
        f"SELECT * FROM {table} WHERE {level} = ? {beyond} ORDER BY timestamp, id LIMIT ?",
        (parent["key"], *(() if after is None else read_cursor(after)), first + 1),
    )
    return connection([shown(row, type_name, table) for row in rows], "timestamp", first, after)


def records_of(level: str, type_name: str, table: str) -> Callable[..., Any]:
    async def resolve(
        parent: Row, info: GraphQLResolveInfo, *, first: int, after: str | None = None
    ) -> dict[str, Any]:
        return await records(info.context["db"], type_name, table, level, parent, first, after)

    return resolve


for field, record in RECORDS.items():
    participant_type.set_field(field, records_of("participant_key", *record))
experiment_type.set_field(
    "continuousRatings", records_of("experiment_key", *RECORDS["continuousRatings"])
)


@query.field("experiments")
async def experiments(
    _: object, info: GraphQLResolveInfo, *, first: int, after: str | None = None
) -> dict[str, Any]:
    beyond = "" if after is None else "WHERE (created_at, id) > (?, ?)"
    rows = await info.context["db"].execute_fetchall(
        f"SELECT * FROM experiment {beyond} ORDER BY created_at, id LIMIT ?",
        (*(() if after is None else read_cursor(after)), first + 1),
    )
    return connection([shown(row, "Experiment") for row in rows], "created_at", first, after)


@query.field("experiment")
async def experiment(_: object, info: GraphQLResolveInfo, *, experiment_id: str) -> Any:
    rows = await info.context["db"].execute_fetchall(
        "SELECT * FROM experiment WHERE experiment_id = ?", (experiment_id,)
    )
    return next((shown(row, "Experiment") for row in rows), None)


@query.field("participant")
async def participant(
    _: object, info: GraphQLResolveInfo, *, room_id: str, participant_id: str
) -> Any:
    rows = await info.context["db"].execute_fetchall(
        """SELECT * FROM participant WHERE participant_id = ?
        AND room_key = (SELECT id FROM room WHERE room_id = ?)""",
        (participant_id, room_id),
    )
    return next((shown(row, "Participant") for row in rows), None)


@experiment_type.field("rooms")
async def rooms(parent: Row, info: GraphQLResolveInfo, *, first: int) -> dict[str, Any]:
    found = await info.context["rooms"].load(parent["key"])
    return connection(found, "start_time", first, None)


@room_type.field("participants")
async def participants(parent: Row, info: GraphQLResolveInfo, *, first: int) -> dict[str, Any]:
    found = await info.context["participants"].load(parent["key"])
    return connection(found, "joined_at", first, None)


@participant_type.field("dataSummary")
async def data_summary(parent: Row, info: GraphQLResolveInfo) -> list[dict[str, Any]]:
    tallies = await info.context["tallies"].load(parent["key"])
    counts = {tally["data_type"]: tally["record_count"] for tally in tallies}
    return [{"data_type": t, "record_count": counts.get(t, 0)} for t in TYPES]


class Children(DataLoader):
    """The rows of a statement that belong to each parent."""

    def __init__(
        self, db: aiosqlite.Connection, statement: str, parent: str, type_name: str = ""
    ) -> None:
        super().__init__()
        self.db, self.statement, self.parent, self.type_name = db, statement, parent, type_name

    async def batch_load_fn(self, keys: Sequence[int]) -> list[list[Any]]:
        found: dict[int, list[Any]] = {key: [] for key in keys}
        for row in await self.db.execute_fetchall(self.statement, (json.dumps(keys),)):
            made = shown(row, self.type_name) if self.type_name else row
            found[row[self.parent]].append(made)
        return [found[key] for key in keys]


OF = "IN (SELECT value FROM json_each(?))"


def loaders(db: aiosqlite.Connection) -> dict[str, DataLoader]:
    """Return the loaders of one request."""
    return {
        "rooms": Children(
            db,
            f"SELECT * FROM room WHERE experiment_key {OF} ORDER BY start_time, id",
            "experiment_key",
            "Room",
        ),
        "participants": Children(
            db,
            f"SELECT * FROM participant WHERE room_key {OF} ORDER BY joined_at, id",
            "room_key",
            "Participant",
        ),
        "tallies": Children(
            db, f"SELECT * FROM tally WHERE participant_key {OF}", "participant_key"
        ),
    }


bindables = [query, experiment_type, room_type, participant_type, date_time]
