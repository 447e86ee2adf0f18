"""Schedules: set up, refused, listed and deleted; and when they fire."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from server.errors import BadUserInput
from server.export.cron import next_fire
from server.records.export_schedules import ExportSchedule
from server.timestamps import iso, parse
from tests.conftest import Api
from tests.factories import a_user, an_experiment, save
from tests.scheduled import LIST, ONE, YEAR, Lab

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lab(any_api: Api, tmp_path: Path) -> Lab:
    """A lab over either kind of database."""
    return await Lab(any_api, tmp_path).save()


def fires(cron: str, zone: str, after: str, number: int = 3) -> list[str]:
    found: list[str] = []
    moment = parse(after)
    for _ in range(number):
        following = next_fire(cron, zone, moment)
        assert following is not None
        moment = following
        found.append(iso(moment)[:16])
    return found


def test_a_schedule_fires_by_the_clock_of_its_zone() -> None:
    assert fires("0 3 * * 1", "UTC", "2026-11-24T12:00:00Z", 2) == [
        "2026-11-30T03:00",
        "2026-12-07T03:00",
    ]
    assert fires("0 3 * * MON", "Europe/Berlin", "2026-11-24T12:00:00Z", 1) == ["2026-11-30T02:00"]
    assert fires("0 9 * * *", "Asia/Kathmandu", "2026-11-24T12:00:00Z", 1) == ["2026-11-25T03:15"]


def test_a_moment_that_has_come_is_not_the_next() -> None:
    assert fires("0 3 * * *", "UTC", "2026-11-24T03:00:00Z", 1) == ["2026-11-25T03:00"]
    assert fires("0 3 * * *", "UTC", "2026-11-24T02:59:59.999Z", 1) == ["2026-11-24T03:00"]


def test_an_hour_that_the_clock_leaves_out_fires_once() -> None:
    assert fires("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z") == [
        "2026-03-28T01:30",
        "2026-03-29T01:00",  # 3:00, when it would have been 2:00
        "2026-03-30T00:30",
    ]


def test_an_hour_that_the_clock_repeats_fires_once() -> None:
    expected = ["2026-10-25T00:30", "2026-10-26T01:30", "2026-10-27T01:30"]
    assert fires("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z") == expected
    late = "2026-10-25T01:10:00Z"  # 2:10, for the second time
    assert fires("30 2 * * *", "Europe/Berlin", late, 2) == expected[1:]


def test_every_hour_is_every_hour_whatever_the_clock_says() -> None:
    assert fires("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z") == [
        "2026-10-25T00:00",
        "2026-10-25T01:00",
        "2026-10-25T02:00",
    ]


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("", "five fields"),
        ("0 3 * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("@daily", "five fields"),
        ("1," * 200 + "1 * * * *", "five fields"),
        ("60 3 * * *", "The minute"),
        ("0 24 * * *", "The hour"),
        ("0 3 0 * *", "The day of month"),
        ("0 3 30 2 *", "The day of month"),
        ("0 3 * 13 *", "The month"),
        ("0 3 * * x\0", "The day of week"),
    ],
)
def test_what_is_wrong_with_an_expression_is_said(cron: str, said: str) -> None:
    with pytest.raises(BadUserInput, match=said) as refused:
        next_fire(cron, "UTC", parse("2026-11-24T12:00:00Z"))
    assert refused.value.field == ("cron",)


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "Europe", "../UTC", "/etc/localtime", "a\0b", "CEST+1"]
)
def test_there_is_no_other_time_zone(zone: str) -> None:
    with pytest.raises(BadUserInput) as refused:
        next_fire("0 3 * * *", zone, parse("2026-11-24T12:00:00Z"))
    assert refused.value.field == ("timeZone",)


async def test_a_schedule_is_set_up(lab: Lab) -> None:
    asked: dict[str, Any] = {"timeZone": "Europe/Berlin", "keepLast": 3, "incremental": True}
    schedule = await lab.schedule(name=" Weekly ", cron="0 3 * * 1", **asked)

    assert schedule["name"] == "Weekly"
    assert {name: schedule[name] for name in asked} == asked
    assert schedule["requestedBy"]["userId"] == lab.owner["user_id"]
    assert (schedule["lastAt"], schedule["lastMessage"]) == (None, None)
    assert schedule["exports"] == {"totalCount": 0, "nodes": []}
    first = next_fire("0 3 * * 1", "Europe/Berlin", parse(schedule["createdAt"]))
    assert parse(schedule["nextAt"]) == first
    assert await lab.look(schedule) == schedule


async def test_what_could_never_run_is_refused(lab: Lab) -> None:
    here = lab.here
    for name in (" ", "a\0b", "two\nlines", "x" * 201):
        assert await lab.refusal(name=name) == ("BAD_USER_INPUT", "input.name")
    assert await lab.refusal(cron="0 3 * *") == ("BAD_USER_INPUT", "input.cron")
    assert await lab.refusal(timeZone="Berlin") == ("BAD_USER_INPUT", "input.timeZone")
    assert await lab.refusal(keepLast=0) == ("BAD_USER_INPUT", "input.keepLast")
    assert await lab.refusal(export={}) == ("BAD_USER_INPUT", "input.export.experimentIds")
    assert await lab.refusal(export={"roomIds": ["room_x"]}) == (
        "NOT_FOUND",
        "input.export.roomIds",
    )
    for name in ("since", "snapshot", "idempotencyKey"):
        assert await lab.refusal(export={**here, name: "x"}) == (
            "BAD_USER_INPUT",
            f"input.export.{name}",
        )
    assert (await lab.api.ask(LIST, lab.key))["exportSchedules"]["totalCount"] == 0


async def test_who_may_not_export_sets_up_no_schedule(lab: Lab) -> None:
    stranger = a_user()
    await save(lab.db, stranger)
    keys = [
        await lab.api.key_of(stranger.key),
        await lab.api.key_of(lab.owner.key, "read:*"),
        await lab.api.key_of(lab.owner.key, "export:data", "read:chat"),
    ]
    refused = [await lab.refusal(key) for key in keys]
    assert refused == [
        ("NOT_FOUND", "input.export.experimentIds"),
        ("FORBIDDEN", ""),
        ("FORBIDDEN", ""),
    ]


async def test_an_experiment_may_be_empty_yet(lab: Lab) -> None:
    empty = an_experiment(lab.owner)
    await save(lab.db, empty)
    schedule = await lab.schedule(export={"experimentIds": [empty["experiment_id"]]})

    after = await lab.fire(schedule)

    assert after["lastMessage"] == "No export: there is no record."
    assert after["exports"]["totalCount"] == 0


async def test_schedules_are_seen_by_whose_they_are_and_by_administrators(lab: Lab) -> None:
    schedule = await lab.schedule()
    stranger, administrator = a_user(), a_user(role="ADMINISTRATOR")
    await save(lab.db, stranger, administrator)

    for user, seen in ((lab.owner, True), (administrator, True), (stranger, False)):
        key = await lab.api.key_of(user.key)
        assert (await lab.api.ask(LIST, key))["exportSchedules"]["totalCount"] == int(seen)
        found = await lab.api.ask(ONE, key, id=schedule["id"])
        assert (found["node"] is not None) == seen
    reader = await lab.api.key_of(lab.owner.key, "read:*")
    assert (await lab.api.refusal(LIST, reader))[0] == "FORBIDDEN"
    assert (await lab.api.ask(ONE, reader, id=schedule["id"]))["node"] is None


async def test_the_newest_come_first(lab: Lab) -> None:
    for name in ("A", "B", "C"):
        await lab.schedule(name=name)
    by_key = update(ExportSchedule).values(created_at=col(ExportSchedule.id))
    async with lab.db.write() as tx:
        await tx.execute(by_key)
    page = "{ exportSchedules(first: 2) { nodes { name } pageInfo { hasNextPage } } }"
    found = (await lab.api.ask(page, lab.key))["exportSchedules"]
    assert [node["name"] for node in found["nodes"]] == ["C", "B"]
    assert found["pageInfo"]["hasNextPage"]
    some = '{ exportSchedules(filter: { name: { in: ["A"] } }) { nodes { name } } }'
    assert (await lab.api.ask(some, lab.key))["exportSchedules"]["nodes"] == [{"name": "A"}]


async def test_a_schedule_that_is_deleted_fires_no_more_and_its_exports_stay(lab: Lab) -> None:
    schedule = await lab.schedule(keepLast=2)
    fired = await lab.fire(schedule)
    [export] = await lab.finished()
    assert (export.schedule_key is None, export.expires_at) == (False, None)

    assert await lab.delete(schedule["id"]) == {"deletedId": schedule["id"], "userErrors": []}

    assert await lab.look(schedule) is None
    await lab.tick(parse(fired["nextAt"]) + YEAR)
    [export] = await lab.exports()
    assert (export.status, export.schedule_key) == ("COMPLETED", None)
    assert export.expires_at > export.completed_at  # as any export, from now on
    shown = await lab.api.ask("{ exports { nodes { schedule { id } } } }", lab.key)
    assert shown["exports"]["nodes"] == [{"schedule": None}]


@pytest.mark.parametrize("id_", ["", "%%%", "RXhwb3J0OjE", "RXhwb3J0U2NoZWR1bGU6OTk5OTk"])
async def test_what_is_no_schedule_cannot_be_deleted(lab: Lab, id_: str) -> None:
    answer = await lab.delete(id_)
    assert answer["deletedId"] is None
    assert [(each["code"], each["field"]) for each in answer["userErrors"]] == [
        ("NOT_FOUND", ["id"])
    ]


async def test_nobody_deletes_the_schedule_of_another(lab: Lab) -> None:
    schedule = await lab.schedule()
    stranger = a_user()
    await save(lab.db, stranger)
    refused = await lab.delete(schedule["id"], await lab.api.key_of(stranger.key))
    assert [error["code"] for error in refused["userErrors"]] == ["NOT_FOUND"]
    assert await lab.look(schedule) == schedule
