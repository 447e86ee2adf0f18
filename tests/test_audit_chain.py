"""The audit log's chain: whoever adds to it at once, and whatever is done to it past the server."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.audit import Origin, add
from server.auditing import entries as reading
from server.auditing.checking import check
from server.db import Database
from server.migrate import migrate
from server.records.audit import AuditAction, AuditEntry, let_change, let_only_add
from tests.conftest import Api
from tests.factories import a_user, an_experiment, save
from tests.test_cli import hyperdata

pytestmark = pytest.mark.anyio

WHO = Origin("usr_a", "hst_live_abcd", "::1", "test", "because")


async def add_some(db: Database, count: int) -> None:
    async with db.write() as tx:
        for n in range(count):
            await add(tx, WHO, AuditAction.EXPORT, resource=f"export {n}")


async def rows(db: Database) -> list[Any]:
    async with db.read() as tx:
        return list(await tx.execute(select(AuditEntry).order_by(col(AuditEntry.id))))


async def test_entries_that_are_added_at_once_are_one_chain(any_api: Api) -> None:
    owner = a_user()
    experiments = [an_experiment(owner) for _ in range(3)]
    await save(any_api.db, owner, *experiments)

    async def one(n: int) -> None:
        async with any_api.db.write() as tx:
            keys = [each.key for each in experiments[: n % 4]]
            await add(tx, WHO, AuditAction.EXPORT, experiment_keys=keys, resource=str(n))

    await asyncio.gather(*map(one, range(24)))

    checked = await check(any_api.db)
    assert (checked.count, checked.wrong) == (6 * (1 + 1 + 2 + 3), None)
    assert checked.newest == (await rows(any_api.db))[-1].hash


async def test_a_log_is_checked_batch_by_batch(
    any_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH", 3)
    for count in (0, 2, 1, 1, 5):
        await add_some(any_api.db, count)
        assert (await check(any_api.db)).count == len(await rows(any_api.db))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entry SET reason = 'x'",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE id = 1",
    ],
)
async def test_the_database_itself_refuses_changes(any_api: Api, change: str) -> None:
    await add_some(any_api.db, 2)

    with pytest.raises(DBAPIError, match="only added to"):
        async with any_api.db.write() as tx:
            await tx.execute(text(change))

    assert (await check(any_api.db)).count == 2


@asynccontextmanager
async def past_the_triggers(db: Database) -> AsyncGenerator[AsyncConnection]:
    """Change the log as who has the database in their hands can."""
    async with db.write() as tx:
        for statement in let_change(tx.dialect.name):
            await tx.execute(text(statement))
        yield tx
        for statement in let_only_add(tx.dialect.name):
            await tx.execute(text(statement))


async def _changed(tx: AsyncConnection, key: int) -> None:
    await tx.execute(update(AuditEntry).where(col(AuditEntry.id) == key).values(actor_id="usr_b"))


async def _allowed(tx: AsyncConnection, key: int) -> None:
    await tx.execute(update(AuditEntry).where(col(AuditEntry.id) == key).values(allowed=False))


async def _moved(tx: AsyncConnection, key: int) -> None:
    await tx.execute(
        update(AuditEntry).where(col(AuditEntry.id) == key).values(at=col(AuditEntry.at) + 1)
    )


async def _taken_out(tx: AsyncConnection, key: int) -> None:
    await tx.execute(delete(AuditEntry).where(col(AuditEntry.id) == key))


async def _put_in(tx: AsyncConnection, key: int) -> None:
    """Make room for an entry by renumbering those after it, and copy the one before."""
    kept = [
        dict(each) for each in (await tx.execute(select(*inspect(AuditEntry).columns))).mappings()
    ]
    await tx.execute(delete(AuditEntry))
    before = [each for each in kept if each["id"] < key]
    after = [{**each, "id": each["id"] + 1} for each in kept if each["id"] >= key]
    forged = {**kept[0], "id": key, "actor_id": "usr_forged"}
    await tx.execute(insert(AuditEntry), [*before, forged, *after])


Tampering = Callable[[AsyncConnection, int], Awaitable[None]]


@pytest.mark.parametrize("tamper", [_changed, _allowed, _moved, _taken_out, _put_in])
@pytest.mark.parametrize("place", [0, 2])
async def test_whatever_is_changed_shows(any_api: Api, tamper: Tampering, place: int) -> None:
    await add_some(any_api.db, 5)
    keys = [each.id for each in await rows(any_api.db)]
    key = keys[place]

    async with past_the_triggers(any_api.db) as tx:
        await tamper(tx, key)

    checked = await check(any_api.db)
    assert checked.wrong == (keys[place + 1] if tamper is _taken_out else key)
    assert checked.count == place
    assert not checked.is_whole


async def test_a_tail_that_was_cut_off_shows_by_a_hash_that_was_kept(any_api: Api) -> None:
    await add_some(any_api.db, 3)
    kept = (await check(any_api.db)).newest
    await add_some(any_api.db, 2)
    newest = (await check(any_api.db)).newest
    assert (await check(any_api.db, kept)).is_whole
    assert (await check(any_api.db, newest)).is_whole

    async with past_the_triggers(any_api.db) as tx:
        await tx.execute(delete(AuditEntry).where(col(AuditEntry.hash) == newest))

    assert (await check(any_api.db)).is_whole
    assert (await check(any_api.db, kept)).is_whole
    assert not (await check(any_api.db, newest)).is_whole


async def _a_log(folder: Path) -> Database:
    db = Database(f"sqlite+aiosqlite:///{folder}/hyperdata.db")
    await migrate(db)
    await add_some(db, 3)
    return db


async def test_the_command_says_whether_the_log_is_whole(tmp_path: Path) -> None:
    db = await _a_log(tmp_path)
    here = ("--data-dir", tmp_path)
    whole = await asyncio.to_thread(hyperdata, "audit", "verify", *here)
    newest = whole.stdout.split()[-1]
    assert (whole.returncode, len(newest)) == (0, 64)
    assert whole.stdout.startswith("3 entries fit together.")
    met = await asyncio.to_thread(hyperdata, "audit", "verify", "--expect", newest, *here)
    missed = await asyncio.to_thread(hyperdata, "audit", "verify", "--expect", "0" * 64, *here)
    assert (met.returncode, missed.returncode) == (0, 1)

    async with db.write() as tx:
        await tx.execute(text("DROP TRIGGER audit_entry_update"))
        await _changed(tx, 2)
    await db.close()
    broken = await asyncio.to_thread(hyperdata, "audit", "verify", *here)
    assert broken.returncode == 1
    assert broken.stdout.startswith("Entry 2 does not fit")


async def test_the_log_is_written_to_a_new_file_an_entry_a_line(tmp_path: Path) -> None:
    db = await _a_log(tmp_path)
    owner = a_user()
    experiment = an_experiment(owner)
    await save(db, owner, experiment)
    async with db.write() as tx:
        await add(tx, WHO, AuditAction.DOWNLOAD, experiment_keys=[experiment.key])
    newest = (await rows(db))[-1]
    await db.close()
    file, here = tmp_path / "log.ndjson", ("--data-dir", tmp_path)

    done = await asyncio.to_thread(hyperdata, "audit", "export", file, *here)
    again = await asyncio.to_thread(hyperdata, "audit", "export", file, *here)
    some = await asyncio.to_thread(
        hyperdata, "audit", "export", "-", "--experiment", experiment["experiment_id"], *here
    )
    none = await asyncio.to_thread(
        hyperdata, "audit", "export", "-", "--since", "2100-01-01T00:00:00Z", *here
    )

    assert (done.returncode, again.returncode) == (0, 1), done.stderr
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["resource"] for each in written] == ["export 0", "export 1", "export 2", None]
    assert written[-1]["hash"] == newest.hash
    assert written[0]["actor_id"] == "usr_a"
    assert [json.loads(line) for line in some.stdout.splitlines()] == written[3:]
    assert (none.returncode, none.stdout) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
