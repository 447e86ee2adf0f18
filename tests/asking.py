"""An owner's experiment, and what one asks of its exports: over HTTP, written by real workers."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from server.export.plan import planner
from server.global_ids import type_and_key
from server.resolvers.requesters import may_still_export
from server.settings import Settings
from tests.conftest import Api
from tests.factories import (
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)
from tests.job_queue import FILES, export_of, new_exporter, running, until
from tests.warm_worker import Exported

FIELDS = """id status format packaging anonymization snapshotAt fileName sha256 errorCode
  requestedBy { name } progress { percent completedRows totalRows message } downloadUrl
  manifest { recipe files { path sha256 } ledger { dataType selected written } }"""
ERRORS = "userErrors { field code message }"
CREATE = f"""mutation ($input: ExportInput!) {{ exportCreate(input: $input) {{
  export {{ {FIELDS} }} {ERRORS} }} }}"""
CANCEL = f"mutation ($id: ID!) {{ exportCancel(id: $id) {{ export {{ {FIELDS} }} {ERRORS} }} }}"
RETRY = f"mutation ($id: ID!) {{ exportRetry(id: $id) {{ export {{ {FIELDS} }} {ERRORS} }} }}"
DELETE = f"mutation ($id: ID!) {{ exportDelete(id: $id) {{ deletedId {ERRORS} }} }}"
ONE = f"query ($id: ID!) {{ export(id: $id) {{ {FIELDS} }} node(id: $id) {{ id }} }}"
MINE = "{ exports { totalCount nodes { id status } } }"

Answer = dict[str, Any]


class Lab:
    """An owner's experiment with one event, and the key of the owner."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self.folder = folder
        self.owner = a_user()
        self.experiment = an_experiment(self.owner)
        self.room = a_room(self.experiment)
        self.person = a_participant(self.room)
        self.event = an_event(self.person, onset=-5)
        self.key = ""

    @property
    def here(self) -> Answer:
        """The input that names the experiment."""
        return {"experimentIds": [self.experiment["experiment_id"]]}

    async def create(self, key: str | None = None, **wanted: Any) -> Answer:
        return await self.ask("exportCreate", CREATE, key, input=wanted)

    async def created(self, key: str | None = None, **wanted: Any) -> str:
        """Queue an export; return its id."""
        payload = await self.create(key, **wanted)
        assert payload["userErrors"] == []
        id_: str = payload["export"]["id"]
        return id_

    async def ask(self, name: str, query: str, key: str | None = None, **given: Any) -> Answer:
        data = await self.api.ask(query, key or self.key, **given)
        payload: Answer = data[name]
        return payload

    async def refusal(self, key: str | None = None, **wanted: Any) -> tuple[str, str]:
        payload = await self.create(key, **wanted)
        assert payload["export"] is None
        return refusal_in(payload)

    async def shown(self, id_: str, key: str | None = None) -> Answer:
        return await self.ask("export", ONE, key, id=id_)

    async def finished(self, id_: str) -> Exported:
        """Return what the workers have made of an export."""
        export = await until(self.api.db, key_of(id_), "COMPLETED")
        done = {"manifest": export.manifest, "bytes": export.file_size, "row": export}
        return Exported(self.folder / FILES / export.storage_key, done)

    async def row(self, id_: str) -> Any:
        return await export_of(self.api.db, key_of(id_))


def refusal_in(payload: Answer) -> tuple[str, str]:
    [error] = payload["userErrors"]
    assert error["message"].endswith((".", "?"))
    return error["code"], ".".join(error["field"] or [])


def key_of(id_: str) -> int:
    found = type_and_key(id_)
    assert found is not None
    return found[1]


async def a_lab(api: Api, folder: Path) -> Lab:
    lab = Lab(api, folder)
    await save(api.db, lab.owner, lab.experiment, lab.room, lab.person, lab.event)
    lab.key = await api.key_of(lab.owner.key)
    return lab


@asynccontextmanager
async def working(
    lab: Lab, meanwhile: Callable[[], Awaitable[None]] | None = None
) -> AsyncGenerator[None]:
    """Have the server's exports written by a real worker, through the real queue.

    `meanwhile` is done once an export is planned, before it is written.
    """
    settings = Settings(data_dir=lab.folder)
    make = planner(lab.api.db.url, settings)

    async def plan(*given: Any) -> object:
        made = await make(*given)
        if meanwhile is not None:
            await meanwhile()
        return made

    exporter = new_exporter(lab.api.db, settings, plan=plan, allowed=may_still_export)
    async with running(exporter):
        yield
