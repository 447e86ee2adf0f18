"""Partitions: a large experiment gets its own, nobody notices, and they are dropped as a whole."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.db import Database
from server.ingest.storing import ingest
from server.partitions import moving
from server.records import RecordType
from server.records.continuous_ratings import ContinuousRating
from server.records.tallies import Tally
from server.records.users import UserRole
from server.resolvers import retained_deletions
from server.timestamps import iso
from tests.conftest import Api, opened
from tests.factories import START, Row
from tests.partitioned import Laboratory, move, own_tables, owned, run
from tests.retained import Lab
from tests.warm_worker import ONE, Worker, exported

pytestmark = pytest.mark.anyio

EVENTS = (RecordType.EVENTS,)

PAGES = """query($e: String!, $r: String!, $n: Int!) {
  experiment(experimentId: $e) { continuousRatings(first: $n) { totalCount nodes { id ratingId } }
    events(first: 3, orderBy: [{field: ONSET, direction: DESC}]) { nodes { id onset } } }
  room(roomId: $r) { recordCounts: continuousRatings(first: 2) { totalCount nodes { id timestamp } }
    participants { nodes { sparseRatings(first: 4) { totalCount nodes { id value } }
      syncMetrics(last: 2) { nodes { id timeDrift } } } } }
  experiments(first: 10) { nodes { id continuousRatings(first: 2) { nodes { id ratingId } } } } }"""


@pytest.fixture
async def db(postgres_url: str) -> AsyncGenerator[Database]:
    """An empty database of PostgreSQL's."""
    database = Database(postgres_url)
    yield database
    await database.close()


def a_sample(person: Row, room: Row, number: int) -> dict[str, Any]:
    return {
        "dataType": "CONTINUOUS_RATINGS",
        "roomId": room["room_id"],
        "participantId": person["participant_id"],
        "ratingId": f"new_{number}",
        "timestamp": iso(START + number),
        "value": 0.5,
    }


async def counted(db: Database, *where: Any) -> tuple[int, int]:
    """Return how many ratings there are, by themselves and by their tallies."""
    of_type = col(Tally.data_type) == RecordType.CONTINUOUS_RATINGS.name
    async with db.read() as tx:
        rows = await tx.scalar(select(func.count()).select_from(ContinuousRating).where(*where))
        tallied = await tx.scalar(select(func.sum(col(Tally.record_count))).where(of_type))
    return int(rows or 0), int(tallied or 0)


async def test_a_large_experiment_is_moved_and_nobody_notices(
    postgres_url: str, tmp_path: Path, db: Database
) -> None:
    """Who reads meanwhile is answered as before, and whoever adds to it loses nothing."""
    laboratory = Laboratory()
    await laboratory.save(db, many=400, few=5)
    [large], room, person = laboratory.large, laboratory.rooms[0], laboratory.people[0]
    sender = Actor(laboratory.owner.key, UserRole.RESEARCHER, None, frozenset(("*",)))
    asked = {"e": large["experiment_id"], "r": room["room_id"], "n": 40}
    moved = asyncio.Event()
    sent = 0
    async with opened(tmp_path, database_url=postgres_url) as api:
        key = await api.key_of(laboratory.owner.key)

        async def look() -> list[Any]:
            answers = [await api.ask(PAGES, key, **asked)]
            while not moved.is_set():
                answers.append(await api.ask(PAGES, key, **asked))
                await asyncio.sleep(0.02)
            return answers

        async def send() -> None:
            nonlocal sent
            other = laboratory.people[-1], laboratory.rooms[-1]  # who need not wait
            while not moved.is_set():
                for who, where in ((person, room), other):
                    record = a_sample(who, where, 900_000 + sent)  # beyond the pages that are read
                    assert (await ingest(db, sender, [record])).stored == 1
                    sent += 1

        async with asyncio.TaskGroup() as group:
            looking = group.create_task(look())
            group.create_task(send())
            await move(db, from_rows=1_000)
            moved.set()
        answers = looking.result()
        answers.append(await api.ask(PAGES, key, **asked))

    assert await own_tables(db) == owned(large)
    counts = [each["experiment"]["continuousRatings"].pop("totalCount") for each in answers]
    rooms = [each["room"]["recordCounts"].pop("totalCount") for each in answers]
    assert len(answers) > 2
    assert counts == sorted(counts)
    assert rooms == sorted(rooms)
    assert all(each == answers[0] for each in answers)
    assert await counted(db) == (4 * 405 + sent, 4 * 405 + sent)
    [[rest]] = await run(
        db,
        f"SELECT count(*) FROM continuous_rating_rest WHERE experiment_key = {large.key}",
    )
    assert rest == 0


async def test_exports_are_the_same_before_and_after(
    db: Database, worker: Worker, tmp_path: Path
) -> None:
    laboratory = Laboratory()
    await laboratory.save(db, many=300, few=5)
    places: list[dict[str, Any]] = [
        {"experiments": laboratory.experiments},
        {"rooms": laboratory.rooms[:3]},
    ]

    async def files(name: str) -> list[bytes]:
        written = [
            await exported(worker, db, tmp_path / f"{name}{n}", packaging=ONE, types=EVENTS, **each)
            for n, each in enumerate(places)
        ]
        return [each.path.read_bytes() for each in written]

    before = await files("before")
    await move(db, from_rows=500)

    assert await own_tables(db) == owned(*laboratory.large)
    assert await files("after") == before


async def test_no_more_are_moved_than_there_is_room_for_the_largest_first(db: Database) -> None:
    laboratory = Laboratory(large=2, small=2)
    await laboratory.save(db, many=30, few=20)
    await laboratory.add(db, laboratory.people[:1], 5, start=1_000)

    await move(db, most=1)
    assert await own_tables(db) == owned(laboratory.experiments[0])
    await move(db, from_rows=100, most=64)
    assert await own_tables(db) == owned(*laboratory.large)


async def test_a_move_steps_back_from_whoever_still_reads_and_is_tried_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "PATIENCE_SECONDS", 0.3)
    laboratory = Laboratory(small=0)
    await laboratory.save(db, many=20, few=0)
    [large], room, person = laboratory.large, laboratory.rooms[0], laboratory.people[0]
    sender = Actor(laboratory.owner.key, UserRole.RESEARCHER, None, frozenset(("*",)))
    everything = select(func.count()).select_from(ContinuousRating)

    async with db.read() as tx:  # its snapshot is older than any copy
        assert await tx.scalar(everything) == 80
        await move(db)
        assert await own_tables(db) == set()
        assert (await ingest(db, sender, [a_sample(person, room, 1)])).stored == 1
        assert await tx.scalar(everything) == 80
    await move(db)

    assert await own_tables(db) == owned(large)
    assert await counted(db) == (81, 81)


async def test_what_is_changed_meanwhile_is_not_lost(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory = Laboratory(small=0)
    await laboratory.save(db, many=20, few=0)
    [large], first = laboratory.large, laboratory.people[0]
    belong = moving._Move._belong

    async def then_change(step: Any) -> None:
        await belong(step)
        await run(db, f"UPDATE continuous_rating SET value = 9 WHERE participant_key = {first.key}")

    with monkeypatch.context() as patch:
        patch.setattr(moving._Move, "_belong", then_change)
        await move(db)
    assert await own_tables(db) == set()
    await move(db)

    assert await own_tables(db) == owned(large)
    assert (await counted(db, col(ContinuousRating.value) == 9))[0] == 20


async def test_what_a_server_left_that_died_in_the_middle_is_put_right(
    postgres_url: str, tmp_path: Path, db: Database
) -> None:
    laboratory = Laboratory(small=0)
    await laboratory.save(db, many=20, few=0)
    [large], room, person = laboratory.large, laboratory.rooms[0], laboratory.people[0]
    sender = Actor(laboratory.owner.key, UserRole.RESEARCHER, None, frozenset(("*",)))
    own = f"continuous_rating_of_{large.key}"
    forbidden = f"ADD CONSTRAINT moved_away CHECK (experiment_key <> {large.key}) NOT VALID"
    await run(db, f"CREATE TABLE {own} (LIKE continuous_rating_rest)")
    await run(db, f"ALTER TABLE continuous_rating_rest {forbidden}")

    async with opened(tmp_path, database_url=postgres_url, chores=True, partition_from_rows=80):
        async with asyncio.timeout(20):
            while await own_tables(db) != owned(large):  # noqa: ASYNC110 - another server's doing
                await asyncio.sleep(0.05)

    assert (await ingest(db, sender, [a_sample(person, room, 1)])).stored == 1
    assert await counted(db) == (81, 81)


async def test_a_copy_that_became_a_partition_meanwhile_is_not_taken_for_what_was_left(
    db: Database,
) -> None:
    """One server saw it as it was being made; another has put it in its place by then."""
    laboratory = Laboratory(small=0)
    await laboratory.save(db, many=20, few=0)
    [large] = laboratory.large
    await move(db, from_rows=80)
    left = moving._left
    seen_before: list[tuple[Sequence[str], Sequence[str]]] = [
        ([], [f"continuous_rating_of_{large.key}"])
    ]

    async def late(tx: AsyncConnection) -> tuple[Sequence[str], Sequence[str]]:
        return seen_before.pop() if seen_before else await left(tx)

    with patch.object(moving, "_left", late):
        await move(db, from_rows=80)
    assert not seen_before
    assert await own_tables(db) == owned(large)
    assert await counted(db) == (80, 80)


@pytest.fixture
async def lab(postgres_url: str, tmp_path: Path) -> AsyncGenerator[Lab]:
    """An experiment, which is large, and a server that has no clock."""
    async with opened(tmp_path, database_url=postgres_url) as api:
        yield await Lab(api, tmp_path).save()


async def test_what_retention_deletes_is_dropped_as_soon_as_nobody_reads_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts and audit are as ever; others are answered while it waits for its moment."""
    monkeypatch.setattr(retained_deletions, "AGAIN_SECONDS", 0.2)
    await lab.db.maintain("ANALYZE")
    await move(lab.db)
    assert await own_tables(lab.db) == owned(lab.experiment)
    there = await lab.left()
    await lab.keep(deleteAfterDays=1)
    await lab.complete()
    for days in (2, 3.1):
        await lab.at(days)
    [[before]] = await run(lab.db, "SELECT coalesce(max(number), 0) FROM revision")
    asked = "{ experiments { nodes { events { totalCount nodes { id } } } } }"

    async with lab.db.read() as tx:  # an export, say, which reads from this table on and on
        await tx.scalar(select(func.count()).select_from(ContinuousRating))
        deleting = asyncio.create_task(lab.at(4.2))
        answered = 0
        while answered < 20 or await _counts(lab.api, asked, lab.key) != [0]:
            answered += 1
            await asyncio.sleep(0.01)
            if answered > 60:
                break
        assert not deleting.done()
        assert f"continuous_rating_of_{lab.experiment.key}" in await own_tables(lab.db)
    step = await deleting

    assert await own_tables(lab.db) == set()
    assert await lab.left() == {}
    assert step.done_at is not None
    assert step.deleted == {**there, "bytes": 4000}
    assert await counted(lab.db) == (0, 0)
    [[after]] = await run(lab.db, "SELECT max(number) FROM revision")
    assert after >= before + 4
    assert ("ERASE", "DELETE_DATA") in await lab.actions()


DISTRIBUTED = {"continuous_rating", "event", "sync_metric", "sparse_rating"}
REFERENCE = {"user", "experiment", "room", "participant"}
"""What docs/postgresql.md has Citus do with our tables: all others stay on the coordinator."""


async def test_citus_could_distribute_the_large_tables_by_experiment(db: Database) -> None:
    """Its rules, asked of the catalogue: nothing here runs Citus."""
    constraints = await run(
        db,
        """SELECT conrelid::regclass::text, contype::text, confrelid::regclass::text, (
            SELECT array_agg(attname::text) FROM pg_attribute
            WHERE attrelid = conrelid AND attnum = ANY (conkey))
        FROM pg_constraint WHERE contype IN ('p', 'u', 'f', 'x') AND conparentid = 0""",
    )
    indexes = await run(
        db,
        """SELECT indrelid::regclass::text, (SELECT array_agg(attname::text) FROM pg_attribute
            WHERE attrelid = indrelid AND attnum = ANY (indkey))
        FROM pg_index WHERE indisunique AND indrelid::regclass::text !~ '^pg_'""",
    )
    named = {name.strip('"') for name, *_ in constraints}
    assert named >= DISTRIBUTED | REFERENCE

    for table, columns in indexes:
        if table in DISTRIBUTED:
            assert "experiment_key" in columns, table
    for table, kind, other, columns in constraints:
        if kind != "f":
            continue
        name, leads_to = table.strip('"'), other.strip('"')
        if name in DISTRIBUTED:
            assert leads_to in REFERENCE, (name, leads_to)
            assert "experiment_key" in columns
        elif name in REFERENCE:
            assert leads_to in REFERENCE, (name, leads_to)
        else:
            assert leads_to not in DISTRIBUTED, (name, leads_to)


async def _counts(api: Api, query: str, key: str) -> list[int]:
    nodes = (await api.ask(query, key))["experiments"]["nodes"]
    return [node["events"]["totalCount"] for node in nodes]
