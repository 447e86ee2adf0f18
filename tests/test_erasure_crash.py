"""A server killed in the middle of an erasure: the next one ends where it would have ended."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from sqlmodel import col

from server.erasure.receipts import holds
from server.links import Signer
from server.records.erasures import Erasure
from server.storage import Storage
from tests.conftest import Api, opened
from tests.erasing import (
    IDENTIFIERS,
    LOOK,
    PERSON,
    Planted,
    left_in_files,
    left_in_tables,
    rows_of,
)
from tests.factories import (
    Row,
    a_chat_message,
    a_continuous_rating,
    a_recording,
    save,
)
from tests.live_server import Server

pytestmark = pytest.mark.anyio

KILLED_IN = (2, 4, 8, 11)
"""In which step, at the earliest, a server is killed: records, files, mentions, once more."""

RATINGS = 2_500
FILES = 10
CHANCE = Random(7)


async def many(planted: Planted) -> None:
    """Give the person enough to take some seconds, and the partner much that names them."""
    storage: Storage = planted.api.app.state.services.storage
    ratings = [a_continuous_rating(planted.person, onset=n) for n in range(RATINGS)]
    said = [a_chat_message(planted.partner, content=f"{n} {PERSON}", onset=n) for n in range(500)]
    recordings: list[Row] = []
    for n in range(FILES):
        recordings.append(a_recording(planted.person, storage_key=f"recordings/x{n}.webm"))
        await storage.put(f"recordings/x{n}.webm", b"x" * (n + 1))
    await save(planted.api.db, *ratings, *said, *recordings)


async def test_kills_at_random_moments_change_no_count(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/hyperdata.db"
    async with opened(tmp_path, database_url=url, erasure_grace_days=0) as api:
        planted = Planted(api, tmp_path)
        await planted.save()
        await many(planted)

        def others(model: Any) -> Any:
            keys = (planted.person.key, planted.again.key)
            return col(model.participant_key).not_in(keys)

        before = await rows_of(api.db, others)
        erasure = await planted.confirmed()
        server = Server(tmp_path, url)
        steps: list[int] = []
        for step in KILLED_IN:
            await server.start()
            await reached(api, step)
            await asyncio.sleep(CHANCE.uniform(0, 0.2))
            await server.kill()
            steps.append(await step_of(api))
        await server.start()
        try:
            done = await over(server, planted.key, erasure)
        finally:
            server.close()

        assert steps == sorted(steps)
        gone = done["receipt"]["deleted"]
        assert Counter(gone["records"]) == Counter(
            {
                **dict.fromkeys(gone["records"], 2),
                "CONTINUOUS_RATINGS": 2 + RATINGS,
                "RECORDINGS": 3 + FILES,
                "CHAT_MESSAGES": 3,
                "EVENTS": 3,
            }
        )
        assert done["removedCount"] == done["totalCount"] == 17 + RATINGS + FILES
        assert gone["mediaFiles"] == FILES + 1
        assert gone["participants"] == 2
        assert done["receipt"]["tombstones"]["ChatMessage"] == 3 + 500
        kept = tmp_path / "secret"
        assert holds(done["receipt"], Signer(kept.read_text(), 1))
        assert await left_in_tables(api.db, PERSON) == []
        assert left_in_files(tmp_path, *IDENTIFIERS) == []
        after = await rows_of(api.db, others)
        assert {name: len(rows) for name, rows in after.items()} == {
            name: len(rows) for name, rows in before.items()
        }


async def step_of(api: Api) -> int:
    async with api.db.read() as tx:
        return await tx.scalar(select(col(Erasure.step))) or 0


async def reached(api: Api, step: int) -> None:
    """Wait until an erasure has come to a step."""
    for _ in range(6_000):
        if await step_of(api) >= step:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"It never came to step {step}.")


async def over(server: Server, key: str, erasure: str) -> dict[str, Any]:
    """Return an erasure once it is completed."""
    body = {"query": LOOK, "variables": {"id": erasure}}
    async with httpx2.AsyncClient() as http:
        for _ in range(600):
            answer = await http.post(
                f"{server.address}/graphql", json=body, headers={"X-API-Key": key}
            )
            found: dict[str, Any] = json.loads(answer.content)["data"]["erasure"]
            if found["status"] == "COMPLETED":
                return found
            await asyncio.sleep(0.1)
    raise AssertionError(found)
