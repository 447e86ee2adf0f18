"""Queries are read from a streaming replica, and see no less than the database would show."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from server.cli import app
from server.db import Database
from server.migrate import migrate
from server.settings import Settings
from tests.conftest import Api, opened
from tests.factories import Row, a_user, an_experiment, save
from tests.postgres import Server, running
from tests.standby import Standby, following

pytestmark = pytest.mark.anyio

NAMES = "query Names { experiments(first: 50) { edges { node { id name } } } }"
COUNTS = "{ experiments(first: 1) { edges { node { dataSummary { recordCount } } } } }"
GROUPS = "{ userGroups(first: 100) { edges { node { name } } } }"
MAKE_GROUP = """mutation ($name: String!) {
  userGroupCreate(input: {name: $name}) { group { id } userErrors { message } }
}"""
SHARE = """mutation ($experimentId: String!, $userId: String!) {
  collaboratorGrant(experimentId: $experimentId, input: {userId: $userId}) {
    collaborator { id } userErrors { message }
  }
}"""
TAKE_BACK = "mutation ($id: ID!) { collaboratorRevoke(id: $id) { userErrors { message } } }"


@pytest.fixture(scope="module")
def primary() -> Generator[Server]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def url(primary: Server) -> str:
    """An address of a migrated database that has on disk what it acknowledges."""

    async def made(url: str) -> None:
        db = Database(url)
        await migrate(db)
        await db.close()

    lasting = primary.lasting()
    asyncio.run(made(lasting))
    return lasting


@pytest.fixture(scope="module")
def standby(primary: Server, url: str) -> Generator[Standby]:
    with following(primary) as server:
        yield server


class Lab:
    """A server with a replica, an owner who asks, and how its queries were answered."""

    def __init__(self, api: Api, key: str, experiment: Row, guest: tuple[str, str]) -> None:
        self.api, self.key, self.experiment = api, key, experiment
        self.guest_id, self.guest_key = guest
        self._before = dict.fromkeys(("answered", "behind", "left_alone", "away"), 0.0)
        self._before = self.outcomes()

    def outcomes(self) -> dict[str, float]:
        """Return how many queries had which outcome."""
        name = "hyperdata_replica_queries_total"
        return {
            outcome: (REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0.0) - before
            for outcome, before in self._before.items()
        }

    async def names(self, key: str | None = None) -> list[str]:
        answer = await self.api.ask(NAMES, key or self.key)
        return [edge["node"]["name"] for edge in answer["experiments"]["edges"]]

    async def done(self, mutation: str, **variables: Any) -> dict[str, Any]:
        [payload] = (await self.api.ask(mutation, self.key, **variables)).values()
        assert payload["userErrors"] == []
        result: dict[str, Any] = payload
        return result

    async def answered_again(self) -> None:
        """Wait until the replica answers."""
        before = self.outcomes()["answered"]
        async with asyncio.timeout(20):
            while self.outcomes()["answered"] == before:
                await asyncio.sleep(0.2)
                await self.names()


@asynccontextmanager
async def lab(folder: Path, url: str, replica_url: str, **settings: Any) -> AsyncGenerator[Lab]:
    settings = {"replica_patience_seconds": 1, **settings}
    async with opened(folder, database_url=url, replica_url=replica_url, **settings) as api:
        owner, guest = a_user(), a_user()
        experiment = an_experiment(owner)
        await save(api.db, owner, guest, experiment)
        keys = [await api.key_of(each.key) for each in (owner, guest)]
        yield Lab(api, keys[0], experiment, (guest["user_id"], keys[1]))


@pytest.fixture
async def with_replica(tmp_path: Path, url: str, standby: Standby) -> AsyncGenerator[Lab]:
    async with lab(tmp_path, url, standby.of(url)) as made:
        yield made


@asynccontextmanager
async def locked(url: str, standby: Standby, table: str) -> AsyncGenerator[None]:
    """Keep readers of a table waiting, here and, by what is replayed, at the replica."""
    connection: Any = await asyncpg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            await asyncio.to_thread(standby.wait_for_lock, url)
            yield
    finally:
        await connection.close()


async def test_queries_are_read_from_the_replica_and_changes_made_elsewhere(
    with_replica: Lab, standby: Standby
) -> None:
    lab = with_replica

    assert await lab.names() == [lab.experiment["name"]]
    seen = standby.count("FROM experiment")
    await lab.api.ask(COUNTS, lab.key)
    await lab.done(MAKE_GROUP, name="made")

    assert seen > 0
    assert standby.count("FROM tally") > 0
    assert lab.outcomes() == {"answered": 2, "behind": 0, "left_alone": 0, "away": 0}
    assert standby.count("api_key") == 0  # who asks is looked up where nothing is late


async def test_what_was_done_is_seen_while_the_replica_is_behind(
    with_replica: Lab, standby: Standby
) -> None:
    lab = with_replica
    shared = {"experimentId": lab.experiment["experiment_id"], "userId": lab.guest_id}
    grant = (await lab.done(SHARE, **shared))["collaborator"]["id"]
    assert await lab.names(lab.guest_key) == [lab.experiment["name"]]
    await asyncio.to_thread(standby.fall_behind)
    try:
        await lab.done(TAKE_BACK, id=grant)
        await lab.done(MAKE_GROUP, name="written while it was behind")
        groups = await lab.api.ask(GROUPS, lab.key)
        for_the_guest = await lab.names(lab.guest_key)
        outcomes = lab.outcomes()
    finally:
        await asyncio.to_thread(standby.catch_up)

    assert "written while it was behind" in [
        edge["node"]["name"] for edge in groups["userGroups"]["edges"]
    ]
    assert for_the_guest == []
    assert outcomes == {"answered": 1, "behind": 1, "left_alone": 1, "away": 0}
    await lab.answered_again()


async def test_everybody_reads_what_was_done_before_while_much_is_written(
    with_replica: Lab,
) -> None:
    lab = with_replica

    async def write_and_read(writer: int) -> None:
        for n in range(10):
            name = f"of {writer}, {n}"
            await lab.done(MAKE_GROUP, name=name)
            groups = await lab.api.ask(GROUPS, lab.key)
            assert name in [edge["node"]["name"] for edge in groups["userGroups"]["edges"]]

    await asyncio.gather(*map(write_and_read, range(6)))

    outcomes = lab.outcomes()
    assert sum(outcomes.values()) == 60
    assert outcomes["answered"] > 30, outcomes


async def test_a_replica_that_hangs_or_dies_is_not_waited_for(
    with_replica: Lab, url: str, standby: Standby
) -> None:
    lab = with_replica
    expected = [lab.experiment["name"]]
    assert await lab.names() == expected

    with ExitStack() as stack:
        async with locked(url, standby, "experiment"):
            asking = asyncio.create_task(lab.names())
            await asyncio.sleep(0.5)  # by now it waits, at the replica
            assert not asking.done()
            stack.enter_context(standby.hanging())
        assert await asking == expected
        assert await lab.names() == expected
    await lab.answered_again()

    async with locked(url, standby, "experiment"):
        asking = asyncio.create_task(lab.names())
        await asyncio.sleep(0.5)
        await asyncio.to_thread(standby.die)
    try:
        assert await asking == expected
        assert [await lab.names() for _ in range(3)] == [expected] * 3
        await lab.api.ask(COUNTS, lab.key)
    finally:
        await asyncio.to_thread(standby.rise)
    await lab.answered_again()


async def test_what_is_no_replica_of_the_database_is_not_read_from(
    tmp_path: Path, url: str, postgres_url: str, standby: Standby
) -> None:
    async with lab(tmp_path / "itself", url, url) as made:
        assert await made.names() == [made.experiment["name"]]
        assert made.outcomes()["away"] == 1
    async with lab(tmp_path / "elsewhere", postgres_url, standby.of(url)) as made:
        assert await made.names() == [made.experiment["name"]]
        assert made.outcomes()["away"] == 1


async def test_doctor_says_whether_a_replica_is_read_from(
    tmp_path: Path, url: str, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def findings(replica_url: str) -> list[str]:
        monkeypatch.setenv("HYPERDATA_REPLICA_URL", replica_url)
        ended = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--json"])
        found = json.loads(ended.stdout)["findings"]
        return [f"{each['level']}: {each['message']}" for each in found if "replica" in str(each)]

    monkeypatch.setenv("HYPERDATA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HYPERDATA_DATABASE_URL", url)
    monkeypatch.setenv("HYPERDATA_EXPORT_WORKERS", "0")

    assert await findings(standby.of(url)) == [
        "ok: It has all that is committed: queries are read from it."
    ]
    [wrong] = await findings(url)
    assert wrong.startswith(
        "warning: Queries are not read from it. It follows another server, or none."
    )


def test_a_replica_of_sqlite_is_refused() -> None:
    with pytest.raises(ValidationError, match="is for PostgreSQL"):
        Settings(replica_url="postgresql+asyncpg://host/name")
