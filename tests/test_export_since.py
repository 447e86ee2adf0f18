"""Exports of what came since another one: no record lost, and none twice."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlmodel import col

from server.global_ids import global_id
from server.records import RecordType
from server.records.exports import Export
from tests.asking import Lab, a_lab, key_of, working
from tests.conftest import Api
from tests.factories import A_RECORD, START, Row, a_participant, a_room, a_user, save
from tests.studies import id_column, id_field
from tests.warm_worker import Exported

pytestmark = pytest.mark.anyio

ARRIVING = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
RECORD = st.tuples(
    st.sampled_from(RecordType),
    st.sampled_from(["old room", "new person", "new room"]),
    st.integers(-5_000, 5_000),  # onset: whatever the order in which they arrive
)


@pytest.fixture
async def lab(api: Api, tmp_path: Path) -> Lab:
    return await a_lab(api, tmp_path)


async def arrive(lab: Lab, records: list[tuple[RecordType, str, int]]) -> list[Row]:
    room = a_room(lab.experiment)
    people = {
        "old room": lab.person,
        "new person": a_participant(lab.room),
        "new room": a_participant(room),
    }
    made = [
        A_RECORD[data_type](people[where], onset=onset, timestamp=START + onset)
        for data_type, where, onset in records
    ]
    await save(lab.api.db, room, people["new person"], people["new room"], *made)
    return made


def ids(exported: Exported, data_type: RecordType) -> list[str]:
    return [row[id_field(data_type)] for row in exported.stems(data_type.value.stem)]


@ARRIVING
@given(arrivals=st.lists(st.lists(RECORD, min_size=1, max_size=8), min_size=2, max_size=2))
async def test_three_increments_are_all_that_there_is(
    api: Api, tmp_path: Path, arrivals: list[list[tuple[RecordType, str, int]]]
) -> None:
    lab = await a_lab(api, tmp_path)
    stored = [lab.event]
    exports = [await lab.created(**lab.here)]
    for records in arrivals:
        stored += await arrive(lab, records)
        exports.append(await lab.created(**lab.here, since=exports[-1]))
    await arrive(lab, [(RecordType.EVENTS, "old room", 0)])  # after the last snapshot

    async with working(lab):
        done = [await lab.finished(id_) for id_ in exports]

    for data_type in RecordType:
        mine = [r for r in stored if r.model is data_type.value.model]
        found = list(itertools.chain(*(ids(each, data_type) for each in done)))
        assert sorted(found) == sorted(row[id_column(data_type)] for row in mine)
    for each, count in zip(done, [1, *map(len, arrivals)], strict=True):
        assert sum(entry["written"] for entry in each.manifest["ledger"]) == count
        rooms = {room["roomId"] for room in each.csv("rooms.csv")}
        assert lab.room["room_id"] in rooms  # old rooms, too, in which something may be new


async def test_an_increment_may_be_of_other_types_and_formats(lab: Lab) -> None:
    first = await lab.created(**lab.here, dataTypes=["EVENTS"])
    await arrive(lab, [(RecordType.CHAT_MESSAGES, "old room", 1)])
    wanted: dict[str, Any] = {
        "dataTypes": ["CHAT_MESSAGES"],
        "packaging": "SINGLE_FILE",
        "since": first,
    }

    id_ = await lab.created(**lab.here, **wanted)

    async with working(lab):
        assert len((await lab.finished(id_)).csv()) == 1


async def test_nothing_since_then_is_nothing_to_export(lab: Lab) -> None:
    first = await lab.created(**lab.here)

    assert await lab.refusal(**lab.here, since=first) == ("NOTHING_TO_EXPORT", "input")


@pytest.mark.parametrize("id_", ["", "nonsense", "RXhwb3J0Ojk5OTk", global_id("Event", 1)])
async def test_what_is_no_export_is_not_there(lab: Lab, id_: str) -> None:
    assert await lab.refusal(**lab.here, since=id_) == ("NOT_FOUND", "input.since")


async def test_another_s_export_is_not_there(lab: Lab) -> None:
    first = await lab.created(**lab.here)
    other = await a_lab(lab.api, lab.folder)

    assert await other.refusal(**other.here, since=first) == ("NOT_FOUND", "input.since")


@pytest.mark.parametrize(
    "values",
    [
        {"status": "FAILED"},
        {"status": "CANCELED"},
        {"status": "CANCELING"},
        {"recipe": {}},
        {"recipe": {"bounds": {"RECORDINGS": 1}}},
    ],
    ids=str,
)
async def test_an_export_that_cannot_say_what_it_held_is_refused(
    lab: Lab, values: dict[str, Any]
) -> None:
    first = await lab.created(**lab.here)
    async with lab.api.db.write() as tx:
        this = col(Export.id) == key_of(first)
        await tx.execute(update(Export).where(this).values(**values))

    assert await lab.refusal(**lab.here, since=first) == ("BAD_USER_INPUT", "input.since")


async def test_an_expired_export_still_says_where_it_ended(any_api: Api, tmp_path: Path) -> None:
    lab = await a_lab(any_api, tmp_path)
    first = await lab.created(**lab.here)
    async with lab.api.db.write() as tx:
        await tx.execute(update(Export).values(status="EXPIRED"))
    await arrive(lab, [(RecordType.EVENTS, "new room", -1)])

    id_ = await lab.created(**lab.here, since=first)

    earlier, later = await lab.row(first), await lab.row(id_)
    assert later.recipe["after"] == {
        each.name: earlier.recipe["bounds"][each.name] for each in RecordType
    }


async def test_an_administrator_may_go_on_from_anybody_s(lab: Lab) -> None:
    first = await lab.created(**lab.here)
    await arrive(lab, [(RecordType.EVENTS, "old room", 3)])
    administrator = a_user(role="ADMINISTRATOR")
    await save(lab.api.db, administrator)

    await lab.created(await lab.api.key_of(administrator.key), **lab.here, since=first)
