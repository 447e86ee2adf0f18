"""Retention to test: an owner's experiment with data of every kind, and a clock of the test's."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Row as Stored
from sqlalchemy import func, select
from sqlmodel import col

from server.db import Database
from server.global_ids import global_id
from server.records import RecordType
from server.records.exports import Export
from server.records.recordings import Recording
from server.records.retention import RetentionStep
from server.resolvers.retaining import Retention
from server.retention import deletion
from server.retention.timetable import DAY
from server.settings import Settings
from server.storage import Storage
from server.timestamps import Timestamp, now
from tests.conftest import Api
from tests.factories import (
    A_RECORD,
    a_participant,
    a_room,
    a_user,
    an_experiment,
    in_quarantine,
    save,
)

POLICY = """deleteAfterDays deleteAt mediaDays archiveAfterDays reminderDays legalHold
  deletesDataAt deletesMediaAt archivesAt"""
PAYLOAD = f"""experiment {{ id status completedAt retention {{ {POLICY} }}
  legalHold {{ reason setBy setAt }} archive {{ archivedAt exportId sha256 fileSize }} }}
  userErrors {{ field code message }}"""
SET = f"""mutation($id: String!, $input: RetentionInput!) {{
  done: retentionSet(experimentId: $id, input: $input) {{ {PAYLOAD} }} }}"""
ARCHIVE = f"mutation($id: ID!) {{ done: experimentArchive(id: $id) {{ {PAYLOAD} }} }}"
UPDATE = f"""mutation($id: ID!, $input: ExperimentInput!) {{
  done: experimentUpdate(id: $id, input: $input) {{ {PAYLOAD} }} }}"""
PREVIEW = """query($id: String!, $input: RetentionInput) {
  retentionPreview(experimentId: $id, input: $input) { legalHold forecasts {
    action dueAt firstNoticeAt lastNoticeAt beginsAt recordCounts { dataType count }
    participantCount roomCount quarantinedCount exportCount mediaCount mediaBytes } } }"""
ACTIONS = """query($id: String!) { experiment(experimentId: $id) {
  auditLog(first: 100) { nodes { action resource reason userAgent } } } }"""
FILE = b"x" * 1000


class Lab:
    """An experiment of two rooms, with four people and records of every type, some with files.

    `ahead` is by how much the clock of `retention` is ahead of everybody's, in ms.
    """

    def __init__(self, api: Api, folder: Path, storage: Storage | None = None) -> None:
        self.api = api
        self.db = api.db
        self.storage = storage or Storage(Settings(data_dir=folder).storage)
        self.owner = a_user()
        self.experiment = an_experiment(self.owner)
        self.rooms = [a_room(self.experiment) for _ in range(2)]
        self.people = [a_participant(room, email="a@b.c") for room in self.rooms for _ in range(2)]
        self.records = [A_RECORD[kind](each) for kind in RecordType for each in self.people]
        self.key = ""
        self.ahead = 0

    async def save(self) -> "Lab":
        aside = in_quarantine(self.owner, experiment_key=self.experiment.key)
        for record in self.records:
            if record.model is Recording:
                record |= {"storage_key": f"recordings/{record.key}.webm", "file_size": len(FILE)}
                await self.storage.put(record["storage_key"], FILE)
        await save(self.db, self.owner, self.experiment, *self.rooms, *self.people)
        await save(self.db, *self.records, aside)
        self.key = await self.api.key_of(self.owner.key)
        return self

    @property
    def id(self) -> str:
        return global_id("Experiment", self.experiment.key)

    @property
    def public_id(self) -> str:
        return str(self.experiment["experiment_id"])

    async def asked(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the experiment after a mutation, which must succeed."""
        done = (await self.api.ask(document, self.key, **variables))["done"]
        assert done["userErrors"] == []
        experiment: dict[str, Any] = done["experiment"]
        return experiment

    async def refused(self, document: str, **variables: Any) -> tuple[str, str]:
        done = (await self.api.ask(document, self.key, **variables))["done"]
        [error] = done["userErrors"]
        return error["code"], ".".join(error["field"] or [])

    async def keep(self, **policy: Any) -> dict[str, Any]:
        return await self.asked(SET, id=self.public_id, input=policy)

    async def complete(self) -> dict[str, Any]:
        return await self.asked(UPDATE, id=self.id, input={"status": "COMPLETED"})

    async def preview(self, **policy: Any) -> dict[str, Any]:
        given = {"input": policy} if policy else {}
        data = await self.api.ask(PREVIEW, self.key, id=self.public_id, **given)
        preview: dict[str, Any] = data["retentionPreview"]
        return preview

    def clock(self) -> Timestamp:
        return Timestamp(now() + self.ahead)

    def retention(self, db: Database | None = None, **options: Any) -> Retention:
        """Return another server's chore."""
        return Retention(db or self.db, self.storage, lambda: None, self.clock, **options)

    async def at(self, days: float, **options: Any) -> Any:
        """Have a server look, and do what it finds, so many days from now."""
        self.ahead = int(days * DAY)
        await self.retention(**options)(asyncio.Event())
        return await self.step()

    async def step(self, action: str = "DELETE_DATA") -> Any:
        here = col(RetentionStep.experiment_key) == self.experiment.key
        async with self.db.read() as tx:
            found = select(RetentionStep).where(here, col(RetentionStep.action) == action)
            return (await tx.execute(found)).one_or_none()

    async def left(self) -> dict[str, int]:
        """Return how many rows there are of each table that holds any, and how many files."""
        counts: dict[str, int] = {}
        async with self.db.read() as tx:
            for model, title in deletion._TITLES:
                count = await tx.scalar(select(func.count()).select_from(model)) or 0
                if count:
                    counts[title] = count
        if files := await self.storage.keys("recordings"):
            counts["files"] = len(files)
        return counts

    async def export(self, key: int) -> Stored[Any]:
        async with self.db.read() as tx:
            return (await tx.execute(select(Export).where(col(Export.id) == key))).one()

    async def actions(self) -> list[tuple[str, str | None]]:
        """Return what the audit log says was done, the oldest first."""
        data = await self.api.ask(ACTIONS, self.key, id=self.public_id)
        nodes = data["experiment"]["auditLog"]["nodes"]
        return [(node["action"], node["resource"]) for node in nodes][::-1]


async def run(folder: str, url: str, ahead: int) -> None:
    """Be a server that does what is due, some rows at a time, until all is done."""
    db, storage = Database(url), Storage(Settings(data_dir=Path(folder)).storage)
    retention = Retention(db, storage, lambda: None, lambda: Timestamp(now() + ahead), 50)
    sys.stdout.write("up\n")
    sys.stdout.flush()
    await retention(asyncio.Event())
    await db.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
