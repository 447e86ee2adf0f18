"""Schedules to test: set up over the API, fired at moments of the test's choosing."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Row as Stored
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Database
from server.export.jobs import Exporter
from server.export.plan import planner
from server.export.progress import Hub
from server.export.workers import WORKER
from server.records.exports import Export
from server.resolvers import scheduling
from server.resolvers.scheduling import Scheduler
from server.settings import Settings
from server.storage import Storage
from server.timestamps import Timestamp, parse
from tests.conftest import Api
from tests.factories import Row, a_participant, a_room, a_user, an_event, an_experiment, save
from tests.job_queue import FAKE, running, until

FIELDS = """id name cron timeZone keepLast incremental createdAt nextAt lastAt lastMessage
  requestedBy { userId } exports { totalCount nodes { id status schedule { id } } }"""
CREATE = f"""mutation ($input: ExportScheduleInput!) {{ exportScheduleCreate(input: $input) {{
  schedule {{ {FIELDS} }} userErrors {{ field code message }} }} }}"""
DELETE = """mutation ($id: ID!) { exportScheduleDelete(id: $id) {
  deletedId userErrors { field code message } } }"""
ONE = f"query ($id: ID!) {{ node(id: $id) {{ ... on ExportSchedule {{ {FIELDS} }} }} }}"
LIST = "{ exportSchedules { totalCount nodes { id name } } }"

NEW_YEAR = "0 3 1 1 *"
"""Never while a test runs: the server that answers has a clock of its own."""

YEAR = 366 * 24 * 3600 * 1000


class Lab:
    """An owner's experiment with one event, and a server's exporter and scheduler to be run."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self.db = api.db
        self.owner = a_user()
        self.experiment = an_experiment(self.owner)
        self.room = a_room(self.experiment)
        self.person = a_participant(self.room)
        self.event = an_event(self.person)
        self.key = ""
        self.settings = Settings(data_dir=folder, lease_seconds=600, storage_patience_seconds=0)
        self.act = "write"
        """What the fake worker does with an export: see `tests.fake_worker`."""

    async def save(self) -> "Lab":
        rows = (self.owner, self.experiment, self.room, self.person, self.event)
        await save(self.db, *rows)
        self.key = await self.api.key_of(self.owner.key)
        return self

    @property
    def here(self) -> dict[str, Any]:
        return {"experimentIds": [self.experiment["experiment_id"]], "dataTypes": ["EVENTS"]}

    async def payload(self, key: str | None = None, **changes: Any) -> dict[str, Any]:
        wanted = {"name": "Backup", "cron": NEW_YEAR, "export": self.here, **changes}
        data = await self.api.ask(CREATE, key or self.key, input=wanted)
        payload: dict[str, Any] = data["exportScheduleCreate"]
        return payload

    async def schedule(self, key: str | None = None, **changes: Any) -> dict[str, Any]:
        """Set up a schedule, which must succeed."""
        payload = await self.payload(key, **changes)
        assert payload["userErrors"] == []
        schedule: dict[str, Any] = payload["schedule"]
        return schedule

    async def refusal(self, key: str | None = None, **changes: Any) -> tuple[str, str]:
        payload = await self.payload(key, **changes)
        assert payload["schedule"] is None
        [error] = payload["userErrors"]
        assert error["message"].endswith(".")
        return error["code"], ".".join(error["field"] or [])

    async def delete(self, id_: str, key: str | None = None) -> dict[str, Any]:
        data = await self.api.ask(DELETE, key or self.key, id=id_)
        payload: dict[str, Any] = data["exportScheduleDelete"]
        return payload

    async def look(self, schedule: dict[str, Any]) -> dict[str, Any]:
        """Return a schedule as it stands."""
        data = await self.api.ask(ONE, self.key, id=schedule["id"])
        node: dict[str, Any] = data["node"]
        return node

    async def fire(self, schedule: dict[str, Any]) -> dict[str, Any]:
        """Let the moment come for which a schedule waits; return how it stands then."""
        await self.tick(parse((await self.look(schedule))["nextAt"]))
        return await self.look(schedule)

    async def tick(self, at: int) -> None:
        await self.scheduler(at).tick()

    def scheduler(self, at: int, db: Database | None = None) -> Scheduler:
        """Return another server's scheduler, at a moment."""
        return Scheduler(db or self.db, lambda: None, lambda: Timestamp(at))

    def exporter(self, db: Database, *, real: bool = False) -> Exporter:
        storage = Storage(self.settings.storage)
        plan: Callable[..., Any] = planner(db.url, self.settings) if real else self._plan
        command = WORKER if real else FAKE
        return Exporter(db, storage, Hub(db), self.settings, plan=plan, command=command)

    async def _plan(self, _tx: AsyncConnection, _export: Stored[Any], folder: str) -> object:
        return {
            "title": self.act,
            "storage_url": self.settings.storage,
            "storage_key": f"{folder}/out.csv",
            "file_name": "out.csv",
        }

    async def exports(self) -> list[Any]:
        """Return the rows of all exports, in the order in which they were queued."""
        async with self.db.read() as tx:
            return [*(await tx.execute(select(Export).order_by(col(Export.id)))).all()]

    async def finished(self, *, real: bool = False) -> list[Any]:
        """Have all that is queued written, and return the rows of all exports."""
        async with running(self.exporter(self.db, real=real)):
            for export in await self.exports():
                status = "FAILED" if self.act == "refuse" else "COMPLETED"
                if export.status == "CREATED":
                    await until(self.db, export.id, status)
        return await self.exports()

    async def events(self, number: int = 1) -> list[Row]:
        """Have some more events arrive."""
        rows = [an_event(self.person, onset=onset) for onset in range(number)]
        await save(self.db, *rows)
        return rows


@asynccontextmanager
async def another_server(lab: Lab) -> AsyncGenerator[Database]:
    db = Database(lab.db.url.render_as_string(hide_password=False))
    yield db
    await db.close()


async def die(url: str, at: int, moment: str) -> None:
    """Fire what is due, and be killed when a fire is taken, or once it is queued."""

    def kill(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "taken":
        setattr(scheduling, "fire", kill)  # noqa: B010 - so that mypy need not know
    await Scheduler(Database(url), kill, lambda: Timestamp(at)).tick()


if __name__ == "__main__":
    _, url, at, moment = sys.argv
    asyncio.run(die(url, int(at), moment))
