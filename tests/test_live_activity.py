"""What goes on in an experiment, told to those who watch it: at once, and whenever it changes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from server.live.activity import Flow, OpenRoom, Person, silences
from server.records import RecordType
from server.records.collaborators import Collaborator
from server.records.participants import Participant, ParticipantStatus
from server.records.rooms import Room, RoomStatus
from server.timestamps import Timestamp, iso
from tests.conftest import Api
from tests.factories import (
    START,
    Row,
    a_chat_message,
    a_continuous_rating,
    a_grant,
    a_participant,
    a_room,
    a_sync_metric,
    a_user,
    an_event,
    an_experiment,
    save,
)
from tests.following import Message, Stream, following

pytestmark = pytest.mark.anyio

ACTIVITY = """subscription ($e: String!) { experimentActivity(experimentId: $e) {
  at rooms { roomId status startTime participants { participantId role status joinedAt } }
  participantCounts { status count } recordCounts { dataType count }
  happenings { kind roomId participantId }
  silences { roomId participantId dataType lastTimestamp usualIntervalMs silentSeconds } } }"""


class Lab:
    """An experiment with a room that is going on, with one person in it, and one that is over."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.owner = a_user()
        self.experiment = an_experiment(self.owner, participants_may_request_data=True)
        self.room = a_room(self.experiment, status="ACTIVE", end_time=None)
        self.past = a_room(self.experiment)
        self.person = a_participant(self.room, status="ACTIVE")
        self.gone = a_participant(self.past)

    def watch(self, who: Row | None = None, *scopes: str) -> Any:
        asked = self.experiment["experiment_id"]
        return following(self.api, who or self.owner, ACTIVITY, *scopes, e=asked)

    async def change(self, row: Row, **values: Any) -> None:
        async with self.api.db.write() as tx:
            this = update(row.model).where(row.model.id == row.key)
            await tx.execute(this.values(**values))

    async def join(self, **values: Any) -> Row:
        person = a_participant(self.room, **{"status": "ACTIVE", **values})
        await save(self.api.db, person)
        return person

    async def happened(self, stream: Stream, *kinds: str) -> Message:
        """Return the next message, of which this must have happened."""
        message = await stream.next()
        assert [each["kind"] for each in message["happenings"]] == [*kinds]
        return message


@pytest.fixture
async def lab(any_api: Api, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr("server.live.pulse.POLL_SECONDS", 0.02)
    lab = Lab(any_api)
    everything = lab.owner, lab.experiment, lab.room, lab.past, lab.person, lab.gone
    await save(any_api.db, *everything)
    return lab


def counts(message: Message, name: str, key: str) -> dict[str, int]:
    return {each[key]: each["count"] for each in message[name] if each["count"]}


async def test_it_is_told_at_once_how_things_are(lab: Lab) -> None:
    await save(lab.api.db, an_event(lab.gone), an_event(lab.person), a_chat_message(lab.person))
    async with lab.watch() as stream:
        message = await stream.next()
    [room] = message["rooms"]
    assert room == {
        "roomId": lab.room["room_id"],
        "status": "ACTIVE",
        "startTime": iso(START - 60_000),
        "participants": [
            {
                "participantId": lab.person["participant_id"],
                "role": "host",
                "status": "ACTIVE",
                "joinedAt": iso(START - 30_000),
            }
        ],
    }
    assert counts(message, "participantCounts", "status") == {"ACTIVE": 1, "COMPLETED": 1}
    assert counts(message, "recordCounts", "dataType") == {"EVENTS": 2, "CHAT_MESSAGES": 1}
    assert len(message["recordCounts"]) == len(RecordType)
    assert message["happenings"] == message["silences"] == []


async def test_it_is_told_who_comes_and_goes(lab: Lab) -> None:
    async with lab.watch() as stream:
        await stream.next()
        guest = await lab.join(role="guest")
        message = await lab.happened(stream, "PARTICIPANT_JOINED")
        [happening] = message["happenings"]
        assert happening["roomId"] == lab.room["room_id"]
        assert happening["participantId"] == guest["participant_id"]
        assert len(message["rooms"][0]["participants"]) == 2
        assert counts(message, "participantCounts", "status")["ACTIVE"] == 2

        await lab.change(guest, status="DISCONNECTED")
        await lab.happened(stream, "PARTICIPANT_DISCONNECTED")
        await lab.change(guest, status="ACTIVE")
        await lab.happened(stream, "PARTICIPANT_RETURNED")
        await lab.change(guest, status="COMPLETED")
        message = await lab.happened(stream, "PARTICIPANT_LEFT")
        assert counts(message, "participantCounts", "status") == {"ACTIVE": 1, "COMPLETED": 2}
        await lab.join(status="DISCONNECTED")
        await lab.happened(stream, "PARTICIPANT_JOINED", "PARTICIPANT_DISCONNECTED")


async def test_it_is_told_which_rooms_open_and_close(lab: Lab) -> None:
    async with lab.watch() as stream:
        await stream.next()
        room = a_room(lab.experiment, status="ACTIVE", start_time=START)
        await save(lab.api.db, room, a_participant(room, status="ACTIVE"))
        message = await lab.happened(stream, "ROOM_OPENED", "PARTICIPANT_JOINED")
        assert [each["roomId"] for each in message["rooms"]] == [
            lab.room["room_id"],
            room["room_id"],
        ]
        async with lab.api.db.write() as tx:
            for model, key in ((Participant, lab.person.key), (Room, lab.room.key)):
                this = update(model).where(col(model.id) == key)
                await tx.execute(this.values(status="COMPLETED"))
        message = await lab.happened(stream, "PARTICIPANT_LEFT", "ROOM_CLOSED")
        assert [each["roomId"] for each in message["rooms"]] == [room["room_id"]]
        assert message["happenings"][1]["participantId"] is None


async def test_a_room_that_is_deleted_has_closed(lab: Lab) -> None:
    async with lab.watch() as stream:
        await stream.next()
        async with lab.api.db.write() as tx:
            await tx.execute(delete(Participant).where(col(Participant.room_key) == lab.room.key))
            await tx.execute(delete(Room).where(col(Room.id) == lab.room.key))
        message = await lab.happened(stream, "ROOM_CLOSED")
        assert message["rooms"] == []


async def test_of_very_many_rooms_those_are_shown_that_began_last(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.resolvers.watching.MOST_ROOMS", 2)
    async with lab.watch() as stream:
        await stream.next()
        later = [
            a_room(lab.experiment, status="ACTIVE", start_time=START + number) for number in (2, 1)
        ]
        await save(lab.api.db, *later)
        message = await lab.happened(stream, "ROOM_OPENED", "ROOM_OPENED")
    shown = [each["roomId"] for each in message["rooms"]]
    assert shown == [later[1]["room_id"], later[0]["room_id"]]


async def test_records_are_counted_as_they_come_and_nothing_is_told_without_a_change(
    lab: Lab,
) -> None:
    async with lab.watch() as stream:
        await stream.next()
        quiet = asyncio.create_task(stream.next())
        await asyncio.sleep(0.3)
        assert not quiet.done()
        await save(lab.api.db, an_event(lab.person))
        assert counts(await quiet, "recordCounts", "dataType") == {"EVENTS": 1}


@contextmanager
def at(moment: int) -> Iterator[None]:
    with patch("server.resolvers.activity.now", lambda: Timestamp(moment)):
        yield


async def test_it_is_told_whose_ratings_stopped(lab: Lab) -> None:
    samples = [a_continuous_rating(lab.person, onset=100 * n) for n in range(11)]
    metrics = [a_sync_metric(lab.person, onset=1000 * n) for n in range(11)]
    await save(lab.api.db, *samples, *metrics)
    with at(START + 6_000):
        async with lab.watch() as stream:
            assert (await stream.next())["silences"] == []
            with at(START + 13_000):
                [silence] = (await stream.next())["silences"]
                assert silence == {
                    "roomId": lab.room["room_id"],
                    "participantId": lab.person["participant_id"],
                    "dataType": "CONTINUOUS_RATINGS",
                    "lastTimestamp": iso(START + 1_000),
                    "usualIntervalMs": 100,
                    "silentSeconds": 12,
                }
                await save(lab.api.db, a_continuous_rating(lab.person, onset=12_900))
                assert (await stream.next())["silences"] == []
            with at(START + 30_000):
                both = (await stream.next())["silences"]
                assert [each["dataType"] for each in both] == [
                    "CONTINUOUS_RATINGS",
                    "SYNC_METRICS",
                ]
                await lab.change(lab.person, status="COMPLETED")
                assert (await stream.next())["silences"] == []


def flow(count: int, lasted: int) -> Flow:
    last = Timestamp(START + lasted)
    return Flow(1, RecordType.CONTINUOUS_RATINGS, count, Timestamp(START), last)


@pytest.mark.parametrize(
    ("count", "lasted", "after", "silent"),
    [
        (10, 900, 5_000, False),
        (10, 900, 5_001, True),
        (10, 900, -60_000, False),  # a clock that is ahead
        (9, 900, 60_000, False),  # too few to be a flow
        (11, 20_000, 10_000, False),  # one each two seconds
        (11, 20_000, 10_001, True),
        (10, 0, 5_001, True),
    ],
)
def test_a_flow_is_silent_after_five_seconds_and_five_intervals(
    count: int, lasted: int, after: int, silent: bool
) -> None:
    person = Person(1, "P3", None, ParticipantStatus.ACTIVE, None)
    room = OpenRoom(1, "room_1", RoomStatus.ACTIVE, None, (person,))
    moment = Timestamp(START + lasted + after)
    assert bool(list(silences([room], [flow(count, lasted)], moment))) is silent


async def test_only_types_are_counted_that_one_may_read(lab: Lab) -> None:
    guest = a_user()
    grant = a_grant(lab.experiment, guest, data_types=["EVENTS"])
    samples = [a_continuous_rating(lab.person, onset=100 * n) for n in range(11)]
    await save(lab.api.db, guest, grant, an_event(lab.person), *samples)
    async with lab.watch(guest) as stream:
        message = await stream.next()
        assert message["recordCounts"] == [{"dataType": "EVENTS", "count": 1}]
        assert message["silences"] == []
        await save(lab.api.db, a_continuous_rating(lab.person), an_event(lab.gone))
        assert (await stream.next())["recordCounts"] == [{"dataType": "EVENTS", "count": 2}]
    scopes = "read:experiments", "read:participants", "read:ratings"
    async with lab.watch(lab.owner, *scopes) as stream:
        counted = [each["dataType"] for each in (await stream.next())["recordCounts"]]
        assert counted == ["CONTINUOUS_RATINGS", "SPARSE_RATINGS"]


async def test_participants_watch_their_own_part(lab: Lab) -> None:
    user = a_user(role="PARTICIPANT", participant_id=lab.person["participant_id"])
    other = a_room(lab.experiment, status="ACTIVE")
    guest, stranger = a_participant(lab.room, status="ACTIVE"), a_participant(other)
    records = [an_event(each) for each in (lab.person, guest, stranger, lab.gone)]
    await save(lab.api.db, user, other, guest, stranger, *records)
    async with lab.watch(user) as stream:
        message = await stream.next()
    [room] = message["rooms"]
    assert room["roomId"] == lab.room["room_id"]
    assert [each["participantId"] for each in room["participants"]] == [user["participant_id"]]
    assert counts(message, "participantCounts", "status") == {"ACTIVE": 1}
    assert counts(message, "recordCounts", "dataType") == {"EVENTS": 1}


async def test_whoever_may_watch_it_no_more_is_told_no_more(lab: Lab) -> None:
    guest = a_user()
    await save(lab.api.db, guest, a_grant(lab.experiment, guest))
    async with lab.watch(guest) as stream:
        await stream.next()
        async with lab.api.db.write() as tx:
            await tx.execute(delete(Collaborator))
        told = await stream.refusal()
    assert told[0] == "NOT_FOUND"
    async with following(lab.api, guest, ACTIVITY, e="exp_none") as nowhere:
        assert await nowhere.refusal() == told


async def test_those_who_watch_the_same_share_what_is_read(lab: Lab) -> None:
    streams = [lab.watch() for _ in range(20)]
    opened = [await each.__aenter__() for each in streams]
    await asyncio.gather(*(each.next() for each in opened))
    with lab.api.counting() as statements:
        await save(lab.api.db, an_event(lab.person))
        told = await asyncio.gather(*(each.next() for each in opened))
    for each in streams:
        await each.__aexit__(None, None, None)
    assert all(counts(each, "recordCounts", "dataType") == {"EVENTS": 1} for each in told)
    assert len(statements) < 100
