"""The archive: read-only, sealed in a package that does not expire, and restored from it."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from server.db import Database
from server.export.jobs import Exporter
from server.export.plan import planner
from server.export.progress import Hub
from server.migrate import migrate
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.exports import Export
from server.records.quarantine import QuarantinedRecord
from server.records.recordings import Recording
from server.settings import Settings
from server.storage import Storage
from tests.conftest import Api
from tests.factories import Row
from tests.job_queue import running, until
from tests.packages import imported
from tests.retained import ARCHIVE, SET, UPDATE, Lab
from tests.sending import a_sent
from tests.warm_worker import Worker, exported

pytestmark = pytest.mark.anyio

INGEST = """mutation($records: JSON!) { done: recordsIngest(input: {records: $records}) {
  refused { code } userErrors { code } } }"""
ROOM = """mutation($e: String!, $r: String!) {
  done: roomUpsert(input: {experimentId: $e, roomId: $r}) { userErrors { field code } } }"""
PERSON = """mutation($r: String!, $p: String!) {
  done: participantUpsert(input: {roomId: $r, participantId: $p}) { userErrors { field code } } }"""
UPLOAD = """mutation($e: String!, $r: String!) { done: recordingUploadCreate(input: {
  experimentId: $e, recordingId: $r, fileName: "a.webm", fileSize: 10}) {
  userErrors { field code } } }"""
DELETE = "mutation($id: ID!) { done: exportDelete(id: $id) { userErrors { field code } } }"


@pytest.fixture
async def lab(any_api: Api, tmp_path: Path) -> Lab:
    return await Lab(any_api, tmp_path).save()


@pytest.fixture
async def one(api: Api, tmp_path: Path) -> Lab:
    return await Lab(api, tmp_path).save()


async def test_what_is_archived_is_read_and_not_changed(lab: Lab) -> None:
    recording = next(each for each in lab.records if each.model is Recording)
    room, person = lab.rooms[0], lab.people[0]
    archived = await lab.asked(ARCHIVE, id=lab.id)
    assert archived["status"] == "ARCHIVED"
    assert archived["completedAt"] is not None
    assert archived["archive"]["sha256"] is None
    assert await lab.asked(ARCHIVE, id=lab.id) == archived
    assert (await lab.asked(UPDATE, id=lab.id, input={"status": "ARCHIVED"})) == archived

    sent = a_sent(RecordType.EVENTS, room, person)
    told = await lab.api.ask(INGEST, lab.key, records=[sent])
    assert told["done"]["refused"] == [{"code": "ARCHIVED"}]
    e, r = lab.public_id, room["room_id"]
    for document, given in (
        (ROOM, {"e": e, "r": "new"}),
        (ROOM, {"e": e, "r": r}),
        (PERSON, {"r": r, "p": "new"}),
        (UPLOAD, {"e": e, "r": recording["recording_id"]}),
        (UPDATE, {"id": lab.id, "input": {"name": "other"}}),
        (UPDATE, {"id": lab.id, "input": {"name": "other", "status": "ARCHIVED"}}),
        (DELETE, {"id": archived["archive"]["exportId"]}),
    ):
        code, _ = await lab.refused(document, **given)
        assert code == "ARCHIVED", document
    assert (await lab.keep(deleteAfterDays=700))["retention"]["deleteAfterDays"] == 700

    again = await lab.asked(UPDATE, id=lab.id, input={"status": "COMPLETED", "name": "other"})
    assert again["archive"] is None
    assert again["completedAt"] == archived["completedAt"]
    told = await lab.api.ask(INGEST, lab.key, records=[sent])
    assert told["done"]["refused"] == []
    async with lab.db.read() as tx:
        assert (
            await tx.scalar(
                select(col(QuarantinedRecord.code)).where(col(QuarantinedRecord.code) == "ARCHIVED")
            )
            is None
        )
    assert [name for name, _ in await lab.actions()].count("ARCHIVE") == 2


async def test_archive_comes_by_itself_and_a_package_that_was_lost_is_made_again(one: Lab) -> None:
    await one.complete()
    await one.keep(archiveAfterDays=3)
    await one.at(2.9)
    assert (await one.keep())["status"] == "COMPLETED"
    await one.at(3.1)
    archived = await one.keep()
    assert archived["status"] == "ARCHIVED"
    await one.at(3.2)
    assert (await one.keep()) == archived

    cancel = "mutation($id: ID!) { exportCancel(id: $id) { userErrors { code } } }"
    await one.api.ask(cancel, one.key, id=archived["archive"]["exportId"])
    await one.at(3.3)
    assert (await one.keep())["archive"]["exportId"] != archived["archive"]["exportId"]
    await one.asked(UPDATE, id=one.id, input={"status": "COMPLETED"})
    await one.at(9)
    assert (await one.keep())["status"] == "COMPLETED"  # it was archived, and taken out


def files(made: Any) -> dict[str, bytes]:
    """Return the files of a package but for what tells of the export itself."""
    return {
        path: data for path, data in made.members().items() if not path.endswith("metadata.json")
    }


async def test_a_package_is_sealed_and_brings_everything_back(
    one: Lab, worker: Worker, tmp_path: Path
) -> None:
    archived = await one.asked(ARCHIVE, id=one.id)
    settings = Settings(data_dir=tmp_path)
    plan = planner(one.db.url, settings)
    exporter = Exporter(one.db, one.storage, Hub(one.db), settings, plan=plan)
    async with one.db.read() as tx:
        key = await tx.scalar(select(col(Export.id)))
    assert key is not None
    async with running(exporter):
        await until(one.db, key, "COMPLETED")
    export = await one.export(key)
    assert export.expires_at is None
    assert export.requested_by_key == one.owner.key
    sealed = (await one.keep())["archive"]
    assert sealed == {
        "archivedAt": archived["archive"]["archivedAt"],
        "exportId": archived["archive"]["exportId"],
        "sha256": export.sha256,
        "fileSize": export.file_size,
    }
    package = one.storage.local_path(export.storage_key)
    assert package is not None

    there = Database(f"sqlite+aiosqlite:///{tmp_path}/there.db")
    elsewhere = Storage(f"file://{tmp_path}/elsewhere")
    try:
        await migrate(there)
        done = await imported(there, package, storage=elsewhere)
        assert (done.files, done.media) == (4, 0)
        first = await _exported(worker, one.db, one.storage)
        second = await _exported(worker, there, elsewhere)
        assert files(first) == files(second)
        assert sum("/media/" in path for path in files(first)) == 4
        async with there.read() as tx:
            status = await tx.scalar(select(col(Experiment.status)))
        assert status == "ARCHIVED"
    finally:
        await there.close()


async def _exported(worker: Worker, db: Database, storage: Storage) -> Any:
    async with db.read() as tx:
        key = await tx.scalar(select(col(Experiment.id)))
    chosen = [Row(Experiment, {"id": key})]
    assert storage.root is not None
    return await exported(worker, db, storage.root, experiments=chosen, include_media=True)


async def test_deleted_media_leave_the_package_and_deleted_data_take_it_away(one: Lab) -> None:
    first = await one.asked(ARCHIVE, id=one.id)
    await one.keep(mediaDays=1, deleteAfterDays=50)
    for days in (2, 3.1, 4.2):
        await one.at(days)
    second = (await one.keep())["archive"]
    assert second["exportId"] != first["archive"]["exportId"]
    for days in (48, 49.1, 50.2):
        await one.at(days)
    assert (await one.keep())["archive"] is None
    assert await one.refused(SET, id="exp_none", input={}) == ("NOT_FOUND", "experimentId")
