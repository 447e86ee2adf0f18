"""Budgets: what a key may spend, whichever servers it asks."""

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.api_keys import issue
from server.db import Database
from server.errors import Throttled
from server.limits.bucket import SECOND, Bucket
from server.limits.budgets import SLICES, BudgetHolder, Budgets
from tests.conftest import Api, answering, free_port, opened
from tests.factories import a_user, an_experiment, save

pytestmark = pytest.mark.anyio

SOMEBODY, ANYBODY = BudgetHolder(1, 1), BudgetHolder(2)
TWENTY = "{ experiments(first: 18) { nodes { id } } }"
"""What may cost twenty points, and costs three."""


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * SECOND

    def __call__(self) -> int:
        return self.now


async def is_taken(budgets: Budgets, points: int, holder: BudgetHolder = SOMEBODY) -> bool:
    try:
        await budgets.take(holder, points)
    except Throttled:
        return False
    return True


async def test_what_is_spent_comes_back_as_time_goes_by(db: Database) -> None:
    clock = Clock()
    budgets = Budgets(db, Bucket(100, 10), clock)

    assert [await is_taken(budgets, 60), await is_taken(budgets, 60)] == [True, False]
    assert budgets.left(SOMEBODY) == 40
    with pytest.raises(Throttled, match=r"2\.0 seconds") as told:
        await budgets.take(SOMEBODY, 60)
    assert (told.value.milliseconds, told.value.seconds) == (2000, 2)
    clock.now += 2 * SECOND
    assert await is_taken(budgets, 60)
    assert await is_taken(budgets, 100, ANYBODY)  # somebody else's is their own
    clock.now += 3600 * SECOND
    assert budgets.left(SOMEBODY) == 100


async def test_what_may_cost_very_much_needs_a_tenth_and_pays_for_the_rest_later(
    db: Database,
) -> None:
    clock = Clock()
    budgets = Budgets(db, Bucket(100, 10), clock)
    assert await budgets.reserve(SOMEBODY, 1_000_000) == 10
    budgets.settle(SOMEBODY, 10, 130)
    assert budgets.left(SOMEBODY) == 0
    clock.now += 3 * SECOND
    assert not await is_taken(budgets, 1)
    clock.now += 5 * SECOND
    assert await is_taken(budgets, 1)


async def test_what_was_not_needed_is_given_back(db: Database) -> None:
    budgets = Budgets(db, Bucket(100, 10), Clock())
    await budgets.take(SOMEBODY, 100)
    budgets.settle(SOMEBODY, 70, 0)
    assert budgets.left(SOMEBODY) == 70


async def test_another_server_knows_what_was_spent_but_for_a_slice(db: Database) -> None:
    clock = Clock()
    here, there = (Budgets(db, Bucket(100, 10), clock) for _ in range(2))
    assert await is_taken(here, 80)
    assert [await is_taken(there, 30), await is_taken(there, 20)] == [False, True]
    assert there.left(SOMEBODY) == 0


async def test_what_one_server_gives_back_another_can_spend(db: Database) -> None:
    clock = Clock()
    here, there = (Budgets(db, Bucket(100, 1), clock) for _ in range(2))
    assert await is_taken(here, 100)
    assert not await is_taken(there, 50)
    here.settle(SOMEBODY, 90, 0)
    assert await is_taken(here, 6)
    for _ in range(100):  # it is told in the background
        clock.now += 2 * SECOND
        if await is_taken(there, 50):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("what was given back was never told")


async def test_a_clock_that_was_put_back_locks_nobody_out(db: Database) -> None:
    clock = Clock()
    before = Budgets(db, Bucket(100, 10), clock)
    assert await is_taken(before, 100)
    clock.now -= 3600 * SECOND
    for server in before, Budgets(db, Bucket(100, 10), clock):
        assert await is_taken(server, 40)


async def test_while_the_database_cannot_be_written_each_server_goes_on_by_itself(
    db: Database,
) -> None:
    budgets = Budgets(db, Bucket(100, 1), Clock())
    async with db.write():
        with patch("server.limits.budgets.PATIENCE_SECONDS", 0.05):
            assert [await is_taken(budgets, 90), await is_taken(budgets, 20)] == [True, False]
    for _ in range(100):  # it is told as soon as it can be
        if not await is_taken(Budgets(db, Bucket(100, 1), Clock()), 20):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("what was spent was never told")


Steps = st.lists(
    st.tuples(
        st.integers(0, 1),  # which server
        st.integers(1, 120),  # how much is asked for
        st.integers(0, 100),  # how much of it is given back, in percent
        st.integers(0, 2 * SECOND),  # how long it takes to ask again
    ),
    max_size=60,
)


@given(Steps)
@settings(max_examples=40, deadline=None)
async def test_two_servers_give_out_no_more_than_the_bucket_its_refill_and_a_slice_each(
    migrated_file: Path, steps: list[tuple[int, int, int, int]]
) -> None:
    bucket, clock = Bucket(100, 10), Clock()
    began = clock.now
    async with a_database(migrated_file) as db:
        servers = [Budgets(db, bucket, clock) for _ in range(2)]
        spent = 0
        for server, points, percent, pause in steps:
            if await is_taken(servers[server], points):
                back = points * percent // 100
                servers[server].settle(SOMEBODY, points, points - back)
                spent += points - back
            refilled = (clock.now - began) * bucket.refill // SECOND
            assert spent <= bucket.size + refilled + 2 * (bucket.size // SLICES + 1)
            clock.now += pause


async def test_two_processes_share_a_budget(tmp_path: Path, migrated_file: Path) -> None:
    shutil.copyfile(migrated_file, tmp_path / "hyperdata.db")
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/hyperdata.db")
    owner = a_user()
    await save(db, owner, *(an_experiment(owner) for _ in range(20)))
    async with db.write() as tx:
        key = await issue(tx, owner.key, "test", ("*",))
    await db.close()
    most = {"HYPERDATA_BUDGET": "1000", "HYPERDATA_BUDGET_REFILL": "1"}
    ports = (free_port(), free_port())
    began, spent = time.monotonic(), 0
    with ExitStack() as running:
        for port in ports:
            command = ("serve", "--port", str(port), "--data-dir", str(tmp_path))
            running.enter_context(answering(port, *command, environment=most))
        while True:
            answers = [
                httpx2.post(
                    f"http://127.0.0.1:{port}/graphql",
                    json={"query": TWENTY},
                    headers={"X-API-Key": key},
                ).json()
                for port in ports
            ]
            told = [answer["extensions"]["cost"] for answer in answers if "data" in answer]
            spent += sum(cost["actual"] for cost in told)
            if not told:
                break
        refilled = time.monotonic() - began

    slices = 2 * (1000 // SLICES)
    assert 1000 - slices <= spent <= 1000 + refilled + slices


@asynccontextmanager
async def a_database(migrated: Path) -> AsyncGenerator[Database]:
    with TemporaryDirectory() as folder:
        shutil.copyfile(migrated, f"{folder}/test.db")
        db = Database(f"sqlite+aiosqlite:///{folder}/test.db")
        yield db
        await db.close()


async def _strict(api: Api) -> tuple[str, str]:
    owner = a_user()
    await save(api.db, owner, an_experiment(owner))
    return await api.key_of(owner.key), await api.key_of(owner.key)


@pytest.fixture
async def strict(tmp_path: Path, any_url: str) -> AsyncGenerator[Api]:
    """A server where a key may spend a hundred points, and one comes back in ten seconds or so."""
    async with opened(tmp_path, database_url=any_url, budget=100, budget_refill=1) as api:
        yield api


async def test_every_answer_says_what_it_cost_and_what_is_left(strict: Api) -> None:
    key, other = await _strict(strict)
    costs = [(await strict.post(TWENTY, key)).json()["extensions"]["cost"] for _ in range(3)]
    # the first time as any document, then as a known one
    assert costs[0] == {"requested": 20, "actual": 3, "available": 97, "restoreRate": 1}
    assert [cost["available"] for cost in costs] == pytest.approx([97, 94, 91], abs=1)
    assert (await strict.post(TWENTY, other)).json()["extensions"]["cost"]["available"] == 97

    [limit] = (await strict.ask("{ rateLimit { limit remaining cost restoreRate } }", key)).values()
    assert limit == {"limit": 100, "remaining": limit["remaining"], "cost": 2, "restoreRate": 1}
    assert limit["remaining"] == pytest.approx(89, abs=2)


async def test_who_has_spent_it_is_told_when_to_ask_again(strict: Api) -> None:
    key, other = await _strict(strict)
    answers: list[dict[str, Any]] = []
    for i in range(60):
        answers.append(
            (
                await strict.post(
                    f"{{ a{i % 2}: experiments(first: 88) {{ nodes {{ id }} }} }}", key
                )
            ).json()
        )
        if "errors" in answers[-1]:
            break
    [error] = answers[-1]["errors"]
    assert error["extensions"]["code"] == "THROTTLED"
    assert 0 < error["extensions"]["retryAfterMs"] <= 100_000
    assert answers[-1].get("data") is None
    await strict.ask(TWENTY, other)  # another key has a budget of its own


async def test_a_document_that_is_not_valid_costs_a_point(strict: Api) -> None:
    key, _ = await _strict(strict)
    answer = (await strict.post("{ experiments(first: 50) { nodes { nothing } } }", key)).json()
    assert answer["extensions"]["cost"]["actual"] == 1
    assert answer["extensions"]["cost"]["available"] == 99


async def test_without_a_budget_nothing_is_counted(api: Api, tmp_path: Path) -> None:
    async with opened(tmp_path, budget=0) as free:
        key, _ = await _strict(free)
        assert (await free.ask("{ rateLimit { limit } }", key)) == {"rateLimit": None}
        cost = (await free.post(TWENTY, key)).json()["extensions"]["cost"]
        assert cost == {"requested": 20, "actual": 3}
