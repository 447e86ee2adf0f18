"""Exports that came to their end: tried again, deleted, and what is left of them."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlmodel import col

from server.export.progress import Hub
from server.records.collaborators import Collaborator
from server.records.exports import Export, ExportedExperiment
from server.timestamps import now
from tests.asking import CANCEL, DELETE, MINE, RETRY, Lab, a_lab, key_of, refusal_in, working
from tests.conftest import Api
from tests.factories import a_grant, a_user, save
from tests.job_queue import files, following, new_exporter, running, settings, until, until_true

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lab(api: Api, tmp_path: Path) -> Lab:
    return await a_lab(api, tmp_path)


async def put(lab: Lab, id_: str, **values: Any) -> None:
    async with lab.api.db.write() as tx:
        await tx.execute(update(Export).where(col(Export.id) == key_of(id_)).values(**values))


FAILED = {
    "status": "FAILED",
    "error_code": "STORAGE_FAILED",
    "error_message": "Full.",
    "attempts": 3,
    "fence": 3,
    "started_at": now(),
    "completed_at": now(),
}


@pytest.mark.parametrize("values", [FAILED, {"status": "CANCELED"}, {"status": "EXPIRED"}])
async def test_what_has_no_file_is_tried_again_as_the_same_export(
    lab: Lab, values: dict[str, Any]
) -> None:
    id_ = await lab.created(**lab.here)
    before = await lab.row(id_)
    await put(lab, id_, **values)

    again = (await lab.ask("exportRetry", RETRY, id=id_))["export"]

    assert (again["id"], again["status"], again["errorCode"]) == (id_, "CREATED", None)
    row = await lab.row(id_)
    assert (row.attempts, row.started_at, row.completed_at, row.error_message) == (0,) + 3 * (None,)
    assert row.recipe == before.recipe
    assert row.seq > before.seq
    async with working(lab):
        done = await lab.finished(id_)
    assert done.stems("events")[0]["eventId"] == lab.event["event_id"]
    assert done.done["row"].fence > values.get("fence", 0)


async def test_who_follows_a_retried_export_sees_it_begin_anew(lab: Lab) -> None:
    id_ = await lab.created(**lab.here)
    await put(lab, id_, **FAILED)
    await lab.ask("exportRetry", RETRY, id=id_)

    async with working(lab):
        hub = Hub(lab.api.db)
        with following(hub, key_of(id_)) as states:
            seen = [state.status async for state in states]
        await hub.close()

    assert seen[-1] == "COMPLETED"
    assert "FAILED" not in seen


async def test_what_is_going_on_or_complete_is_not_tried_again(lab: Lab) -> None:
    id_ = await lab.created(**lab.here)
    for status, code in (
        ("CREATED", "NOT_FINISHED"),
        ("RUNNING", "NOT_FINISHED"),
        ("CANCELING", "NOT_FINISHED"),
        ("COMPLETED", "ALREADY_FINISHED"),
    ):
        await put(lab, id_, status=status)
        assert refusal_in(await lab.ask("exportRetry", RETRY, id=id_)) == (code, "id")


async def test_rights_are_asked_for_again(lab: Lab) -> None:
    colleague, administrator = a_user(), a_user(role="ADMINISTRATOR")
    grant = a_grant(lab.experiment, colleague, can_export=True)
    await save(lab.api.db, colleague, administrator, grant)
    key = await lab.api.key_of(colleague.key)
    id_ = await lab.created(key, **lab.here)
    await put(lab, id_, **FAILED)
    narrow = await lab.api.key_of(colleague.key, "export:data", "read:events")
    assert refusal_in(await lab.ask("exportRetry", RETRY, narrow, id=id_)) == ("FORBIDDEN", "")

    async with lab.api.db.write() as tx:
        await tx.execute(update(Collaborator).values(can_export=False))

    for who in (key, await lab.api.key_of(administrator.key)):
        refusal = refusal_in(await lab.ask("exportRetry", RETRY, who, id=id_))
        assert refusal == ("FORBIDDEN", "id")
    assert (await lab.row(id_)).status == "FAILED"
    async with lab.api.db.write() as tx:
        await tx.execute(delete(Collaborator))
    assert refusal_in(await lab.ask("exportRetry", RETRY, key, id=id_)) == ("FORBIDDEN", "id")


async def test_of_a_deleted_export_nothing_remains(lab: Lab) -> None:
    id_ = await lab.created(**lab.here)
    async with working(lab):
        await lab.finished(id_)
    assert files(lab.folder)

    payload = await lab.ask("exportDelete", DELETE, id=id_)

    assert payload == {"deletedId": id_, "userErrors": []}
    assert files(lab.folder) == []
    assert (await lab.api.ask(MINE, lab.key))["exports"]["totalCount"] == 0
    async with lab.api.db.read() as tx:
        assert (await tx.execute(select(ExportedExperiment))).all() == []
    assert refusal_in(await lab.ask("exportDelete", DELETE, id=id_)) == ("NOT_FOUND", "id")
    assert await lab.created(**lab.here) != id_  # an old link must lead to no other's file


async def test_an_export_that_is_being_written_is_stopped_and_deleted(lab: Lab) -> None:
    db = lab.api.db
    id_ = await lab.created(**lab.here)
    await put(lab, id_, recipe={"title": "hang"})
    async with running(new_exporter(db, settings(lab.folder))):
        await until_true(lambda: files(lab.folder) == [f"exports/{key_of(id_)}/1/out.csv#1"])
        assert (await lab.ask("exportDelete", DELETE, id=id_))["deletedId"] == id_
        after = await lab.created(**lab.here)
        await put(lab, after, recipe={"title": "write"})
        export = await until(db, key_of(after), "COMPLETED")  # the lane is free
    assert files(lab.folder) == [export.storage_key]


async def test_a_queued_one_is_deleted_and_never_begun(lab: Lab) -> None:
    id_ = await lab.created(**lab.here)
    assert (await lab.ask("exportCancel", CANCEL, id=id_))["userErrors"] == []
    assert (await lab.ask("exportDelete", DELETE, id=id_))["deletedId"] == id_
    async with working(lab):
        await lab.finished(await lab.created(**lab.here))


async def test_a_link_is_given_only_while_there_is_a_file_and_to_those_whose_it_is(
    lab: Lab,
) -> None:
    id_ = await lab.created(**lab.here)
    async with working(lab):
        await lab.finished(id_)
    assert (await lab.shown(id_))["downloadUrl"]

    await put(lab, id_, expires_at=now() - 1)
    assert (await lab.shown(id_))["downloadUrl"] is None
    await put(lab, id_, expires_at=now() + 60_000, status="EXPIRED")
    assert (await lab.shown(id_))["downloadUrl"] is None
