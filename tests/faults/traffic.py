"""Somebody who adds records and somebody who reads, at once, whatever happens to the server."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from websockets import Subprotocol
from websockets.exceptions import ConnectionClosed, InvalidMessage
from websockets.sync.client import connect

from tests.faults.service import Away, Service, ids, record
from tests.sending import INGEST

BATCH = 20
_FIRST = count(0, BATCH)
"""The first number of the next batch, whoever sends it."""

READ = (
    """{ room(roomId: "room_steady") { status participants { nodes { participantId role } } } }"""
)


FOLLOW = """subscription ($after: String) {
  recordsAdded(roomId: "room_steady", dataType: CONTINUOUS_RATINGS, after: $after) {
    cursor records { ... on ContinuousRating { ratingId } } } }"""
BROKEN_OFF = {1001, 1006, 1012, 1013}
"""The codes with which a socket may be closed: its server, or what that stands on, went away."""


class Traffic:
    """What was acknowledged, and how the answers went.

    acknowledged  numbers of the records that the server said it has
    told          ids of the records that a follower of the room was told of, in that order
    away          how often a sender was told to come again, or nothing
    slowest_read  seconds that the slowest answer took to somebody who read
    failures      what must not have happened
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._over = threading.Event()
        self.acknowledged: list[int] = []
        self.told: list[str] = []
        self._following = threading.Event()
        self.away = self.reads = self.unread = 0
        self.slowest_read = 0.0
        self.failures: list[BaseException] = []

    @contextmanager
    def going_on(self) -> Iterator["Traffic"]:
        """Send and read until the block ends; then all that was acknowledged must be there."""
        threads = [threading.Thread(target=self._safely, args=[each]) for each in self._parts()]
        for thread in threads:
            thread.start()
        try:
            yield self
            self._wait_for_the_follower()
        finally:
            self._over.set()
            for thread in threads:
                thread.join(90)
        assert not self.failures, self.failures
        assert ids(self.acknowledged) <= self._service.stored()

    def wait_for_more(self, batches: int = 2, seconds: float = 30) -> None:
        """Wait until more was acknowledged: the service is there."""
        before, deadline = len(self.acknowledged), time.monotonic() + seconds
        while len(self.acknowledged) < before + batches * BATCH:
            assert time.monotonic() < deadline, ("the service is away", self.failures)
            assert not self.failures, self.failures
            time.sleep(0.05)

    def _parts(self) -> "Iterator[object]":
        yield self._send
        yield self._read
        yield self._follow

    def _safely(self, part: object) -> None:
        assert callable(part)
        try:
            part()
        except BaseException as error:
            self.failures.append(error)

    def _wait_for_the_follower(self) -> None:
        """Wait until all that was acknowledged by now was told, each record once."""
        expected, deadline = ids(self.acknowledged), time.monotonic() + 30
        while not expected <= set(self.told):
            assert time.monotonic() < deadline, expected - set(self.told)
            time.sleep(0.05)
        assert len(self.told) == len(set(self.told))

    def _follow(self) -> None:
        """Follow the room, from where it was when the socket broke off."""
        after = None
        while not self._over.is_set():
            try:
                for batch in self._batches(after):
                    self.told += [each["ratingId"] for each in batch["records"]]
                    after = batch["cursor"]
                    self._following.set()
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code not in BROKEN_OFF:
                    raise
            except (OSError, InvalidMessage):
                pass
            self._over.wait(0.2)

    def _batches(self, after: str | None) -> Iterator[dict[str, Any]]:
        """Yield what is told over one socket, until it says that it cannot for now."""
        address = f"{self._service.url.replace('http', 'ws')}/graphql"
        with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            payload = {"query": FOLLOW, "variables": {"after": after}}
            for said in (
                {"type": "connection_init", "payload": {"X-API-Key": self._service.key}},
                {"id": "1", "type": "subscribe", "payload": payload},
            ):
                socket.send(json.dumps(said))
            while not self._over.is_set():
                with suppress(TimeoutError):
                    said = json.loads(socket.recv(timeout=0.5))
                    if said["type"] == "connection_ack":
                        continue
                    errors = said["payload"] if said["type"] == "error" else None
                    if said["type"] == "next":
                        errors = said["payload"].get("errors")
                    if errors is not None or said["type"] == "complete":
                        assert {e["extensions"]["code"] for e in errors or ()} <= {"BUSY"}, said
                        return
                    yield said["payload"]["data"]["recordsAdded"]

    def _send(self) -> None:
        assert self._following.wait(30)
        while not self._over.wait(0.02):
            first = next(_FIRST)
            numbers = range(first, first + BATCH)
            while not self._over.is_set():
                try:
                    told = self._service.ask(INGEST, records=[record(n) for n in numbers])
                except Away:
                    self.away += 1
                    self._over.wait(0.2)
                    continue
                assert told["recordsIngest"]["acceptedCount"] == BATCH, told
                self.acknowledged += numbers
                break

    def _read(self) -> None:
        while not self._over.wait(0.05):
            began = time.monotonic()
            try:
                assert self._service.ask(READ)["room"]["status"] == "ACTIVE"
                self.reads += 1
            except Away:
                self.unread += 1
            self.slowest_read = max(self.slowest_read, time.monotonic() - began)
