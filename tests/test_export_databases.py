"""Exports of the same rows from SQLite and from PostgreSQL, and what only one of them must mind."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from sqlalchemy import delete, select
from sqlalchemy.engine import make_url
from sqlmodel import col

from server.column_types import dump_json
from server.db import Database
from server.errors import BadUserInput
from server.export.addresses import database_uri
from server.export.arrow import pa
from server.export.reading import reader
from server.export.reading_postgres import compact
from server.records import RecordType
from server.records.events import Event
from server.records.exports import Anonymization
from tests.factories import Row, a_component, a_sparse_rating, an_event, save
from tests.studies import VALUES, Study, a_person, exported_of, records_in, storable
from tests.warm_worker import (
    CSV,
    JSON,
    ONE,
    ZIP,
    Exported,
    Worker,
    exported,
    plan_of,
    recipe_of,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pg(postgres_url: str) -> AsyncGenerator[Database]:
    """An empty PostgreSQL database."""
    database = Database(postgres_url)
    yield database
    await database.close()


def told(person: Row) -> list[Row]:
    """Return rows with every kind of value, all-empty columns, and JSON as PostgreSQL keeps it."""
    wide = {"b": [1, 2.5, None, True, {"x": 'a "quote", a: colon\\'}], "aa": "ü\n", "big": 2**70}
    return [
        an_event(person, onset=-(2**31), content='"a", b\r\n\t', response=wide),
        an_event(person, onset=2**31 - 1, content="", duration=-1, response=[{"k": "v, w: x"}]),
        an_event(person, onset=7, content="😀 =1+1", response="text", timestamp=-1),
        an_event(person, onset=8, response=2**63),
        an_event(person, onset=8, response={}),
        *(a_sparse_rating(person, onset=n, value=n / 3) for n in range(3)),
    ]


@pytest.mark.parametrize("anonymization", [Anonymization.KEEP, Anonymization.REMOVE_IDENTIFIERS])
@pytest.mark.parametrize(("file_format", "packaging"), [(CSV, ZIP), (JSON, ZIP), (JSON, ONE)])
async def test_the_same_rows_give_the_same_bytes_from_both(
    worker: Worker,
    db: Database,
    pg: Database,
    tmp_path: Path,
    file_format: Any,
    packaging: Any,
    anonymization: Anonymization,
) -> None:
    study = Study()
    study.records[RecordType.EVENTS] += told(study.people[0])
    made: list[Exported] = []
    for each in (db, pg):
        await study.save(each)
        made.append(
            await exported(
                worker,
                each,
                tmp_path / str(len(made)),
                experiments=study.experiments,
                format=file_format,
                packaging=packaging,
                anonymization=anonymization,
            )
        )
    first, second = made
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.done["sha256"] == second.done["sha256"]


async def test_postgresql_sorts_keys_and_writes_numbers_out(
    worker: Worker, db: Database, pg: Database, tmp_path: Path
) -> None:
    value = {"bb": 1e16, "a": -1e-7, "c": 1.50, "d": -0.0}
    written: list[str] = []
    for each in (db, pg):
        person = await a_person(each)
        await save(each, a_sparse_rating(person, value=value))
        made = await exported_of(
            worker, each, tmp_path, person, RecordType.SPARSE_RATINGS, file_format=JSON
        )
        [rating] = records_in(made.json(), RecordType.SPARSE_RATINGS)
        assert rating["value"] == value
        written.append(made.path.read_text())
    assert '{"bb":1e+16,"a":-1e-07,"c":1.5,"d":-0.0}' in written[0]
    assert '{"a":-0.0000001,"c":1.5,"d":0.0,"bb":10000000000000000}' in written[1]


@given(VALUES)
def test_json_loses_its_spaces_only_between_its_parts(value: Any) -> None:
    spaced = json.dumps(value, ensure_ascii=False)
    assert compact(pa.array([spaced, None])).to_pylist() == [dump_json(value), None]


@pytest.mark.parametrize("half", ["\ud800", "a\udfff"])
async def test_half_a_character_is_refused_by_both(any_db: Database, half: str) -> None:
    await assert_refused(any_db, content=half)
    await assert_refused(any_db, response={"text": half})
    await assert_refused(any_db, response={half: 1})


async def test_nul_is_kept_by_sqlite_and_refused_by_postgresql(
    worker: Worker, any_db: Database, tmp_path: Path
) -> None:
    if not any_db.file:
        await assert_refused(any_db, content="a\0b")
        await assert_refused(any_db, response={"a": ["\0"]})
        await assert_refused(any_db, response={"\0": 1})
        assert storable(any_db, ["a\0b"]) == ["ab"]
        return
    person = await a_person(any_db)
    await save(any_db, an_event(person, content="a\0b", response={"a": ["\0"]}))
    made = await exported_of(worker, any_db, tmp_path, person, RecordType.EVENTS, JSON)
    [event] = records_in(made.json(), RecordType.EVENTS)
    assert (event["content"], event["response"]) == ("a\0b", {"a": ["\0"]})


async def assert_refused(db: Database, **values: Any) -> None:
    person = await a_person(db)
    with pytest.raises(BadUserInput, match="leave it out"):
        await save(db, an_event(person), an_event(person, **values))
    async with db.read() as tx:
        assert (await tx.execute(select(col(Event.id)))).all() == []


async def test_a_boolean_filter_reaches_the_worker(
    worker: Worker, any_db: Database, tmp_path: Path
) -> None:
    study = Study()
    await study.save(any_db)
    done = a_component(study.people[0], completed=True)
    await save(any_db, done, a_component(study.people[0], completed=False))
    filters = {"COMPONENTS": {"completed": {"equals": True}}}
    made = await exported(worker, any_db, tmp_path, experiments=study.experiments, filters=filters)
    assert [row["componentId"] for row in made.stems("components")] == [done["component_id"]]


async def test_a_reader_sees_one_snapshot_and_only_so_many_rows_at_once(
    pg: Database, tmp_path: Path
) -> None:
    person = await a_person(pg)
    await save(pg, *(an_event(person, onset=n) for n in range(25)))
    recipe = await recipe_of(pg, participants=[person], types=[RecordType.EVENTS])
    plan = await plan_of(pg, tmp_path, recipe)
    [table] = plan.records
    query = table.rows.among([person["room_key"]])
    with reader(plan.database_uri) as source:
        batches = source.batches(query, 10)
        sizes = [len(next(batches)["onset"])]
        async with pg.write() as tx:
            await tx.execute(delete(Event))
        sizes += [len(batch["onset"]) for batch in batches]
        assert sizes == [10, 10, 5]
        assert source.tuples(table.selected) == [(25,)]
        assert [len(batch["onset"]) for batch in source.batches(query, 25)] == [25]
        assert source.whole(query)["onset"].to_pylist() == list(range(25))
    with reader(plan.database_uri) as source:
        assert list(source.batches(query, 10)) == []
        empty = source.whole(query)
        assert (len(empty["content"]), str(empty["content"].type)) == (0, "string")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "postgresql+asyncpg://me:p%40s %26w@db.example:5433/lab?ssl=require"
            "&prepared_statement_cache_size=0",
            "host=db.example&port=5433&dbname=lab&user=me&password=p%40s%20%26w&sslmode=require",
        ),
        (
            "postgresql+asyncpg://me@/lab?host=/run/postgresql",
            "host=%2Frun%2Fpostgresql&dbname=lab&user=me",
        ),
        ("postgresql+asyncpg:///lab?host=a:1&host=b:2", "host=a%2Cb&port=1%2C2&dbname=lab"),
        ("postgresql+asyncpg:///lab?host=a,b&port=1,2", "host=a%2Cb&port=1%2C2&dbname=lab"),
        ("postgresql+asyncpg://me@[::1]/lab", "host=%3A%3A1&dbname=lab&user=me"),
    ],
)
def test_a_worker_finds_the_servers_database(url: str, address: str) -> None:
    always = "application_name=hyperdata%20export&connect_timeout=60"
    assert database_uri(make_url(url)) == f"postgresql://?{address}&{always}"


async def test_a_plan_does_not_show_its_password(db: Database, tmp_path: Path) -> None:
    person = await a_person(db)
    plan = await plan_of(db, tmp_path, await recipe_of(db, participants=[person]))
    assert plan.database_uri in str(plan.command("job"))
    assert plan.database_uri not in repr(plan)
