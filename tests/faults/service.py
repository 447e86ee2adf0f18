"""A real server with an experiment that goes on, and its key: what the faults happen to."""

import asyncio
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from server.api_keys import issue
from server.db import Database
from server.migrate import migrate
from tests.conftest import answering, free_port
from tests.factories import START, a_participant, a_room, a_user, an_experiment, save

PEOPLE = ("anna", "ben")
EXPERIMENT, ROOM = "exp_steady", "room_steady"
RETURNS_WITHIN = 30.0
"""Seconds in which a server must be of use again, once a fault is over; a machine may be busy."""

CREATE = """mutation ($input: ExportInput!) { exportCreate(input: $input) {
  export { id } userErrors { code message } } }"""
LOOK = """query ($id: ID!) { export(id: $id) {
  status sha256 downloadUrl errorCode errorMessage
  manifest { ledger { selected written } recipe } } }"""
STORED = """query ($after: String) { room(roomId: "room_steady") {
  continuousRatings(first: 1000, after: $after) {
    nodes { ratingId } pageInfo { hasNextPage endCursor } } } }"""
WHOLE = {
    "experimentIds": [EXPERIMENT],
    "anonymization": "KEEP",
    "dataTypes": ["CONTINUOUS_RATINGS"],
}


class Away(Exception):
    """The service said that it cannot at this moment, or could not be reached."""


class Service:
    """A server over a folder, or over a database elsewhere; its workers write exports.

    With a key, it is one more server of a database that another has prepared.
    """

    def __init__(self, folder: Path, url: str | None = None, key: str | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = url or f"sqlite+aiosqlite:///{folder}/hyperdata.db"
        self.key = key or asyncio.run(self._prepared())

    async def _prepared(self) -> str:
        db = Database(self.database)
        await migrate(db)
        owner = a_user()
        experiment = an_experiment(owner, experiment_id=EXPERIMENT)
        room = a_room(experiment, room_id=ROOM, status="ACTIVE")
        people = [a_participant(room, participant_id=name) for name in PEOPLE]
        await save(db, owner, experiment, room, *people)
        async with db.write() as tx:
            key = await issue(tx, owner.key, "test", ("*",))
        await db.close()
        return key

    @contextmanager
    def up(self, *launcher: str, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Serve until the block ends; it must not have ended before."""
        arguments = ("serve", "--port", str(self.port))
        environment = {
            "HYPERDATA_DATA_DIR": str(self.folder),
            "HYPERDATA_DATABASE_URL": self.database,
            "HYPERDATA_LEASE_SECONDS": "3",
            **settings,
        }
        command = launcher or ("-m", "server")
        with answering(
            self.port, *arguments, environment=environment, program=(sys.executable, *command)
        ) as process:
            yield process
            assert process.poll() is None, "the server has ended by itself"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an answer; Away if it is none for now, AssertionError if it is bad."""
        body = {"query": query, "variables": variables}
        headers = {"X-API-Key": self.key}
        try:
            answer = httpx2.post(f"{self.url}/graphql", json=body, headers=headers, timeout=60)
        except httpx2.TransportError as error:
            raise Away from error
        told = answer.json()
        codes = {error["extensions"]["code"] for error in told.get("errors", ())}
        if codes == {"BUSY"}:
            raise Away
        assert not codes, told
        assert answer.status_code == 200
        data: dict[str, Any] = told["data"]
        for payload in data.values():
            refused = payload.get("userErrors") if isinstance(payload, dict) else None
            if refused and {each["code"] for each in refused} <= {"BUSY", "DEADLINE_EXCEEDED"}:
                raise Away
        return data

    def insist(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask until it is answered."""
        return until(lambda: self.ask(query, **variables))

    def stored(self) -> set[str]:
        """Return the ids of all ratings that are there."""
        found: set[str] = set()
        after = None
        while True:
            page = self.insist(STORED, after=after)["room"]["continuousRatings"]
            found |= {node["ratingId"] for node in page["nodes"]}
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def export(self, snapshot: object = None, **also: object) -> str:
        """Ask for an export of all, or of all there was at a snapshot; return its id."""
        wanted = {**WHOLE, **also} if snapshot is None else {**WHOLE, "snapshot": snapshot, **also}
        created = self.insist(CREATE, input=wanted)["exportCreate"]
        assert created["userErrors"] == []
        export_id: str = created["export"]["id"]
        return export_id

    def look(self, export_id: str) -> dict[str, Any]:
        export: dict[str, Any] = self.insist(LOOK, id=export_id)["export"]
        return export

    def completed(self, export_id: str) -> dict[str, Any]:
        """Return an export once it is completed, and its file is what it says."""

        def look() -> dict[str, Any]:
            export = self.look(export_id)
            assert export["status"] != "FAILED", export
            if export["status"] != "COMPLETED":
                raise Away
            return export

        export = until(look)
        found = httpx2.get(export["downloadUrl"], follow_redirects=True)
        file = found.raise_for_status().content
        assert hashlib.sha256(file).hexdigest() == export["sha256"]
        assert all(e["selected"] == e["written"] for e in export["manifest"]["ledger"])
        return export


Result = TypeVar("Result")


def until(attempt: Callable[[], Result], seconds: float = RETURNS_WITHIN) -> Result:
    """Try until it works; fail if it has not after some seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except Away:
            assert time.monotonic() < deadline, "it is still away"
            time.sleep(0.1)


def record(number: int) -> dict[str, Any]:
    """Return a rating as it is sent."""
    return {
        "dataType": "CONTINUOUS_RATINGS",
        "roomId": ROOM,
        "participantId": PEOPLE[number % 2],
        "ratingId": f"rat_{number}",
        "timestamp": START + 10 * number,
        "value": number % 100 / 100,
    }


def ids(numbers: Sequence[int]) -> set[str]:
    return {f"rat_{number}" for number in numbers}
