"""What can be watched as it comes: new records of a room, and what goes on in an experiment."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, cast

import strawberry
from strawberry import Info

from server.execution.fields import Batched
from server.live.activity import FLOWING_RECORDS, SILENCE_INTERVALS, SILENCE_MS, HappeningKind
from server.records import RecordType
from server.records.data_filter import DataFilter
from server.records.participants import ParticipantStatus
from server.records.retention import RetentionAction
from server.records.rooms import RoomStatus
from server.resolvers.activity import activity
from server.resolvers.added_records import RecordsOf, added
from server.resolvers.context import Context
from server.resolvers.following import MOST_RECORDS
from server.resolvers.watching import MOST_ROOMS
from server.schema.connection import loaded
from server.schema.inputs import show
from server.schema.records import DataRecord
from server.timestamps import Timestamp

show(HappeningKind, lambda kind: kind.description)


@strawberry.type(description="Records that have come to a room.")
class RecordBatch:
    count: int = strawberry.field(description="How many records the message has.")
    cursor: str = strawberry.field(
        description="Stands for all that was told so far: give it as `after` to go on from here."
    )

    @strawberry.field(
        description="The records, in the order in which they were committed; at most "
        f"{MOST_RECORDS:,}: what is left follows at once.",
        extensions=[Batched()],
    )
    def records(self) -> list[DataRecord]:
        return loaded(RecordsOf())


@strawberry.type(description="A participant of a room that is going on.")
class ActiveParticipant:
    participant_id: str = strawberry.field(description="Public id of the person, 28 characters.")
    role: str | None = strawberry.field(description="The role taken in the room.")
    status: ParticipantStatus = strawberry.field(
        description="Whether they are there, done, or gone."
    )
    joined_at: Timestamp | None = strawberry.field(description="When they entered the room.")


@strawberry.type(description="A room that is going on.")
class ActiveRoom:
    room_id: str = strawberry.field(description="Public id of the room, `room_…`.")
    status: RoomStatus = strawberry.field(description="Always ACTIVE.")
    start_time: Timestamp | None = strawberry.field(description="When the session began.")
    participants: list[ActiveParticipant] = strawberry.field(
        description="Who is in it, and who was: done, or gone."
    )


@strawberry.type(description="How many participants are in a state.")
class ParticipantStatusCount:
    status: ParticipantStatus = strawberry.field(description="Which state.")
    count: int = strawberry.field(description="How many; who was in two rooms counts twice.")


@strawberry.type(description="How many records there are of a type.")
class DataTypeCount:
    data_type: RecordType = strawberry.field(description="Which type.")
    count: int = strawberry.field(description="How many records.")


@strawberry.type(description="Something that happened since the message before.")
class Happening:
    kind: HappeningKind = strawberry.field(description="What happened.")
    room_id: str = strawberry.field(description="Public id of the room where.")
    participant_id: str | None = strawberry.field(
        description="Public id of whom it happened to; null for what happened to the room."
    )


@strawberry.type(
    description="Records of a participant that came at a steady pace and come no more: in a room "
    f"that is ACTIVE, of a participant who is, at least {FLOWING_RECORDS} of the type, and nothing "
    f"for more than {SILENCE_MS // 1000} seconds and more than {SILENCE_INTERVALS} times the usual "
    "interval. By the server's clock and the records' timestamps: a participant whose clock is "
    "slow looks silent. Where the rated part of a session has ended, silence is as it should be."
)
class Silence:
    room_id: str = strawberry.field(description="Public id of the room.")
    participant_id: str = strawberry.field(description="Public id of the person.")
    data_type: RecordType = strawberry.field(
        description="What stopped: CONTINUOUS_RATINGS or SYNC_METRICS."
    )
    last_timestamp: Timestamp = strawberry.field(description="When the last of them happened.")
    usual_interval_ms: float = strawberry.field(
        description="Milliseconds between two of them, on average from the first to the last."
    )
    silent_seconds: int = strawberry.field(
        description="Whole seconds since the last, at the moment `at`. That it grows is not told: "
        "reckon it from `lastTimestamp`."
    )


@strawberry.type(description="That data of an experiment will be deleted by itself.")
class RetentionNotice:
    action: RetentionAction = strawberry.field(description="What will be deleted.")
    begins_at: Timestamp = strawberry.field(
        description="When it will begin at the earliest, or when it began."
    )
    first_notice_at: Timestamp = strawberry.field(description="When the first notice was given.")
    last_notice_at: Timestamp | None = strawberry.field(
        description="When the second notice was given; null until then."
    )
    started_at: Timestamp | None = strawberry.field(
        description="When the deletion began; null until then."
    )


@strawberry.type(description="What goes on in an experiment.")
class ExperimentActivity:
    at: Timestamp = strawberry.field(
        description="Of which moment this tells, by the server's clock."
    )
    rooms: list[ActiveRoom] = strawberry.field(
        description="The rooms that are ACTIVE, in the order in which they began; of more than "
        f"{MOST_ROOMS} those that began last."
    )
    participant_counts: list[ParticipantStatusCount] = strawberry.field(
        description="How many participants of the whole experiment are in each state."
    )
    record_counts: list[DataTypeCount] = strawberry.field(
        description="How many records the whole experiment has, of each type that you may read."
    )
    happenings: list[Happening] = strawberry.field(
        description="What has changed since the message before, nothing in the first one. Who came "
        "and went in between is not told of."
    )
    silences: list[Silence] = strawberry.field(description="What has stopped, and should not have.")
    retention_notices: list[RetentionNotice] = strawberry.field(
        description="What will be deleted by itself, of which notice was given."
    )


@strawberry.type
class LiveSubscription:
    @strawberry.subscription(
        description="Rooms, participants and record counts of a running experiment: as they are, "
        "at once, and then whenever something changed, at most twice a second."
    )
    async def experiment_activity(
        self,
        info: Info[Context, None],
        experiment_id: Annotated[
            str, strawberry.argument(description="Public id of the experiment, `exp_…`.")
        ],
    ) -> AsyncGenerator[ExperimentActivity]:
        async with aclosing(activity(info.context, experiment_id)) as states:
            async for state in states:
                yield cast("ExperimentActivity", state)

    @strawberry.subscription(
        description="New records of a room, each once, in the order in which they were committed; "
        "the first message at once, even without a record. To miss nothing: subscribe, take the "
        "cursor of the first message, read what is there already by the lists of the room, and go "
        "on with what comes; a record that came meanwhile is in both, with the same `id`. Where a "
        "connection broke, subscribe again with the last cursor as `after`."
    )
    async def records_added(
        self,
        info: Info[Context, None],
        room_id: Annotated[
            str, strawberry.argument(description="Public id of the room, `room_…`.")
        ],
        data_type: Annotated[RecordType, strawberry.argument(description="Which type of records.")],
        filter: Annotated[
            DataFilter | None,
            strawberry.argument(
                description="Which records to keep: what it asks of other types is passed over."
            ),
        ] = None,
        after: Annotated[
            str | None,
            strawberry.argument(
                description="Cursor of the last message, for all that came since; what comes from "
                "now on, if left out. It is of one room, data type and filter."
            ),
        ] = None,
    ) -> AsyncGenerator[RecordBatch]:
        async with aclosing(added(info.context, room_id, data_type, filter, after)) as batches:
            async for batch in batches:
                yield cast("RecordBatch", batch)
