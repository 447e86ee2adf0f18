"""Migrations: they make exactly what the code declares, once, and lose nothing."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text
from sqlmodel import col

from server import migrate as migrations
from server.db import Database, metadata
from server.migrate import SchemaMismatch, current, head, migrate, require_current
from server.records.users import User
from tests.factories import a_user, save

pytestmark = pytest.mark.anyio

HEAD = head()

NEXT = '''"""A migration to come."""

import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("user", sa.Column("nickname", sa.String()))
    {then}
'''


def _next(then: str) -> str:
    return NEXT.format(head=HEAD, then=then)


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncGenerator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
    yield database
    await database.close()


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of migrations of a server of the future."""
    folder = tmp_path / "server"
    ours = Path(migrations.__file__)
    shutil.copytree(ours.parent / "migrations", folder / "migrations")
    monkeypatch.setattr(migrations, "__file__", str(folder / ours.name))
    return folder / "migrations" / "versions"


async def columns_of_user(db: Database) -> set[str]:
    async with db.read() as tx:
        columns = await tx.run_sync(lambda c: inspect(c).get_columns("user"))
    return {column["name"] for column in columns}


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def names_in(db: Database) -> list[str]:
    async with db.read() as tx:
        return list(await tx.scalars(select(col(User.name))))


async def test_an_empty_database_becomes_exactly_what_the_code_declares(empty: Database) -> None:
    assert await current(empty) is None

    assert await migrate(empty)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with empty.write() as tx:
        assert await tx.run_sync(differences) == []
        assert (await tx.execute(text("PRAGMA foreign_key_check"))).all() == []
    assert await current(empty) == head()
    await require_current(empty)


async def test_a_second_migration_does_nothing(db: Database, tmp_path: Path) -> None:
    await require_current(db)  # it is open: SQLite's own files are there
    before = files_in(tmp_path)

    assert not await migrate(db)

    assert files_in(tmp_path) == before


async def test_a_database_can_be_taken_back_to_nothing_and_up_again(db: Database) -> None:
    await save(db, a_user())

    async with db.write() as tx:
        await tx.run_sync(lambda c: command.downgrade(migrations._config(c), "base"))

    async with db.read() as tx:
        assert await tx.run_sync(lambda c: inspect(c).get_table_names()) == ["alembic_version"]
    assert await current(db) is None
    assert await migrate(db)
    assert await names_in(db) == []


async def test_a_copy_is_kept_before_an_upgrade(db: Database, versions: Path) -> None:
    await save(db, a_user(name="Ada"))
    (versions / "next.py").write_text(_next("pass"))

    with pytest.raises(SchemaMismatch, match="hyperdata migrate"):
        await require_current(db)
    assert await migrate(db)

    assert "nickname" in await columns_of_user(db)
    assert await names_in(db) == ["Ada"]
    assert db.file is not None
    copy = Database(f"sqlite+aiosqlite:///{db.file.with_suffix('.before-next.db')}")
    assert await current(copy) == HEAD
    assert "nickname" not in await columns_of_user(copy)
    assert await names_in(copy) == ["Ada"]
    await copy.close()


async def test_a_migration_that_fails_changes_nothing_and_can_be_run_again(
    db: Database, versions: Path
) -> None:
    await save(db, a_user(name="Ada"))
    script = versions / "next.py"
    script.write_text(_next("raise RuntimeError('half way')"))

    with pytest.raises(RuntimeError, match="half way"):
        await migrate(db)

    assert "nickname" not in await columns_of_user(db)
    assert await current(db) == HEAD
    await save(db, a_user(name="Bob"))
    script.write_text(_next("pass"))
    assert await migrate(db)
    assert db.file is not None
    copy = Database(f"sqlite+aiosqlite:///{db.file.with_suffix('.before-next.db')}")
    assert await names_in(copy) == ["Ada", "Bob"]
    await copy.close()


async def test_servers_that_start_together_migrate_once(empty_url: str) -> None:
    databases = [Database(empty_url) for _ in range(3)]

    await asyncio.gather(*map(migrate, databases))

    for database in databases:
        await require_current(database)
        await database.close()
