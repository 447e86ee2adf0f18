"""Somebody who adds records and somebody who reads, at once, whatever happens to the server."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from tests.faults.service import Away, Service, ids, record
from tests.sending import INGEST

BATCH = 20
_FIRST = count(0, BATCH)
"""The first number of the next batch, whoever sends it."""

READ = (
    """{ room(roomId: "room_steady") { status participants { nodes { participantId role } } } }"""
)


class Traffic:
    """What was acknowledged, and how the answers went.

    acknowledged  numbers of the records that the server said it has
    away          how often a sender was told to come again, or nothing
    slowest_read  seconds that the slowest answer took to somebody who read
    failures      what must not have happened
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._over = threading.Event()
        self.acknowledged: list[int] = []
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

    def _safely(self, part: object) -> None:
        assert callable(part)
        try:
            part()
        except BaseException as error:
            self.failures.append(error)

    def _send(self) -> None:
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
