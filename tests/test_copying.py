"""A database copied into one of the other kind and back: the same rows, files and exports."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from unittest.mock import patch

import asyncpg
import pytest
from sqlalchemy import insert, text
from sqlalchemy.engine import make_url
from sqlmodel import col
from typer.testing import CliRunner

from server import audit
from server.audit import Origin
from server.cli import app
from server.db import Database, metadata
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.experiments import Experiment
from server.records.users import User
from tests.factories import Row, a_sparse_rating, a_user, an_event
from tests.object_store import ObjectStore
from tests.postgres import Server as Postgres
from tests.studies import Study
from tests.warm_worker import CSV, JSON, NDJSON, ONE, PARQUET, ZIP, Worker, exported, read_csv

pytestmark = pytest.mark.repeats

SPENT = 900_000
"""A key that was given once, to a row that is gone."""

WIDE = {"bb": [1, 2.50, None, True, {"x": 'a "quote", a: colon\\'}], "a": "ü\n", "big": 2**70}
TABLES = [each for each in metadata.sorted_tables if each.name != "alembic_version"]
HASHES = {"metadata.json", "datapackage.json"}
"""What tells the hashes of the other files."""

WITH_JSON = {"events", "sparse_ratings", "components"}
Result = TypeVar("Result")


def sqlite(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def copied(source: str, target: str, *more: str, **environment: str) -> str:
    done = CliRunner().invoke(
        app, ["copy", "--from", source, "--to", target, *more], env=environment
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(source: str, target: str) -> str:
    done = CliRunner().invoke(app, ["copy", "--from", source, "--to", target])
    assert done.exit_code == 1, done.output
    return done.stderr


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Database]:
    db = Database(url)
    try:
        yield db
    finally:
        await db.close()


def within(url: str, act: Callable[[Database], Coroutine[Any, Any, Result]]) -> Result:
    async def run() -> Result:
        async with opened(url) as db:
            return await act(db)

    return asyncio.run(run())


async def _more(db: Database) -> None:
    """Add what the demo has not: strange JSON, entries of the audit log, a key that was spent."""
    with patch("tests.factories._numbers", count(100_000)):  # past all keys of the demo
        study = _study()
    await study.save(db)
    async with db.write() as tx:
        for reason in ("ü", None):
            await audit.add(tx, Origin("usr_owner", reason=reason), AuditAction.EXPORT)
        await tx.execute(insert(User), [dict(a_user(id=SPENT))])
        await tx.execute(text('DELETE FROM "user" WHERE id = :id'), {"id": SPENT})


def _study() -> Study:
    study = Study()
    person = study.people[0]
    study.records[RecordType.EVENTS] += [
        an_event(person, onset=-(2**31), content='"a", b\r\n\t', response=WIDE),
        an_event(person, response=2**63),
        an_event(person, response={}, content=""),
    ]
    study.records[RecordType.SPARSE_RATINGS].append(
        a_sparse_rating(person, value={"bb": 1e16, "a": -1e-7, "c": 1.50, "d": -0.0})
    )
    return study


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """The demo's database, and more."""
    file = tmp_path_factory.mktemp("source") / "source.db"
    shutil.copyfile(demo / "demo.db", file)
    within(sqlite(file), _more)
    return file


@pytest.fixture(scope="module")
def there(source: Path, postgres: Postgres) -> Iterator[str]:
    """A copy of it in PostgreSQL."""
    with postgres.lent() as url:
        copied(sqlite(source), url)
        yield url


@pytest.fixture(scope="module")
def back(there: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that in SQLite again."""
    file = tmp_path_factory.mktemp("back") / "new folder/back.db"
    told = copied(there, sqlite(file))
    assert "The audit log of the copy is whole: 2 entries." in told
    return file


def rows_in(file: Path) -> dict[str, list[str]]:
    """Return all rows of a file of SQLite by table, JSON read."""
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(file)) as db:
        for table in TABLES:
            names = [column.name for column in table.columns]
            json_at = {at for at, c in enumerate(table.columns) if "Json" in type(c.type).__name__}
            read = db.execute(f'SELECT {", ".join(names)} FROM "{table.name}"')
            found[table.name] = sorted(
                json.dumps(
                    [
                        _said(value) if at in json_at and value is not None else value
                        for at, value in enumerate(row)
                    ],
                    sort_keys=True,
                )
                for row in read
            )
    return found


def _said(text: str) -> Any:
    """Read JSON: JSONB knows one zero, and writes 1e16 out."""
    return json.loads(text, parse_int=float, parse_float=lambda digits: float(digits) + 0.0)


def test_all_rows_come_back(source: Path, back: Path) -> None:
    before, after = rows_in(source), rows_in(back)
    assert {name: len(rows) for name, rows in before.items()} == {
        name: len(rows) for name, rows in after.items()
    }
    assert before == after


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("file_format", "packaging"), [(CSV, ZIP), (NDJSON, ZIP), (PARQUET, ZIP), (JSON, ONE)]
)
async def test_exports_are_equal(
    worker: Worker,
    source: Path,
    there: str,
    back: Path,
    tmp_path: Path,
    file_format: Any,
    packaging: Any,
) -> None:
    made = []
    for number, url in enumerate((sqlite(source), there, sqlite(back))):
        async with opened(url) as db, db.read() as tx:
            keys = (await tx.execute(text("SELECT id FROM experiment ORDER BY id"))).scalars()
            experiments = [Row(Experiment, {"id": key}) for key in keys]
            folder = tmp_path / str(number)
            made.append(
                await exported(
                    worker,
                    db,
                    folder,
                    experiments=experiments,
                    format=file_format,
                    packaging=packaging,
                )
            )
    first, second, third = (each.path for each in made)
    assert second.read_bytes() == third.read_bytes()
    if packaging is ONE:
        assert abs(first.stat().st_size - second.stat().st_size) < 200  # numbers written out
        return
    ours, theirs = (each.members() for each in made[:2])
    assert ours.keys() == theirs.keys()
    different = {path for path, content in ours.items() if content != theirs[path]}
    holds_json = {path for path in ours if PurePosixPath(path).stem in WITH_JSON}
    assert different <= holds_json | HASHES
    if file_format is CSV:
        for path in different & holds_json:
            assert said(read_csv(ours[path])) == said(read_csv(theirs[path])), path


def said(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with JSON read that is text in them."""
    return [{name: _read(value) for name, value in row.items()} for row in rows]


def _read(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def test_keys_that_were_given_are_not_given_again(there: str, back: Path) -> None:
    async def add(db: Database) -> int:
        row = {name: value for name, value in a_user().items() if name != "id"}
        async with db.write() as tx:
            key = await tx.scalar(insert(User).values(row).returning(col(User.id)))
            await tx.rollback()
        assert isinstance(key, int)
        return key

    assert within(there, add) > SPENT
    assert within(sqlite(back), add) > SPENT


def test_files_are_copied_into_an_object_store_and_back(
    object_store: ObjectStore, demo: Path, migrated_file: Path, tmp_path: Path
) -> None:
    files = {path.name: path.read_bytes() for path in (demo / "recordings").iterdir()}
    store, folder = object_store.bucket(), tmp_path / "files"
    shutil.copytree(demo / "recordings", tmp_path / "from/recordings")
    (tmp_path / "from/recordings.webm#1").write_bytes(b"never finished")
    away = ("--from-storage", (tmp_path / "from").as_uri(), "--to-storage", store)
    empty, around = sqlite(migrated_file), object_store.environment
    told = copied(empty, sqlite(tmp_path / "1.db"), *away, **around)
    size = sum(map(len, files.values()))
    assert f"{len(files)} files are there; {len(files)} of them came now, with {size:,}" in told
    home = ("--from-storage", store, "--to-storage", folder.as_uri())
    copied(empty, sqlite(tmp_path / "2.db"), *home, **around)
    assert {path.name: path.read_bytes() for path in (folder / "recordings").iterdir()} == files


def ratings_in(url: str) -> int:
    async def count() -> int:
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(dsn)
        try:
            found: int = await connection.fetchval("SELECT count(*) FROM continuous_rating")
            return found
        finally:
            await connection.close()

    return asyncio.run(count())


def test_a_copy_that_was_killed_goes_on_and_finds_what_was_changed(
    source: Path, postgres: Postgres, tmp_path: Path
) -> None:
    with postgres.lent() as target:
        _kill_and_go_on(source, target, postgres, tmp_path)


def _kill_and_go_on(source: Path, target: str, postgres: Postgres, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server", "copy", "--from", sqlite(source), "--to", target]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not ratings_in(target):
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert 0 < ratings_in(target) < 43_287

    other = tmp_path / "other.db"
    shutil.copyfile(source, other)
    assert "A copy of" in refused(sqlite(other), target)
    change = "UPDATE continuous_rating SET value = value * {} WHERE id = 100"
    forget = "DELETE FROM revision"  # of which the change was counted
    postgres.run(change.format(2), forget, url=target)
    assert "`continuous_rating` has" in refused(sqlite(source), target)
    postgres.run(change.format(0.5), forget, url=target)
    assert "Went on, and copied all rows" in copied(sqlite(source), target)
    assert "holds data already" in refused(sqlite(source), target)


def test_what_cannot_be_copied_is_refused(source: Path, postgres: Postgres, tmp_path: Path) -> None:
    missing = sqlite(tmp_path / "missing.db")
    assert "There is no file" in refused(missing, sqlite(tmp_path / "new.db"))
    assert not (tmp_path / "missing.db").exists()
    assert "A database is named as" in refused("mysql://here", missing)
    assert "are one database" in refused(sqlite(source), sqlite(source))
    strange = tmp_path / "strange.db"
    shutil.copyfile(source, strange)
    within(sqlite(strange), _with_nul)
    with postgres.lent() as target:
        told = refused(sqlite(strange), target)
        postgres.run("DROP TABLE copying_from", url=target)
    assert "U+0000" in told
    assert "`response` holds in id 5" in told


async def _with_nul(db: Database) -> None:
    async with db.write() as tx:
        await tx.execute(text("""UPDATE event SET response = '{"a":"\\u0000"}' WHERE id = 5"""))
