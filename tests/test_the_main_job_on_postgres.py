"""An export from end to end over PostgreSQL: a real server process, its worker, and the file."""

import asyncio
import csv
import io
import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from gql import Client, GraphQLRequest
from gql.transport.websockets import WebsocketsTransport

from server.api_keys import issue
from server.db import Database
from server.records import RecordType
from tests.conftest import answering, free_port
from tests.studies import Study, all_keys, ids_in, records_in
from tests.test_the_main_job import CREATE, WATCH

pytestmark = [pytest.mark.anyio, pytest.mark.repeats]


async def exported(url: str, key: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Ask for an export; return its last state."""
    address = f"{url.replace('http', 'ws')}/graphql"
    socket = WebsocketsTransport(address, init_payload={"X-API-Key": key})
    async with Client(transport=socket) as session:
        created = await session.execute(GraphQLRequest(CREATE, variable_values={"input": wanted}))
        assert created["exportCreate"]["userErrors"] == []
        watched = {"id": created["exportCreate"]["export"]["id"]}
        states = session.subscribe(GraphQLRequest(WATCH, variable_values=watched))
        state: dict[str, Any] = [state["exportProgress"] async for state in states][-1]
        return state


async def test_two_servers_write_every_row(postgres_url: str, tmp_path: Path) -> None:
    db = Database(postgres_url)
    study = Study()
    await study.save(db)
    async with db.write() as tx:
        key = await issue(tx, study.owner.key, "test", ("*",))
    await db.close()
    wanted: dict[str, Any] = {
        "experimentIds": [experiment["experiment_id"] for experiment in study.experiments]
    }
    in_full = {"format": "JSON", "packaging": "SINGLE_FILE", "anonymization": "KEEP"}
    one_document = {**wanted, **in_full}
    ports = free_port(), free_port()
    commands = [("serve", "--port", str(port), "--data-dir", str(tmp_path)) for port in ports]
    shared = {"HYPERDATA_DATABASE_URL": postgres_url}
    with (
        answering(ports[0], *commands[0], environment=shared),
        answering(ports[1], *commands[1], environment=shared),
    ):
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        coded, *plain = await asyncio.gather(
            exported(urls[0], key, wanted),
            *(exported(url, key, one_document) for url in urls),
        )
        states = [coded, *plain]
        assert {state["status"] for state in states} == {"COMPLETED"}
        files = [httpx2.get(state["downloadUrl"]).content for state in states]

    for state, file in zip(states, files, strict=True):
        assert (sha256(file).hexdigest(), len(file)) == (state["sha256"], state["fileSize"])
    archive = zipfile.ZipFile(io.BytesIO(files[0]))
    people = {person["participant_id"] for person in study.people}
    for data_type in RecordType:
        expected = study.ids(data_type, "experiment_key", *all_keys(study))
        members = [
            name for name in archive.namelist() if name.endswith(f"/{data_type.value.stem}.csv")
        ]
        rows = [
            row
            for name in members
            for row in csv.DictReader(io.StringIO(archive.read(name).decode(), newline=""))
        ]
        assert len(rows) == len(expected)
        assert not people & {row["participantId"] for row in rows}
        for file in files[1:]:
            assert ids_in(records_in(json.loads(file), data_type), data_type) == expected
