"""The main job from end to end, by a client that we did not write, against a real server."""

import csv
import hashlib
import io
import json
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport

from server.records import RecordType
from tests.conftest import LiveServer

pytestmark = pytest.mark.anyio

WALK = """
query Walk($after: String) {
  experiments(first: 2, after: $after) {
    totalCount
    nodes {
      experimentId
      dataSummary { dataType recordCount }
      rooms(first: 1000) {
        nodes {
          roomId
          experiment { experimentId }
          participants {
            nodes {
              participantId
              availableData
              room { roomId }
              events(first: 1) { totalCount nodes { eventId onset } }
              recordings(first: 1) { totalCount nodes { recordingId downloadUrl } }
              chatMessages(first: 1) { totalCount nodes { messageId content } }
              continuousRatings(first: 1) { totalCount nodes { ratingId value } }
              sparseRatings(first: 1) { totalCount nodes { ratingId value } }
              syncMetrics(first: 1) { totalCount nodes { metricId band } }
              components(first: 1) { totalCount nodes { componentId config } }
            }
          }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
CREATE = """
mutation Create($input: ExportInput!) {
  exportCreate(input: $input) { export { id status } userErrors { code message field } }
}
"""
WATCH = """
subscription Watch($id: ID!) {
  exportProgress(id: $id) {
    status fileName fileSize sha256 downloadUrl
    progress { percent completedRows totalRows message }
    manifest { files { path rowCount sha256 } ledger { dataType selected written } }
  }
}
"""


def over_http(server: LiveServer) -> Client:
    transport = AIOHTTPTransport(f"{server.url}/graphql", headers={"X-API-Key": key_of(server)})
    return Client(transport=transport, fetch_schema_from_transport=True)


def over_websocket(server: LiveServer) -> Client:
    transport = WebsocketsTransport(
        f"{server.url.replace('http', 'ws')}/graphql", init_payload={"X-API-Key": key_of(server)}
    )
    return Client(transport=transport)


def asking(query: str, variables: dict[str, Any]) -> GraphQLRequest:
    return GraphQLRequest(query, variable_values=variables)


def key_of(server: LiveServer) -> str:
    return server.keys["owner"]


def stored(server: LiveServer, statement: str) -> list[tuple[Any, ...]]:
    database = server.data_dir / "hyperdata.db"
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def count(server: LiveServer, record_type: RecordType, where: str = "1") -> int:
    table = record_type.value.model.__tablename__
    [[rows]] = stored(server, f"SELECT count(*) FROM {table} WHERE {where}")
    return int(rows)


def rows_of(archive: zipfile.ZipFile, record_type: RecordType) -> Iterator[dict[str, str]]:
    for name in archive.namelist():
        if name.endswith(f"/{record_type.value.stem}.csv"):
            text = io.TextIOWrapper(archive.open(name), "utf-8", newline="")
            yield from csv.DictReader(text)


async def test_the_whole_hierarchy_can_be_walked(live: LiveServer) -> None:
    seen: Counter[str] = Counter()
    summed: Counter[str] = Counter()
    async with over_http(live) as session:
        after = None
        while True:
            answer = await session.execute(asking(WALK, {"after": after}))
            page = answer["experiments"]
            for experiment in page["nodes"]:
                for entry in experiment["dataSummary"]:
                    summed[entry["dataType"]] += entry["recordCount"]
                for room in experiment["rooms"]["nodes"]:
                    assert room["experiment"]["experimentId"] == experiment["experimentId"]
                    for participant in room["participants"]["nodes"]:
                        assert participant["room"]["roomId"] == room["roomId"]
                        for record_type in RecordType:
                            found = participant[record_type.value.name]["totalCount"]
                            assert (found > 0) == (record_type.name in participant["availableData"])
                            seen[record_type.name] += found
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break

    assert seen == summed == {t.name: count(live, t) for t in RecordType}


async def test_a_zip_of_an_experiment_holds_every_row(live: LiveServer) -> None:
    async with over_http(live) as session, over_websocket(live) as socket:
        experiments = [row[0] for row in stored(live, "SELECT experiment_id FROM experiment")]
        wanted = {"experimentIds": experiments, "anonymization": "KEEP"}
        created = await session.execute(asking(CREATE, {"input": wanted}))
        assert created["exportCreate"]["userErrors"] == []
        export_id = created["exportCreate"]["export"]["id"]
        states = [
            state["exportProgress"]
            async for state in socket.subscribe(asking(WATCH, {"id": export_id}))
        ]  # ends by itself: the stream completes

    last = states[-1]
    done = [state["progress"]["completedRows"] for state in states]
    assert states[0]["status"] in {"CREATED", "RUNNING"}
    assert last["status"] == "COMPLETED"
    assert done == sorted(done)
    assert last["progress"]["percent"] == 100
    assert all(state["downloadUrl"] is None for state in states[:-1])

    file = httpx2.get(last["downloadUrl"]).content
    assert len(file) == last["fileSize"]
    assert hashlib.sha256(file).hexdigest() == last["sha256"]
    archive = zipfile.ZipFile(io.BytesIO(file))
    assert archive.testzip() is None
    for member in last["manifest"]["files"]:
        assert hashlib.sha256(archive.read(member["path"])).hexdigest() == member["sha256"]

    written = {entry["dataType"]: entry["written"] for entry in last["manifest"]["ledger"]}
    for record_type in RecordType:
        rows = list(rows_of(archive, record_type))
        assert len(rows) == count(live, record_type) == written[record_type.name]
        before = sum(int(row["onset"]) < 0 for row in rows)
        assert before == count(live, record_type, "onset < 0")
    assert count(live, RecordType.EVENTS, "onset < 0") > 0

    [metadata] = [name for name in archive.namelist() if name.endswith("/metadata.json")]
    assert json.loads(archive.read(metadata))["anonymization"] == "KEEP"


async def test_a_broken_download_is_resumed_where_it_stopped(live: LiveServer) -> None:
    wanted = {"roomIds": ["room_dyadvideo01_01"], "dataTypes": ["EVENTS"], "anonymization": "KEEP"}
    async with over_http(live) as session, over_websocket(live) as socket:
        created = await session.execute(asking(CREATE, {"input": wanted}))
        watching = socket.subscribe(asking(WATCH, {"id": created["exportCreate"]["export"]["id"]}))
        url = [state["exportProgress"]["downloadUrl"] async for state in watching][-1]

    whole = httpx2.get(url)
    start = httpx2.get(url, headers={"Range": "bytes=0-99"})
    rest = httpx2.get(url, headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]})

    assert (start.status_code, rest.status_code) == (206, 206)
    assert start.content + rest.content == whole.content
