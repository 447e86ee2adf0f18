"""An empty database with one room of four, made by the server's own migrations."""

import asyncio
from pathlib import Path

from sqlalchemy import insert

from bench.ingest.samples import PEOPLE, ROOM, START
from server.api_keys import issue
from server.db import Database
from server.migrate import migrate
from server.records.experiments import Experiment
from server.records.participants import Participant
from server.records.rooms import Room
from server.records.users import User


def made(folder: Path) -> str:
    """Make the database in a data folder; return an API key of the experiment's owner."""
    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(_made(folder))


async def _made(folder: Path) -> str:
    db = Database(f"sqlite+aiosqlite:///{folder}/hyperdata.db")
    await migrate(db)
    user = {"id": 1, "user_id": "usr_bench", "name": "Bench", "role": "RESEARCHER"}
    experiment = {"id": 1, "experiment_id": "exp_bench", "name": "Bench", "status": "ACTIVE"}
    room = {"id": 1, "room_id": ROOM, "status": "ACTIVE", "experiment_start": START}
    people = [
        {
            "id": n,
            "participant_id": person,
            "status": "ACTIVE",
            "experiment_key": 1,
            "room_key": 1,
        }
        for n, person in enumerate(PEOPLE, 1)
    ]
    async with db.write() as tx:
        await tx.execute(insert(User), [{**user, "created_at": START}])
        times = {"created_at": START, "updated_at": START, "owner_key": 1, "roles": []}
        switches = {"participants_may_request_data": False}
        await tx.execute(insert(Experiment), [{**experiment, **times, **switches}])
        await tx.execute(insert(Room), [{**room, "experiment_key": 1}])
        await tx.execute(insert(Participant), people)
        key = await issue(tx, 1, "bench", ["*"])
    await db.close()
    return key
