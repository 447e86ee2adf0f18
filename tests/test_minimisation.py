"""What an experiment does not collect of its participants is stored by no way in."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from server.db import Database
from server.migrate import migrate
from server.records.experiments import Experiment
from server.records.participants import Participant
from tests.conftest import Api
from tests.factories import Row
from tests.packages import imported, repacked
from tests.retained import Lab
from tests.warm_worker import ZIP, Worker, exported

pytestmark = pytest.mark.anyio

COLLECT = """mutation($id: ID!, $fields: [ParticipantField!]) {
  done: experimentUpdate(id: $id, input: {fieldsNotCollected: $fields}) {
    experiment { fieldsNotCollected } userErrors { code } } }"""
ADD = """mutation($input: ParticipantInput!) { done: participantUpsert(input: $input) {
  participant { email ipAddress userAgent role } userErrors { code } } }"""


@pytest.fixture
async def lab(any_api: Api, tmp_path: Path) -> Lab:
    return await Lab(any_api, tmp_path).save()


async def known(db: Database) -> set[tuple[Any, ...]]:
    asked = select(col(Participant.email), col(Participant.ip_address), col(Participant.user_agent))
    async with db.read() as tx:
        return {tuple(row) for row in await tx.execute(asked)}


async def test_what_is_not_collected_is_emptied_and_not_stored(lab: Lab) -> None:
    person = {
        "roomId": lab.rooms[0]["room_id"],
        "participantId": "somebody",
        "email": "x@y.z",
        "ipAddress": "::1",
        "userAgent": "Browser",
        "role": "guest",
    }
    await lab.api.ask(ADD, lab.key, input=person)

    told = await lab.asked(COLLECT, id=lab.id, fields=["EMAIL", "IP_ADDRESS"])
    assert told == {"fieldsNotCollected": ["EMAIL", "IP_ADDRESS"]}
    assert await known(lab.db) == {(None, None, None), (None, None, "Browser")}
    for participant_id in ("somebody", "another"):
        done = await lab.api.ask(ADD, lab.key, input={**person, "participantId": participant_id})
        assert done["done"]["participant"] == {
            "email": None,
            "ipAddress": None,
            "userAgent": "Browser",
            "role": "guest",
        }
    assert await lab.asked(COLLECT, id=lab.id, fields=[]) == {"fieldsNotCollected": []}
    done = await lab.api.ask(ADD, lab.key, input=person)
    assert done["done"]["participant"]["email"] == "x@y.z"


async def test_a_package_says_what_was_not_collected_and_an_import_obeys(
    api: Api, worker: Worker, tmp_path: Path
) -> None:
    lab = await Lab(api, tmp_path).save()
    chosen = [Row(Experiment, {"id": lab.experiment.key})]
    made = await exported(worker, lab.db, tmp_path / "out", experiments=chosen, packaging=ZIP)

    def leave_out(metadata: bytes) -> bytes:
        said = json.loads(metadata)
        [experiment] = said["experiments"]
        assert experiment["fieldsNotCollected"] == []
        experiment["fieldsNotCollected"] = ["EMAIL"]
        return json.dumps(said).encode()

    package = repacked(made.path, {"metadata.json": leave_out})
    there = Database(f"sqlite+aiosqlite:///{tmp_path}/there.db")
    try:
        await migrate(there)
        await imported(there, package)
        assert await known(there) == {(None, None, None)}
    finally:
        await there.close()
