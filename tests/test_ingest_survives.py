"""Batches survive: broken ones, repeated ones, and a server that is killed while they come in.

Each valid record is stored once, each refused one is in quarantine, and the counts add up.
"""

import os
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from server.api_keys import issue
from server.db import Database
from server.migrate import migrate
from tests.conftest import answering, free_port
from tests.factories import START, Row, a_participant, a_room, a_user, an_experiment, save
from tests.sending import INGEST

PEOPLE = ("anna", "ben")

VALID = st.tuples(st.just("valid"), st.integers(0, 400))
BROKEN = st.tuples(st.sampled_from(["value", "room", "type", "field"]), st.integers(0, 400))
BATCHES = st.lists(
    st.lists(st.one_of(VALID, VALID, VALID, BROKEN), min_size=1, max_size=150),
    min_size=2,
    max_size=8,
)
Spec = tuple[str, int]


def record(spec: Spec) -> dict[str, Any]:
    """Return what a spec stands for: the same, whenever it is sent."""
    kind, n = spec
    sent: dict[str, Any] = {
        "dataType": "CONTINUOUS_RATINGS",
        "roomId": "room_a",
        "participantId": PEOPLE[n % 2],
        "ratingId": f"rat_{kind}_{n}",
        "timestamp": START + 100 * n,
        "value": n / 400,
    }
    broken: dict[str, dict[str, Any]] = {
        "valid": {},
        "value": {"value": 2},
        "room": {"roomId": "room_nowhere"},
        "type": {"timestamp": "yesterday"},
        "field": {"colour": "red"},
    }
    return {**sent, **broken[kind]}


class Home:
    """A server on a folder of its own, which can be killed, and comes again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.key = anyio.run(self._prepared)
        self.environment = {**os.environ, "HYPERDATA_DATA_DIR": str(folder)}
        self.url = f"http://127.0.0.1:{self.port}"

    async def _prepared(self) -> str:
        db = Database(f"sqlite+aiosqlite:///{self.folder}/hyperdata.db")
        await migrate(db)
        owner = a_user()
        experiment = an_experiment(owner)
        room = a_room(experiment, room_id="room_a")
        people: list[Row] = [a_participant(room, participant_id=name) for name in PEOPLE]
        await save(db, owner, experiment, room, *people)
        async with db.write() as tx:
            key = await issue(tx, owner.key, "test", ("*",))
        await db.close()
        return key

    @contextmanager
    def up(self) -> Generator[Any]:
        with answering(
            self.port, "serve", "--port", str(self.port), environment=self.environment
        ) as process:
            yield process

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer = httpx2.post(
            f"{self.url}/graphql", json=body, headers={"X-API-Key": self.key}, timeout=30
        ).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def send(self, queue: "Queue[list[Spec]]", told: "Queue[dict[str, Any]]") -> None:
        """Send batches, each until it is answered: the answer to one may be lost with a server."""
        while True:
            try:
                batch = queue.get_nowait()
            except Empty:
                return
            records = [record(spec) for spec in batch]
            while True:
                try:
                    told.put(self.ask(INGEST, records=records)["recordsIngest"])
                    break
                except httpx2.TransportError:
                    threading.Event().wait(0.05)

    def pages(self, query: str, name: str) -> Iterator[dict[str, Any]]:
        after = None
        while True:
            shown = self.ask(query, after=after)
            page = shown[name] if name in shown else shown["room"][name]
            yield from page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]


STORED = """query($after: String) { room(roomId: "room_a") {
  continuousRatings(first: 1000, after: $after) {
    nodes { ratingId participantId value onset } pageInfo { hasNextPage endCursor } } } }"""
KEPT = """query($after: String) { quarantine(first: 1000, after: $after) {
  nodes { record } pageInfo { hasNextPage endCursor } } }"""


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(batches=BATCHES, repeats=st.integers(1, 2), kill_after=st.integers(0, 4))
def test_nothing_is_lost_and_nothing_is_there_twice(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[Spec]],
    repeats: int,
    kill_after: int,
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    queue: Queue[list[Spec]] = Queue()
    told: Queue[dict[str, Any]] = Queue()
    for batch in batches * repeats:
        queue.put(batch)
    senders = [threading.Thread(target=home.send, args=(queue, told)) for _ in range(2)]
    with home.up() as process:
        for sender in senders:
            sender.start()
        for _ in range(min(kill_after, len(batches) - 1)):
            told.put(told.get(timeout=30))
        process.kill()
        process.wait()
    with home.up():
        for sender in senders:
            sender.join(60)
            assert not sender.is_alive()
        _check(home, batches, [told.get_nowait() for _ in batches * repeats])


def _check(home: Home, batches: list[list[Spec]], told: list[dict[str, Any]]) -> None:
    sent = {spec for batch in batches for spec in batch}
    for each in told:
        assert each["acceptedCount"] + each["refusedCount"] == each["sentCount"]
        assert len(each["refused"]) == each["refusedCount"]
    stored = list(home.pages(STORED, "continuousRatings"))
    expected = {record(spec)["ratingId"]: record(spec) for spec in sent if spec[0] == "valid"}
    assert sorted(row["ratingId"] for row in stored) == sorted(expected)
    for row in stored:
        said = expected[row["ratingId"]]
        assert row["participantId"] == said["participantId"]
        assert (row["value"], row["onset"]) == (said["value"], said["timestamp"] - START)
    kept = [row["record"] for row in home.pages(KEPT, "quarantine")]
    refused = [record(spec) for spec in sent if spec[0] != "valid"]
    assert sorted(kept, key=str) == sorted(refused, key=str)
