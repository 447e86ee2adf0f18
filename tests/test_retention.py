"""Retention: nothing goes without two notices, all goes then, and a hold stops it."""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update
from sqlmodel import col

from server.db import Database
from server.errors import Busy
from server.records import RecordType
from server.records.exports import Export, ExportedExperiment
from server.records.recordings import Recording
from server.records.retention import RetentionPolicy
from server.records.tallies import Tally
from server.resolvers import retained_deletions
from server.retention import deletion
from server.retention.timetable import DAY, timetable
from server.storage import Storage
from server.timestamps import Timestamp, iso, now, parse
from tests.conftest import Api
from tests.factories import a_grant, a_recording, a_user, save
from tests.following import following
from tests.object_store import ObjectStore
from tests.retained import SET, UPDATE, Lab

pytestmark = pytest.mark.anyio

ALL = {
    **{each.value.title: 4 for each in RecordType},
    "records in quarantine": 1,
    "participants": 4,
    "rooms": 2,
    "files": 4,
}


@pytest.fixture
async def lab(any_api: Api, tmp_path: Path) -> Lab:
    """A lab over either kind of database."""
    return await Lab(any_api, tmp_path).save()


@pytest.fixture
async def one(api: Api, tmp_path: Path) -> Lab:
    """A lab over SQLite, for what is the same on both."""
    return await Lab(api, tmp_path).save()


MOMENTS = st.integers(0, 400 * DAY)


@given(MOMENTS, st.integers(2, 365), st.lists(MOMENTS, min_size=1, max_size=30))
def test_notices_come_first_and_a_day_apart_whenever_anybody_looks(
    due: int, reminder: int, looks: list[int]
) -> None:
    """Whatever the moments at which a server is there to look."""
    first = last = began = None
    for at in map(Timestamp, sorted(looks)):
        table = timetable(Timestamp(due), reminder, at, first, last)
        assert table.begins_at >= max(due, table.last_notice_at + DAY)
        if first is None:
            first = at if table.first_notice_at <= at else None
        elif last is None:
            last = at if table.last_notice_at <= at else None
        elif began is None and table.begins_at <= at:
            began = at
        if began is not None:
            assert first is not None
            assert last is not None
            assert began >= due
            assert began >= last + DAY >= first + 2 * DAY


async def test_all_goes_when_its_time_is_over_and_not_before(lab: Lab, tmp_path: Path) -> None:
    other = await Lab(lab.api, tmp_path).save()
    await lab.keep(deleteAfterDays=30, reminderDays=7)
    assert await lab.at(1000) is None  # it is not completed: no period counts
    completed = parse((await lab.complete())["completedAt"])
    policy = (await lab.keep())["retention"]
    assert parse(policy["deletesDataAt"]) == completed + 30 * DAY

    assert await lab.at(22.9) is None
    first = await lab.at(23.1)
    assert first is not None
    assert first.first_notice_at is not None
    assert first.last_notice_at is None
    assert (await lab.at(28.9)).last_notice_at is None
    last = await lab.at(29.1)
    assert last is not None
    assert last.last_notice_at is not None
    assert last.started_at is None
    assert await lab.left() == {title: 2 * count for title, count in ALL.items()}
    done = await lab.at(30.2, rows=3)

    assert done is not None
    assert done.done_at is not None
    assert done.deleted == {**ALL, "bytes": 4000}
    assert await lab.left() == ALL  # the other's
    async with lab.db.read() as tx:
        kept = select(col(Tally.experiment_key)).distinct()
        assert (await tx.scalars(kept)).all() == [other.experiment.key]
    after = await lab.keep()
    assert after["status"] == "COMPLETED"
    assert after["retention"]["deletesDataAt"] is None
    told = [each for each in await lab.actions() if each[1] == "DELETE_DATA"]
    assert [name for name, _ in told] == ["RETENTION_NOTICE", "RETENTION_NOTICE", "ERASE"]


async def test_a_server_that_was_down_gives_both_notices_first(one: Lab) -> None:
    await one.keep(deleteAfterDays=1)
    await one.complete()

    assert (await one.at(500)).last_notice_at is None
    assert (await one.at(500.9)).last_notice_at is None
    assert (await one.at(501.1)).started_at is None
    assert (await one.at(502)).started_at is None
    assert await one.left() == ALL
    assert (await one.at(502.2)).done_at is not None
    assert await one.left() == {}


async def test_a_date_holds_whether_the_experiment_is_completed_or_not(one: Lab) -> None:
    await one.keep(deleteAt=iso(now() + 10 * DAY), reminderDays=2)

    for days in (8.1, 9.1, 10.2):
        await one.at(days)

    assert await one.left() == {}


async def test_media_go_before_the_data_and_their_records_say_so(lab: Lab) -> None:
    await lab.complete()
    policy = (await lab.keep(deleteAfterDays=90, mediaDays=30))["retention"]
    assert policy["deletesMediaAt"] < policy["deletesDataAt"]

    for days in (20, 29.1, 30.2):
        await lab.at(days)

    assert await lab.left() == {title: n for title, n in ALL.items() if title != "files"}
    shown = await lab.api.ask(
        """query($id: String!) { experiment(experimentId: $id) { recordings { nodes {
          downloadUrl fileDeletedAt } } } }""",
        lab.key,
        id=lab.public_id,
    )
    nodes = shown["experiment"]["recordings"]["nodes"]
    assert {node["downloadUrl"] for node in nodes} == {None}
    assert all(parse(node["fileDeletedAt"]) > now() + 30 * DAY for node in nodes)
    assert (await lab.step("DELETE_MEDIA")).deleted == {"files": 4, "bytes": 4000}
    assert await lab.at(40) is None  # the data have their own notices

    late = a_recording(lab.people[0], storage_key="recordings/late.webm")
    await lab.storage.put("recordings/late.webm", b"x")
    await save(lab.db, late)
    for days in (41, 42.1, 43.2, 44.3):  # what comes after is told of anew
        await lab.at(days)
    assert "files" not in await lab.left()


async def test_what_goes_from_an_object_store_is_no_longer_there(
    any_api: Api, tmp_path: Path, object_store: ObjectStore
) -> None:
    place = object_store.bucket()
    lab = await Lab(any_api, tmp_path, Storage(place, object_store.endpoint)).save()
    await lab.complete()
    await lab.keep(deleteAfterDays=90, mediaDays=30)
    for days in (20, 29.1):
        await lab.at(days)
    assert len(object_store.keys(place)) == 4
    with object_store.down(), pytest.raises(Busy):  # the chore is tried again
        await lab.at(30.2)
    assert len(object_store.keys(place)) == 4
    await lab.at(30.3)
    assert object_store.keys(place) == []
    assert (await lab.step("DELETE_MEDIA")).deleted == {"files": 4, "bytes": 4000}


async def test_a_hold_stops_a_deletion_at_its_next_batch_and_notices_come_anew(
    one: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one.complete()
    await one.keep(deleteAfterDays=1)
    assert await one.refused(SET, id=one.public_id, input={"legalHold": True}) == (
        "BAD_USER_INPUT",
        "input.legalHoldReason",
    )
    for days in (2, 3.1):
        await one.at(days)
    batches, begun = 0, asyncio.Event()
    delete_rows = deletion.delete_rows

    async def then_hold(*given: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == 3:
            begun.set()
        return await delete_rows(*given)

    async def hold() -> None:
        await begun.wait()
        await one.keep(legalHold=True, legalHoldReason="case 7")

    monkeypatch.setattr(deletion, "delete_rows", then_hold)
    monkeypatch.setattr(retained_deletions, "LEAST_REST_SECONDS", 0.1)
    one.ahead = int(4.2 * DAY)
    await asyncio.gather(one.retention(rows=1)(asyncio.Event()), hold())

    assert 3 <= batches <= 5
    left = await one.left()
    assert left["events"] < 4
    assert left["rooms"] == 2
    held = await one.keep()
    assert held["retention"]["legalHold"]
    assert held["retention"]["deletesDataAt"] is None
    assert held["legalHold"]["reason"] == "case 7"
    assert held["legalHold"]["setBy"] == one.owner["user_id"]
    assert await one.at(900) is None
    assert await one.left() == left
    lifted = await one.keep(legalHold=False)
    assert lifted["legalHold"] is None
    for days in (901, 902.1):
        step = await one.at(days)
        assert step is not None
        assert step.started_at is None
    await one.at(903.2)
    assert await one.left() == {}
    actions = [action for action, _ in await one.actions()]
    assert actions.count("LEGAL_HOLD_SET") == actions.count("LEGAL_HOLD_LIFT") == 1


async def test_what_is_put_off_is_told_of_anew(one: Lab) -> None:
    await one.complete()
    await one.keep(deleteAfterDays=30)
    await one.at(20)
    await one.at(29.1)

    await one.keep(deleteAfterDays=60)
    assert await one.step() is None
    assert await one.at(40) is None
    await one.at(50)
    assert await one.step() is not None
    await one.asked(UPDATE, id=one.id, input={"status": "ACTIVE"})
    assert await one.step() is None
    assert await one.at(500) is None
    assert await one.left() == ALL


async def test_exports_that_hold_what_is_gone_lose_their_files(one: Lab) -> None:
    create = """mutation($input: ExportInput!) { exportCreate(input: $input) { export { id } } }"""

    for media in (True, False):
        wanted = {"experimentIds": [one.public_id], "includeMedia": media, "anonymization": "KEEP"}
        await one.api.ask(create, one.key, input={**wanted, "packaging": "ZIP"})
    async with one.db.write() as tx:
        keys = sorted((await tx.scalars(select(col(ExportedExperiment.export_key)))).all())
        for key in keys:
            name = f"exports/{key}/1/a.zip"
            await one.storage.put(name, b"x")
            done = update(Export).where(col(Export.id) == key)
            await tx.execute(done.values(status="COMPLETED", storage_key=name))
    await one.complete()
    await one.keep(mediaDays=1, deleteAfterDays=50)

    for days in (2, 3.1, 4.2):
        await one.at(days)
    assert [(await one.export(key)).status for key in keys] == ["EXPIRED", "COMPLETED"]
    assert await one.storage.keys("exports") == [f"exports/{keys[1]}/1/a.zip"]
    for days in (48, 49.1, 50.2):
        await one.at(days)
    assert [(await one.export(key)).status for key in keys] == ["EXPIRED", "EXPIRED"]
    assert await one.storage.keys("exports") == []


async def test_a_dry_run_tells_what_would_go_and_changes_nothing(one: Lab) -> None:
    completed = parse((await one.complete())["completedAt"])
    await one.keep(archiveAfterDays=5)

    would = await one.preview(deleteAfterDays=30, mediaDays=10, reminderDays=7)

    assert would["legalHold"] is False
    archive, media, data = would["forecasts"]
    assert (archive["action"], archive["firstNoticeAt"]) == ("ARCHIVE", None)
    assert (media["mediaCount"], media["mediaBytes"], media["recordCounts"]) == (4, 4000, [])
    assert parse(data["firstNoticeAt"]) == completed + 23 * DAY
    assert parse(data["lastNoticeAt"]) == completed + 29 * DAY
    assert parse(data["beginsAt"]) == parse(data["dueAt"]) == completed + 30 * DAY
    assert {each["count"] for each in data["recordCounts"]} == {4}
    assert (data["participantCount"], data["roomCount"], data["quarantinedCount"]) == (4, 2, 1)
    assert [each["action"] for each in (await one.preview())["forecasts"]] == ["ARCHIVE"]
    assert await one.left() == ALL


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"deleteAfterDays": -1}, "deleteAfterDays"),
        ({"deleteAfterDays": 40_000}, "deleteAfterDays"),
        ({"deleteAfterDays": 5, "mediaDays": 5}, "mediaDays"),
        ({"deleteAfterDays": 5, "archiveAfterDays": 6}, "archiveAfterDays"),
        ({"deleteAfterDays": 5, "deleteAt": "2999-01-01T00:00:00Z"}, "deleteAt"),
        ({"deleteAt": "2001-01-01T00:00:00Z"}, "deleteAt"),
        ({"reminderDays": 1}, "reminderDays"),
        ({"legalHoldReason": "why"}, "legalHold"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(
    one: Lab, policy: dict[str, Any], field: str
) -> None:
    refused = await one.refused(SET, id=one.public_id, input=policy)
    assert refused == ("BAD_USER_INPUT", f"input.{field}")


async def test_whoever_watches_the_experiment_is_told_of_notices(lab: Lab) -> None:
    activity = """subscription($e: String!) { experimentActivity(experimentId: $e) {
      retentionNotices { action beginsAt firstNoticeAt lastNoticeAt startedAt } } }"""
    completed = parse((await lab.complete())["completedAt"])
    await lab.keep(deleteAfterDays=10)

    async with following(lab.api, lab.owner, activity, e=lab.public_id) as stream:
        assert await stream.next() == {"retentionNotices": []}
        await lab.at(1)
        [notice] = (await stream.next())["retentionNotices"]
        assert (notice["action"], notice["lastNoticeAt"]) == ("DELETE_DATA", None)
        assert parse(notice["beginsAt"]) == completed + 10 * DAY
        await lab.at(9.1)
        [notice] = (await stream.next())["retentionNotices"]
        assert notice["lastNoticeAt"] is not None
        assert parse(notice["beginsAt"]) > completed + 10 * DAY  # a day after the notice
        await lab.keep(deleteAfterDays=None)
        assert await stream.next() == {"retentionNotices": []}


async def test_who_sees_the_experiment_sees_the_policy_and_its_owner_the_hold(one: Lab) -> None:
    viewer = a_user()
    await save(one.db, viewer, a_grant(one.experiment, viewer))
    await one.keep(deleteAfterDays=5, legalHold=True, legalHoldReason="case 7")
    key = await one.api.key_of(viewer.key)

    shown = await one.api.ask(
        """query($id: String!) { experiment(experimentId: $id) { legalHold { reason }
          retention { legalHold deleteAfterDays } } }""",
        key,
        id=one.public_id,
    )

    policy = {"legalHold": True, "deleteAfterDays": 5}
    assert shown["experiment"] == {"legalHold": None, "retention": policy}
    done = await one.api.ask(SET, key, id=one.public_id, input={"legalHold": False})
    assert done["done"]["userErrors"][0]["code"] == "FORBIDDEN"


async def test_of_two_servers_one_gives_a_notice_and_one_deletes(lab: Lab) -> None:
    await lab.complete()
    await lab.keep(deleteAfterDays=1)
    second = Database(lab.db.url.render_as_string(hide_password=False))
    try:
        for days in (2, 3.1, 4.2):
            lab.ahead = int(days * DAY)
            both = [lab.retention(rows=2), lab.retention(second, rows=2)]
            await asyncio.gather(*(each(asyncio.Event()) for each in both))
    finally:
        await second.close()

    assert await lab.left() == {}
    assert (await lab.step()).deleted == {**ALL, "bytes": 4000}
    told = [name for name, about in await lab.actions() if about == "DELETE_DATA"]
    assert told == ["RETENTION_NOTICE", "RETENTION_NOTICE", "ERASE"]


async def test_a_server_that_is_killed_again_and_again_ends_where_another_does(
    demo: Path,
    tmp_path: Path,
) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/demo.db")
    lab = Lab(cast("Api", SimpleNamespace(db=db)), tmp_path)
    assert lab.storage.root is not None
    shutil.copy(demo / "demo.db", tmp_path)
    shutil.copytree(demo / "recordings", lab.storage.root / "recordings")
    async with db.write() as tx:
        sums = func.sum(col(Tally.record_count))
        sizes = select(col(Tally.experiment_key), sums).group_by(col(Tally.experiment_key))
        some = sizes.having(sums > 5_000).order_by(sums).limit(1)
        key, expected = (await tx.execute(some)).one()
        everything = int(await tx.scalar(select(sums)) or 0)
        policy = {"experiment_key": key, "delete_at": now(), "reminder_days": 2}
        await tx.execute(insert(RetentionPolicy).values(policy))
    lab.experiment["id"] = key
    for days in (0.0, 1.1):
        await lab.at(days)
    kills = 0
    for _ in range(5):
        kills += await asyncio.to_thread(_killed, tmp_path, str(db.url), int(2.2 * DAY))
    done = await lab.at(2.3)

    assert kills >= 3
    assert done is not None
    assert done.done_at is not None
    gone = cast("dict[str, int]", done.deleted)
    assert sum(gone.get(each.value.title, 0) for each in RecordType) == expected
    async with db.read() as tx:
        assert not await deletion.has_rows(tx, key)
        assert int(await tx.scalar(select(sums)) or 0) == everything - expected
        wanted = set((await tx.scalars(select(col(Recording.storage_key)))).all())
    assert set(await lab.storage.keys("recordings")) == wanted - {None}
    await db.close()


def _killed(folder: Path, url: str, ahead: int) -> bool:
    """Run a server and kill it at a random moment; say whether it was not done before."""
    command = [sys.executable, "-m", "tests.retained", str(folder), url, str(ahead)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(random.uniform(0.02, 0.5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return True
    return False


WITHDRAW = """mutation ($input: WithdrawalInput!) { participantWithdraw(input: $input) {
  withdrawal { id } userErrors { message } } }"""


async def test_what_is_sealed_goes_when_the_data_do_and_its_files_when_media_do(one: Lab) -> None:
    asked = {"experimentId": one.public_id, "participantId": one.people[0]["participant_id"]}
    done = await one.api.ask(WITHDRAW, one.key, input=asked)
    assert done["participantWithdraw"]["userErrors"] == []
    before = await one.left()
    assert before["sealed records"] == len(RecordType)
    assert before["files"] == ALL["files"]

    await one.keep(mediaDays=1, deleteAfterDays=1000)
    await one.complete()
    for days in (500, 501.1, 502.2):
        await one.at(days)
    assert (await one.step("DELETE_MEDIA")).deleted == {"files": ALL["files"], "bytes": 4000}
    assert await one.left() == {name: n for name, n in before.items() if name != "files"}

    for days in (2000, 2001.1, 2002.2):
        await one.at(days)
    assert await one.left() == {}
