"""New records of a room, told to those who follow it: each once, in order, to whom may see them."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlmodel import col

from server.arrivals import take_rooms
from server.db import Database
from server.records import RecordType
from server.records.audit import AuditEntry
from server.records.collaborators import Collaborator
from server.records.continuous_ratings import ContinuousRating
from server.resolvers.following import MOST_RECORDS
from server.timestamps import now
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    Row,
    a_chat_message,
    a_continuous_rating,
    a_grant,
    a_group,
    a_participant,
    a_recording,
    a_room,
    a_user,
    an_event,
    an_experiment,
    in_group,
    save,
)
from tests.following import ADDED, Stream, following, ids_in

pytestmark = pytest.mark.anyio

RATINGS = "CONTINUOUS_RATINGS"


class Lab:
    """Two rooms of an experiment; in the first are two people."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.owner = a_user()
        self.experiment = an_experiment(self.owner, participants_may_request_data=True)
        self.room, self.other = (a_room(self.experiment, status="ACTIVE") for _ in range(2))
        self.people = [a_participant(self.room, status="ACTIVE") for _ in range(2)]
        self.elsewhere = a_participant(self.other, status="ACTIVE")

    def follow(self, who: Row | None = None, after: str | None = None, **changes: Any) -> Any:
        asked = {"room": self.room["room_id"], "type": RATINGS, **changes}
        return following(self.api, who or self.owner, ADDED, **asked, after=after)

    async def rate(self, count: int = 1, **values: Any) -> list[str]:
        """Store samples, whose keys the database gives; return their ids."""
        rows = [a_continuous_rating(self.people[n % 2], **values) for n in range(count)]
        await put(self.api.db, *rows)
        return [row["rating_id"] for row in rows]

    async def told(self, after: str | None, count: int) -> tuple[list[str], str]:
        """Come back with a cursor; return so many records that are told, and the next cursor.

        More would be an error, but what is read is shared until the next beat.
        """
        async with self.follow(after=after) as stream:
            message = await stream.next()
            found = list(ids_in(message))
            while len(found) < count:
                message = await stream.next()
                found += ids_in(message)
        return found, message["cursor"]

    async def end(self) -> str:
        """Return the cursor from which to follow what comes from now on."""
        return (await self.told(None, 0))[1]


async def put(db: Database, *rows: Row) -> None:
    """Store rows with keys that the database gives."""
    async with db.write() as tx:
        await take_rooms(tx, [row["room_key"] for row in rows])
        for row in rows:
            await tx.execute(insert(row.model), {k: v for k, v in row.items() if k != "id"})


@pytest.fixture
async def lab(any_api: Api, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr("server.live.pulse.POLL_SECONDS", 0.02)
    lab = Lab(any_api)
    await save(
        any_api.db, lab.owner, lab.experiment, lab.room, lab.other, *lab.people, lab.elsewhere
    )
    return lab


async def test_a_follower_is_told_what_comes_and_goes_on_from_a_cursor(lab: Lab) -> None:
    before = await lab.rate(3)
    async with lab.follow() as stream:
        first = await stream.next()
        assert (first["count"], first["records"]) == (0, [])
        one = await lab.rate(2)
        message = await stream.next()
        assert (ids_in(message), message["count"]) == (one, 2)
        await put(lab.api.db, a_continuous_rating(lab.elsewhere), an_event(lab.people[0]))
        two = await lab.rate(2)
        assert await stream.ids(2) == two
    three = await lab.rate()
    told, cursor = await lab.told(first["cursor"], 5)
    assert told == one + two + three
    assert await lab.told(message["cursor"], 3) == (two + three, cursor)
    assert await lab.told(cursor, 0) == ([], cursor)
    assert not set(before) & set(told)


async def test_what_is_there_can_be_read_and_followed_without_a_gap(lab: Lab) -> None:
    query = """query ($room: String!) { room(roomId: $room) {
      continuousRatings(first: 1000) { nodes { ratingId } } } }"""
    written = await lab.rate(5)

    async def write() -> None:
        for _ in range(20):
            written.extend(await lab.rate())
            await asyncio.sleep(0.005)

    writing = asyncio.create_task(write())
    async with lab.follow() as stream:
        await stream.next()
        key = await lab.api.key_of(lab.owner.key)
        data = await lab.api.ask(query, key, room=lab.room["room_id"])
        known = {row["ratingId"] for row in data["room"]["continuousRatings"]["nodes"]}
        await writing
        end = await lab.rate()
        while end[0] not in known:
            known.update(ids_in(await stream.next()))
    assert known == {*written, *end}


async def test_a_room_in_which_nothing_is_yet_can_be_followed(lab: Lab) -> None:
    cursor = await lab.end()
    assert await lab.told(cursor, 0) == ([], cursor)
    one = await lab.rate()
    assert (await lab.told(cursor, 1))[0] == one


async def test_who_comes_back_late_is_told_all_in_bounded_messages(lab: Lab) -> None:
    cursor = await lab.end()
    there = await lab.rate(2 * MOST_RECORDS + 500)
    async with lab.follow(after=cursor) as stream:
        messages = [await stream.next() for _ in range(3)]
        assert [each["count"] for each in messages] == [MOST_RECORDS, MOST_RECORDS, 500]
        assert [id_ for each in messages for id_ in ids_in(each)] == there
        new = await lab.rate()
        assert await stream.ids(1) == new


async def test_a_filter_keeps_what_it_asks_and_what_it_leaves_out_is_passed_over(lab: Lab) -> None:
    kept = {"continuousRatings": {"value": {"gte": 0.6}}, "events": {"eventId": {"in": []}}}
    await lab.rate()
    async with lab.follow(filter=kept) as stream:
        start = (await stream.next())["cursor"]
        await lab.rate(5, value=0.1)
        high = await lab.rate(value=0.9)
        await lab.rate(MOST_RECORDS + 5, value=0.2)
        high += await lab.rate(value=0.8)
        assert await stream.ids(2) == high
    async with lab.follow(filter=kept, after=start) as stream:
        assert await stream.ids(2) == high


@pytest.mark.parametrize(
    "change",
    [
        {"type": "SYNC_METRICS"},
        {"filter": {"continuousRatings": {"value": {"gte": 0.5}}}},
        {"room": "other"},
    ],
    ids=["type", "filter", "room"],
)
async def test_a_cursor_of_something_else_is_refused(lab: Lab, change: dict[str, Any]) -> None:
    if "room" in change:
        change = {"room": lab.other["room_id"]}
    await lab.rate()
    cursor = await lab.end()
    async with lab.follow(after=cursor, **change) as stream:
        code, message = await stream.refusal()
    assert (code, "another room, data type or filter" in message) == ("INVALID_CURSOR", True)


@pytest.mark.parametrize(
    "text", ["", "x", "é", "W10", "WyJhIiwxXQ", "WyJhIiwtMSwiIl0", "WyJhIiwidGV4dCIsIiJd", "bnVsbA"]
)
async def test_what_is_no_cursor_is_refused(api: Api, text: str) -> None:
    lab = Lab(api)
    await save(api.db, lab.owner, lab.experiment, lab.room)
    async with lab.follow(after=text) as stream:
        assert (await stream.refusal())[0] == "INVALID_CURSOR"


async def test_a_cursor_of_a_list_is_refused(lab: Lab) -> None:
    await lab.rate()
    query = """query ($room: String!) { room(roomId: $room) {
      continuousRatings(first: 1) { pageInfo { endCursor } } } }"""
    data = await lab.api.ask(query, await lab.api.key_of(lab.owner.key), room=lab.room["room_id"])
    end = data["room"]["continuousRatings"]["pageInfo"]["endCursor"]
    async with lab.follow(after=end) as stream:
        assert (await stream.refusal())[0] == "INVALID_CURSOR"


async def remove(db: Database, id_: str) -> None:
    async with db.write() as tx:
        await tx.execute(delete(ContinuousRating).where(col(ContinuousRating.rating_id) == id_))


async def test_what_is_deleted_before_the_cursor_loses_nothing(lab: Lab) -> None:
    old = await lab.rate(3)
    cursor = await lab.end()
    await remove(lab.api.db, old[1])
    new = await lab.rate(2)
    assert (await lab.told(cursor, len(new)))[0] == new


async def test_a_cursor_whose_record_is_deleted_loses_nothing_unsaid(lab: Lab) -> None:
    """SQLite may give its key to another record; PostgreSQL does not."""
    old = await lab.rate(3)
    async with lab.follow() as stream:
        cursor = (await stream.next())["cursor"]
        await remove(lab.api.db, old[-1])
        new = await lab.rate()
        if lab.api.db.raw:
            code, message = await stream.refusal()
            assert (code, "read the list again" in message) == ("INVALID_CURSOR", True)
            async with lab.follow(after=cursor) as again:
                assert (await again.refusal())[0] == "INVALID_CURSOR"
        else:
            assert await stream.ids(1) == new
    cursor = await lab.end()
    new = await lab.rate()
    assert (await lab.told(cursor, len(new)))[0] == new


async def test_who_takes_a_room_later_has_later_keys(any_db: Database) -> None:
    owner = a_user()
    experiment = an_experiment(owner)
    rooms = [a_room(experiment) for _ in range(2)]
    people = [a_participant(room) for room in rooms]
    await save(any_db, owner, experiment, *rooms, *people)
    inserted, commit = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with any_db.write() as tx:
            await take_rooms(tx, [rooms[0].key, rooms[0].key])
            row = a_continuous_rating(people[0], rating_id="first")
            await tx.execute(insert(ContinuousRating), without_key(row))
            inserted.set()
            await commit.wait()

    earlier = asyncio.create_task(first())
    await inserted.wait()
    later = asyncio.create_task(put(any_db, a_continuous_rating(people[0], rating_id="second")))
    if not any_db.raw:  # who writes to another room need not wait
        await asyncio.wait_for(put(any_db, a_continuous_rating(people[1])), 20)
    await asyncio.sleep(0.2)
    assert not later.done()
    commit.set()
    await asyncio.gather(earlier, later)
    async with any_db.read() as tx:
        here = col(ContinuousRating.room_key) == rooms[0].key
        rows = (
            select(col(ContinuousRating.rating_id)).where(here).order_by(col(ContinuousRating.id))
        )
        assert (await tx.scalars(rows)).all() == ["first", "second"]


def without_key(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}


async def test_two_who_take_the_same_rooms_do_not_wait_for_ever(any_db: Database) -> None:
    async def take(keys: Sequence[int]) -> None:
        for _ in range(20):
            async with any_db.write() as tx:
                await take_rooms(tx, keys)

    both = take([1, 2, 3, 1 << 40]), take([1 << 40, 3, 2, 1])
    await asyncio.wait_for(asyncio.gather(*both), 20)


OPERATIONS = st.lists(
    st.sampled_from(["write", "write many", "write elsewhere", "delete an old one", "come back"]),
    min_size=3,
    max_size=12,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(operations=OPERATIONS)
async def test_whatever_is_written_each_is_told_once(lab: Lab, operations: list[str]) -> None:
    written: list[str] = []
    told, cursor = list[str](), await lab.end()
    for operation in [*operations, "come back"]:
        if operation == "write elsewhere":
            await put(lab.api.db, a_continuous_rating(lab.elsewhere), an_event(lab.people[0]))
        elif operation == "delete an old one" and len(told) > 1:
            await remove(lab.api.db, told[-2])
        elif operation == "come back":
            new, cursor = await lab.told(cursor, len(written) - len(told))
            told += new
        else:
            written += await lab.rate(17 if operation == "write many" else 1)
    assert told == written


async def test_followers_of_the_same_cost_one_read(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        streams: list[Stream] = [await stack.enter_async_context(lab.follow()) for _ in range(50)]
        await asyncio.gather(*(each.next() for each in streams))
        with lab.api.counting() as statements:
            there = await lab.rate(3)
            told = await asyncio.gather(*(each.ids(3) for each in streams))
    assert all(each == there for each in told)
    rows = [each for each in statements if "rating_id" in each and "LIMIT" in each.upper()]
    assert 0 < len(rows) <= 6


async def test_a_follower_who_does_not_listen_holds_up_nobody(lab: Lab) -> None:
    async with lab.follow() as slow, lab.follow() as quick:
        await slow.next()
        await quick.next()
        there = []
        for _ in range(5):
            new = await lab.rate(2)
            assert await quick.ids(2) == new
            there += new
        message = await slow.next()
        assert ids_in(message) == there


async def test_participants_are_told_of_others_by_codes(lab: Lab) -> None:
    """In what follows as in lists; and no filter tells what is hidden."""
    anna, ben = lab.people
    user = a_user(role="PARTICIPANT", participant_id=anna["participant_id"])
    await save(lab.api.db, user)
    document = """subscription ($room: String!, $filter: DataFilter) {
      recordsAdded(roomId: $room, dataType: CHAT_MESSAGES, filter: $filter) {
        records { ... on ChatMessage { senderId content recipientIds participantId } } } }"""
    room = lab.room["room_id"]
    async with following(lab.api, user, document, room=room) as stream:
        assert (await stream.next())["records"] == []
        other = ben["participant_id"]
        named = {"sender_id": other, "content": f"Ask {other}", "recipient_ids": [other]}
        await put(lab.api.db, a_chat_message(anna, **named))
        [told] = (await stream.next())["records"]
    assert other not in str(told)
    assert told["participantId"] == anna["participant_id"]
    assert told["content"] == f"Ask {told['senderId']}"
    hidden = {"chatMessages": {"senderId": {"in": [other]}}}
    async with following(lab.api, user, document, room=room, filter=hidden) as stream:
        assert (await stream.refusal())[0] == "FORBIDDEN"


async def test_participants_are_told_of_their_own(lab: Lab) -> None:
    person = lab.people[1]
    user = a_user(role="PARTICIPANT", participant_id=person["participant_id"])
    await save(lab.api.db, user)
    async with lab.follow(user) as stream:
        await stream.next()
        there = await lab.rate(6)
        assert await stream.ids(3) == there[1::2]


@pytest.mark.parametrize("lost", ["grant", "type", "time"])
async def test_whoever_may_see_it_no_more_is_told_no_more(lab: Lab, lost: str) -> None:
    guest = a_user()
    grant = a_grant(lab.experiment, guest)
    await save(lab.api.db, guest, grant)
    async with lab.follow(guest) as stream:
        await stream.next()
        one = await lab.rate()
        assert await stream.ids(1) == one
        changed = {"data_types": ["EVENTS"]} if lost == "type" else {"expires_at": 1}
        this = col(Collaborator.id) == grant.key
        async with lab.api.db.write() as tx:
            if lost == "grant":
                await tx.execute(delete(Collaborator).where(this))
            else:
                await tx.execute(update(Collaborator).where(this).values(**changed))

        writing = asyncio.create_task(keep_writing(lab))
        code, message = await asyncio.wait_for(stream.refusal(), 60)
        writing.cancel()
    assert code == "NOT_FOUND"
    async with lab.follow(guest, room="room_none") as nowhere:
        assert await nowhere.refusal() == (code, message)


async def keep_writing(lab: Lab) -> None:
    while True:
        await lab.rate()
        await asyncio.sleep(0.01)


async def test_links_are_signed_for_who_may_see_them_by_now(lab: Lab) -> None:
    """A grant of all that identifies ends; one without remains."""
    guest = a_user()
    group = a_group(lab.owner)
    whole = a_grant(lab.experiment, group)
    rest = a_grant(lab.experiment, guest, anonymization="REMOVE_IDENTIFIERS")
    await save(lab.api.db, guest, group, in_group(group, guest), whole, rest)
    async with lab.follow(guest, type="RECORDINGS") as stream:
        await stream.next()
        await put(lab.api.db, a_recording(lab.people[0], storage_key="recordings/x.webm"))
        [shown] = (await stream.next())["records"]
        assert shown["downloadUrl"].startswith("http://test/recordings/")
        async with lab.api.db.write() as tx:
            this = update(Collaborator).where(col(Collaborator.id) == whole.key)
            await tx.execute(this.values(expires_at=now()))
        await put(lab.api.db, a_recording(lab.people[0], storage_key="recordings/y.webm"))
        [shown] = (await stream.next())["records"]
        assert shown["downloadUrl"] is None


SHOWN = """subscription ($room: String!, $type: DataType!, $not: Boolean = false) {
  told: recordsAdded(roomId: $room, dataType: $type) { n: count mine: records {
    what: __typename ... on Node { id } onset ...Rest hidden: timestamp @skip(if: $not) } } }
fragment Rest on DataRecord { participantId
  ... on Event { eventId response clientTimestamp } ... on Recording { kind downloadUrl }
  ... on ChatMessage { recipientIds content } ... on ContinuousRating { value scaleMin }
  ... on SparseRating { answer: value details } ... on SyncMetric { band timeDrift }
  ... on Component { componentId } }"""


@pytest.mark.parametrize("data_type", RecordType, ids=lambda each: each.name)
async def test_compiled_plans_tell_what_graphql_core_does(lab: Lab, data_type: RecordType) -> None:
    services = lab.api.app.state.services
    asked = {"room": lab.room["room_id"], "type": data_type.name}
    told: list[Any] = []
    async with AsyncExitStack() as stack:
        streams: list[Stream] = []
        for fast in (True, False):
            lab.api.app.state.services = replace(services, fast_path=fast)
            for hidden in (True, False):
                stream = following(lab.api, lab.owner, SHOWN, **asked, **{"not": hidden})
                streams.append(await stack.enter_async_context(stream))
        for each in streams:
            await each.next()
        await put(lab.api.db, *(A_RECORD[data_type](person) for person in lab.people))
        told = [await each.next() for each in streams]
    assert told[0] == told[2]
    assert told[1] == told[3]
    assert told[0]["n"] == 2
    assert "hidden" in told[1]["mine"][0]
    assert "hidden" not in told[0]["mine"][0]


async def test_it_is_noted_once_that_an_administrator_looked(lab: Lab) -> None:
    boss = a_user(role="ADMINISTRATOR")
    await save(lab.api.db, boss)
    async with lab.follow(boss) as stream:
        await stream.next()
        there = await lab.rate()
        assert await stream.ids(1) == there
    async with lab.api.db.read() as tx:
        noted = (await tx.scalars(select(col(AuditEntry.action)))).all()
    assert noted == ["ADMINISTRATOR_ACCESS"]
