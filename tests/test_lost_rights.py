"""Rights lost while an export waits, or is being written: it fails, and nothing is kept."""

from pathlib import Path

import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from server.records.collaborators import Collaborator
from server.records.users import User
from server.timestamps import now
from tests.asking import Lab, a_lab, key_of, working
from tests.conftest import Api
from tests.factories import a_grant, a_user, save
from tests.folders import files_below
from tests.job_queue import FILES, until

pytestmark = pytest.mark.anyio

LOST = (
    "FORBIDDEN",
    "You may not export this any more: some of it is no longer shared with you. "
    "Ask the experiment's owner.",
)


@pytest.fixture
async def lab(any_api: Api, tmp_path: Path) -> Lab:
    """An experiment, shared with the colleague whose key is used, who may export it."""
    lab = await a_lab(any_api, tmp_path)
    colleague = a_user()
    grant = a_grant(lab.experiment, colleague, can_export=True)
    await save(any_api.db, colleague, grant)
    lab.key = await any_api.key_of(colleague.key)
    return lab


async def take_back(lab: Lab) -> None:
    async with lab.api.db.write() as tx:
        await tx.execute(delete(Collaborator))


async def fails(lab: Lab, id_: str) -> None:
    export = await until(lab.api.db, key_of(id_), "FAILED")
    assert (export.error_code, export.error_message) == LOST
    assert (export.storage_key, export.sha256) == (None, None)
    shown = await lab.shown(id_)
    assert (shown["errorCode"], shown["downloadUrl"]) == ("FORBIDDEN", None)


async def test_a_queued_export_fails_once_the_right_is_lost(lab: Lab) -> None:
    lost, kept = (
        await lab.created(**lab.here),
        await lab.created(await lab.api.key_of(lab.owner.key), **lab.here),
    )
    await take_back(lab)
    async with working(lab):
        await fails(lab, lost)
        await until(lab.api.db, key_of(kept), "COMPLETED")


async def test_an_export_is_not_published_once_the_right_is_lost(lab: Lab) -> None:
    id_ = await lab.created(**lab.here)
    async with working(lab, meanwhile=lambda: take_back(lab)):
        await fails(lab, id_)
    assert files_below(lab.folder / FILES) == []


async def test_less_of_a_right_is_no_right_to_more(lab: Lab) -> None:
    id_ = await lab.created(**lab.here, anonymization="KEEP")
    aggregate = await lab.created(**lab.here, anonymization="AGGREGATE_ONLY", packaging="ZIP")
    async with lab.api.db.write() as tx:
        await tx.execute(update(Collaborator).values(anonymization="AGGREGATE_ONLY"))
    async with working(lab):
        await fails(lab, id_)
        await until(lab.api.db, key_of(aggregate), "COMPLETED")


async def test_the_exports_of_an_account_that_is_closed_fail(lab: Lab) -> None:
    id_ = await lab.created(**lab.here)
    async with lab.api.db.write() as tx:
        closed = update(User).where(col(User.id) != lab.owner.key)
        await tx.execute(closed.values(disabled_at=now()))
    async with working(lab):
        export = await until(lab.api.db, key_of(id_), "FAILED")
    assert export.error_code == "FORBIDDEN"
