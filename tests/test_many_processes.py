"""Three servers and two workers of one PostgreSQL are one: what one does, all know."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack
from functools import partial
from importlib import resources
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from sqlalchemy import delete, select, text, update
from sqlmodel import col
from websockets.asyncio.client import ClientConnection

from server import migrate
from server.api_keys import issue
from server.db import Database
from server.endpoint.sockets import FORBIDDEN
from server.export import leases
from server.export.workers import Progress
from server.global_ids import global_id, type_and_key
from server.limits.budgets import SLICES
from server.records.api_keys import ApiKey
from server.records.collaborators import Collaborator
from server.records.experiments import Experiment
from server.records.exports import Export
from server.records.users import User
from server.timestamps import now
from tests.factories import START, Row, a_grant, a_participant, a_room, a_user, save
from tests.faults.service import Away, Service, record, until
from tests.faults.traffic import Traffic
from tests.fleet import LEASE, Fleet
from tests.job_queue import ELSEWHERE
from tests.postgres import Server as Postgres
from tests.promises import promised
from tests.sending import INGEST
from tests.test_sockets import a_socket, ask, closing_code, enter, hear

pytestmark = [pytest.mark.anyio, pytest.mark.repeats, pytest.mark.promised]

SERVERS, WORKERS = 3, 2
QUEUE = Path(migrate.__file__).parent / "migrations" / "queue" / "procrastinate_3_10.sql"
OLD_JOBS = text(
    "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'exports' OR status NOT IN "
    "('todo', 'doing')"
)

MANY = """INSERT INTO continuous_rating
    (rating_id, "timestamp", onset, value, experiment_key, room_key, participant_key)
    SELECT 'large_' || id || '_' || n, {start} + 100 * n, 100 * n, (n % 1000) / 1000.0,
        experiment_key, room_key, id
    FROM participant, generate_series(1, {rows}) AS n
    WHERE room_key = (SELECT id FROM room WHERE room_id = 'room_large')"""
ROWS = 100_000
"""Ratings of each of two people, which an export has to read and to write."""

WITHIN = promised(1)
"""Seconds in which what was revoked must be refused everywhere."""

EXPORTS = 10
NUMBERS = count(1)
CHANCE = Random(9)
Disturbance = Callable[[Fleet, Postgres], None]

UPDATES = 70
"""Of an export's progress: each is delivered by each server."""

QUICK = promised(0.25)
"""Seconds in which an update must be there, from its commit, but for one in a hundred."""

PROGRESS = """subscription ($id: ID!) { exportProgress(id: $id) {
  status progress { completedRows } } }"""
ADDED = """subscription { recordsAdded(roomId: "room_steady", dataType: CONTINUOUS_RATINGS) {
  count } }"""
BUDGET, REFILL = 20_000, 1_000
READ = (
    """{ room(roomId: "room_large") { continuousRatings(first: 1000) { nodes { ratingId } } } }"""
)


@pytest.fixture(scope="module")
def fleet(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Generator[Fleet]:
    limits = {"HYPERDATA_BUDGET": str(BUDGET), "HYPERDATA_BUDGET_REFILL": str(REFILL)}
    url = postgres.lasting()
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), url, SERVERS, WORKERS, **limits)
    asyncio.run(_fill(url))
    with fleet.up():
        yield fleet


async def _fill(url: str) -> None:
    """Have a room with many ratings, beside the one that others are sent to."""
    db = Database(url)
    async with db.read() as tx:
        experiment = Row(Experiment, {"id": await tx.scalar(select(col(Experiment.id)))})
    room = a_room(experiment, room_id="room_large")
    await save(db, room, *(a_participant(room) for _ in range(2)))
    async with db.write() as tx:
        await tx.execute(text(MANY.format(start=START, rows=ROWS)))
    await db.close()


@pytest.fixture(scope="module")
def undisturbed(fleet: Fleet) -> dict[str, Any]:
    """An export of all there is, by workers who are left in peace."""
    return fleet.services[0].completed(fleet.services[0].export())


@pytest.fixture
async def db(fleet: Fleet) -> AsyncGenerator[Database]:
    database = Database(fleet.services[0].database)
    yield database
    await database.close()


async def a_key(db: Database) -> str:
    """Return a new key of the owner's, with a budget of its own."""
    async with db.write() as tx:
        owner = (await tx.scalars(select(col(Experiment.owner_key)))).one()
        return await issue(tx, owner, "test")


class Sockets:
    """A socket at each server, on which the same is followed."""

    def __init__(self, fleet: Fleet, key: str) -> None:
        self._fleet, self._key = fleet, key
        self._stack = AsyncExitStack()
        self.all: list[ClientConnection] = []

    async def __aenter__(self) -> "Sockets":
        for service in self._fleet.services:
            socket = await self._stack.enter_async_context(a_socket(service))
            await enter(socket, {"X-API-Key": self._key})
            self.all.append(socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def follow(self, query: str, **variables: Any) -> None:
        """Follow something at each, and hear how it is."""
        for socket in self.all:
            await ask(socket, "1", query, **variables)
        await self.told()

    async def told(self) -> list[dict[str, Any]]:
        """Return what each is told next."""
        return list(await asyncio.gather(*map(hear, self.all)))


async def a_running_export(db: Database, fleet: Fleet) -> Any:
    """Return the row of an export that this process, of all, is writing."""
    export_id = await asyncio.to_thread(fleet.services[0].export)
    key = int(await asyncio.to_thread(_key_of, fleet, export_id))
    async with db.write() as tx:
        held = {"status": "RUNNING", "worker": ELSEWHERE, "lease_until": now() + 600_000}
        this = update(Export).where(col(Export.id) == key)
        return (await tx.execute(this.values(**held).returning(Export))).one()


def _key_of(fleet: Fleet, export_id: str) -> int:
    fleet.services[0].completed(export_id)
    found = type_and_key(export_id)
    assert found is not None
    return found[1]


async def test_progress_is_told_by_every_server_at_once(fleet: Fleet, db: Database) -> None:
    export = await a_running_export(db, fleet)
    taken: list[float] = []
    async with Sockets(fleet, await a_key(db)) as sockets:
        await sockets.follow(PROGRESS, id=global_id("Export", export.id))

        async def heard(socket: ClientConnection, rows: int, since: float) -> None:
            said = await hear(socket)
            assert said["payload"]["data"]["exportProgress"] == {
                "status": "RUNNING",
                "progress": {"completedRows": rows},
            }
            taken.append(time.perf_counter() - since)

        for rows in range(1, UPDATES + 1):
            async with db.write() as tx:
                await leases.record(tx, export, Progress(rows, None, rows, "Writing"))
            since = time.perf_counter()
            await asyncio.gather(*(heard(socket, rows, since) for socket in sockets.all))
    taken.sort()
    assert len(taken) == UPDATES * SERVERS
    assert taken[len(taken) * 99 // 100] < QUICK


async def test_an_export_that_a_worker_writes_is_followed_at_every_server(
    fleet: Fleet, db: Database
) -> None:
    async with Sockets(fleet, await a_key(db)) as sockets:
        export_id = await asyncio.to_thread(fleet.services[1].export)
        for socket in sockets.all:
            await ask(socket, "1", PROGRESS, id=export_id)

        async def last(socket: ClientConnection) -> object:
            state = None
            while (said := await hear(socket))["type"] == "next":
                state = said["payload"]["data"]["exportProgress"]["status"]
            return state

        assert await asyncio.gather(*map(last, sockets.all)) == ["COMPLETED"] * SERVERS


async def test_records_that_one_server_takes_are_told_by_every_other(
    fleet: Fleet, db: Database
) -> None:
    async with Sockets(fleet, await a_key(db)) as sockets:
        await sockets.follow(ADDED)
        for number in range(3):
            sent = [record(9_000_000 + number)]
            await asyncio.to_thread(fleet.services[number].ask, INGEST, records=sent)
            async with asyncio.timeout(WITHIN):
                told = await sockets.told()
            assert [each["payload"]["data"]["recordsAdded"]["count"] for each in told] == [1] * 3


@pytest.mark.parametrize("lost", ["key revoked", "key expired", "account closed"])
async def test_who_may_not_enter_any_more_is_refused_everywhere(
    fleet: Fleet, db: Database, lost: str
) -> None:
    someone = a_user()
    await save(db, someone)
    async with db.write() as tx:
        key = await issue(tx, someone.key, "test")
    changes: dict[str, Any] = {
        "key revoked": update(ApiKey).where(col(ApiKey.user_key) == someone.key),
        "account closed": update(User).where(col(User.id) == someone.key),
    }
    changes["key expired"] = changes["key revoked"]
    field = {"key revoked": "revoked_at", "key expired": "expires_at"}.get(lost, "disabled_at")
    async with Sockets(fleet, key) as sockets:
        async with db.write() as tx:
            await tx.execute(changes[lost].values({field: now()}))
        async with asyncio.timeout(WITHIN):
            for answer in await fleet_answers(fleet, key, "{ viewer { name } }"):
                assert answer.status_code == 401, answer.text
            codes = await asyncio.gather(*map(closing_code, sockets.all))
        assert codes == [FORBIDDEN] * SERVERS


async def test_what_is_shared_no_more_is_told_nowhere(fleet: Fleet, db: Database) -> None:
    guest = a_user()
    async with db.read() as tx:
        experiment_key = (await tx.scalars(select(col(Experiment.id)))).one()
    await save(db, guest, a_grant(Row(Experiment, {"id": experiment_key}), guest))
    async with db.write() as tx:
        key = await issue(tx, guest.key, "test")
    async with Sockets(fleet, key) as sockets:
        await sockets.follow(ADDED)
        async with db.write() as tx:
            await tx.execute(delete(Collaborator).where(col(Collaborator.user_key) == guest.key))
        async with asyncio.timeout(WITHIN):
            told = await sockets.told()
            answers = await fleet_answers(fleet, key, "{ experiments { totalCount } }")
    for each in told:
        errors = each["payload"]["errors"] if each["type"] == "next" else each["payload"]
        assert [error["extensions"]["code"] for error in errors] == ["NOT_FOUND"]
    assert [each.json()["data"]["experiments"]["totalCount"] for each in answers] == [0] * SERVERS


async def test_a_key_has_one_budget_at_all_servers(fleet: Fleet, db: Database) -> None:
    key, began, spent = await a_key(db), time.monotonic(), 0
    while True:
        answers = [each.json() for each in await fleet_answers(fleet, key, READ)]
        told = [each["extensions"]["cost"]["actual"] for each in answers if "data" in each]
        spent += sum(told)
        if not told:
            break
    slices = SERVERS * (BUDGET // SLICES)
    assert BUDGET - slices <= spent <= BUDGET + REFILL * (time.monotonic() - began) + slices


async def fleet_answers(fleet: Fleet, key: str, query: str) -> list[httpx2.Response]:
    """Ask every server the same at once."""
    async with httpx2.AsyncClient(headers={"X-API-Key": key}) as http:
        asked = [
            http.post(f"{service.url}/graphql", json={"query": query}) for service in fleet.services
        ]
        return list(await asyncio.gather(*asked))


async def test_due_chores_are_queued_once_in_all_and_no_job_is_kept(
    fleet: Fleet, db: Database
) -> None:
    ticks = text(
        "SELECT count(*), count(DISTINCT defer_timestamp) FROM procrastinate_periodic_defers "
        "WHERE task_name = 'schedules'"
    )
    async with asyncio.timeout(20):
        while True:
            async with db.read() as tx:
                [count, different] = (await tx.execute(ticks)).one()
                old = await tx.scalar(OLD_JOBS)
            assert count == different
            if count and not old:
                return
            await asyncio.sleep(0.2)


def a_server_is_killed(fleet: Fleet, _postgres: Postgres) -> None:
    fleet.kill_server(0)


def a_worker_is_killed(fleet: Fleet, _postgres: Postgres) -> None:
    fleet.kill_worker(0)


def a_worker_is_held_still(fleet: Fleet, _postgres: Postgres) -> None:
    with fleet.worker_held_still(1):
        time.sleep(2 * LEASE)


def the_database_starts_again(_fleet: Fleet, postgres: Postgres) -> None:
    postgres.die()
    postgres.rise()


DISTURBANCES = [
    a_server_is_killed,
    a_worker_is_killed,
    a_worker_is_held_still,
    the_database_starts_again,
]


@pytest.mark.parametrize("disturb", DISTURBANCES, ids=lambda each: each.__name__)
def test_exports_and_records_come_to_what_they_would_undisturbed(
    fleet: Fleet, postgres: Postgres, undisturbed: dict[str, Any], disturb: Disturbance
) -> None:
    _come_to_the_same(fleet, postgres, undisturbed, [disturb])


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_they_do_whatever_happens_for_minutes(
    fleet: Fleet, postgres: Postgres, undisturbed: dict[str, Any]
) -> None:
    for _ in range(10):
        _come_to_the_same(fleet, postgres, undisturbed, CHANCE.choices(DISTURBANCES, k=3))


def _come_to_the_same(
    fleet: Fleet, postgres: Postgres, undisturbed: dict[str, Any], what: list[Disturbance]
) -> None:
    """Have things happen while exports are written and records are sent, then look at all."""
    snapshot = undisturbed["manifest"]["recipe"]["snapshot"]
    other = fleet.services[1]
    with Traffic(fleet.services[0]).going_on() as traffic:
        traffic.wait_for_more()
        named = [f"export {next(NUMBERS)}" for _ in range(EXPORTS)]
        asked = [other.export(snapshot, idempotencyKey=each) for each in named]
        until(partial(_has_begun, other, asked[0]))
        assert other.look(asked[-1])["status"] != "COMPLETED"
        for disturb in what:
            disturb(fleet, postgres)
        again = [other.export(snapshot, idempotencyKey=each) for each in named]
        assert again == asked
        hashes = {other.completed(each)["sha256"] for each in asked}
        traffic.wait_for_more()
    assert hashes == {undisturbed["sha256"]}
    until(partial(_nothing_is_left, postgres, fleet.services[0].database))


def _has_begun(service: Service, export_id: str) -> None:
    if service.look(export_id)["status"] == "CREATED":
        raise Away


def _nothing_is_left(postgres: Postgres, url: str) -> None:
    """Raise Away while any job, or any export, waits or is held by anybody."""
    left = postgres.asked(
        "SELECT (SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'exports') + "
        "(SELECT count(*) FROM export WHERE status IN ('CREATED', 'RUNNING', 'CANCELING') "
        f"AND worker IS DISTINCT FROM '{ELSEWHERE}')",
        url=url,
    )
    if left:
        raise Away


def test_the_tables_of_the_queue_are_those_of_the_version_that_is_installed() -> None:
    """If not, a migration must bring what procrastinate's own migrations bring."""
    installed = (resources.files("procrastinate.sql") / "schema.sql").read_text("utf-8")
    assert QUEUE.read_text("utf-8").endswith(installed)
