"""Slow operations: what the log tells of them, from either database, and how little they cost."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from server.observing.operations import Operation
from server.observing.slow import MOST_WAITING, SlowOperations
from tests.conftest import opened
from tests.factories import a_participant, a_room, a_user, an_experiment, save

pytestmark = pytest.mark.anyio


async def test_a_slow_operation_is_told_of_with_its_plan_and_no_value(
    tmp_path: Path, any_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    query = """query Slowly($name: String) {
      experiments(filter: {name: {contains: $name}}) {
        nodes { rooms { totalCount nodes { participants { totalCount } } } }
      }
    }"""
    async with opened(tmp_path, database_url=any_url, slow_seconds=0) as api:
        owner = a_user()
        experiment = an_experiment(owner, name="Eve's canary")
        room = a_room(experiment)
        await save(api.db, owner, experiment, room, a_participant(room))
        key = await api.key_of(owner.key)
        for _ in range(2):
            await api.ask(query, key, name="canary")
        change = 'mutation Changing { exportCancel(id: "canary") { userErrors { code } } }'
        await api.ask(change, key)

    lines: list[Any] = [r for r in caplog.records if r.name == "server.observing.slow"]
    told = [(r.operation, r.type, r.outcome) for r in lines]
    assert sorted(told) == [
        ("Changing", "mutation", "OK"),
        *[("Slowly", "query", "OK")] * 2,
    ]
    asked = [r for r in lines if r.operation == "Slowly"]
    for line in asked:
        assert line.loads["experiments"] == line.loads["rooms"] == 1
        assert 0 < line.statement_seconds <= line.seconds
        assert line.statement_count >= 2
        assert "Scan" in str(line.plan) or "SCAN" in str(line.plan) or "SEARCH" in str(line.plan)
        assert not [step for step in line.plan if "not known" in step]
        assert "canary" not in str(line.__dict__)


async def test_plans_are_asked_for_one_at_a_time_and_not_without_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[str] = []
    going_on = asyncio.Event()

    async def explain(text: str, _parameters: int) -> list[str]:
        asked.append(text)
        await going_on.wait()
        if text == "SELECT 1":
            raise ValueError("SELECT 'eve'")
        return ["SCAN"]

    slow = SlowOperations(0, explain)
    for number in range(MOST_WAITING + 2):
        operation = Operation(kind="query", name=f"N{number}")
        operation.asked_of_database(f"SELECT {number % 3}", 0, 1)
        slow.tell(operation, 2)
    await asyncio.sleep(0)
    assert asked == ["SELECT 0"]
    at_once: list[Any] = list(caplog.records)
    assert [(r.operation, r.plan) for r in at_once] == [
        (f"N{number}", []) for number in (MOST_WAITING, MOST_WAITING + 1)
    ]

    going_on.set()
    await slow.close()

    assert sorted(asked) == ["SELECT 0", "SELECT 1", "SELECT 2"]
    plans = {r.statements[0]["sql"]: r.plan for r in caplog.records[2:]}  # type: ignore[attr-defined] # what the line says besides
    assert plans["SELECT 0"] == plans["SELECT 2"] == ["SCAN"]
    assert plans["SELECT 1"][0].startswith("not known: ValueError at ")
    assert "eve" not in caplog.text
    assert {r.levelno for r in caplog.records} == {logging.WARNING}


def test_what_is_kept_of_an_operation_has_a_bound() -> None:
    operation = Operation(kind="query")
    for number in range(1000):
        operation.asked_of_database(f"SELECT {number}", 0, 0.1)
        operation.loaded(f"field{number}", 1)
    assert operation.statement_count == 1000
    assert len(operation.statements) == len(operation.loads) == 64
