"""What goes on besides: exports, some of them always under way, and records that come in."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.load.clients import Connection, judged, post

_CREATE = """mutation($input: ExportInput!) { exportCreate(input: $input) {
  export { id } userErrors { code } } }"""
_LOOK = "query($id: ID!) { export(id: $id) { status } }"
_DELETE = "mutation($id: ID!) { exportDelete(id: $id) { userErrors { code } } }"
_ADD = """mutation($records: JSON!) { recordsIngest(input: {records: $records}) {
  acceptedCount userErrors { code } } }"""
_RECORDS = 10
_EVERY = 1.0
_KEPT_SECONDS = 10.0
"""How long an export is kept after its end: who follows it must hear of that."""


class Failed(Exception):
    """An answer that must not have been."""


@dataclass
class Line:
    """A connection for one thing after another."""

    port: int
    key: str
    connection: Connection | None = None

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return data; Failed, ConnectionError."""
        if self.connection is None or self.connection.closed:
            loop = asyncio.get_running_loop()
            _, self.connection = await loop.create_connection(Connection, "127.0.0.1", self.port)
        body = {"query": query, "variables": variables}
        status, answer = await self.connection.ask(post(self.port, self.key, body))
        if (outcome := judged(status, answer)) != "answered":
            raise Failed(outcome)
        data: dict[str, Any] = orjson.loads(answer)["data"]
        return data


@dataclass
class Exports:
    """Keeps some exports under way: where one has ended, another is asked for."""

    line: Line
    experiments: list[str]
    count: int
    over: asyncio.Event
    going_on: list[str] = field(default_factory=list[str])
    outcomes: Counter[str] = field(default_factory=Counter[str])
    made: int = 0
    _asked: int = 0
    _ended: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    _some: asyncio.Event = field(default_factory=asyncio.Event)

    async def any(self) -> str:
        """Return one that is under way: another one each time."""
        await self._some.wait()
        self._asked += 1
        return self.going_on[self._asked % len(self.going_on)]

    async def run(self) -> None:
        while not self.over.is_set():
            try:
                await self._look()
            except (ConnectionError, OSError):
                if not self.over.is_set():
                    self.outcomes["no connection"] += 1
            except Failed as failure:
                self.outcomes[str(failure)] += 1
            await asyncio.sleep(0.5)

    async def _look(self) -> None:
        while len(self.going_on) < self.count:
            asked = {
                "experimentIds": self.experiments,
                "anonymization": "KEEP",
                "idempotencyKey": f"load {self.made}",  # else it would be the same again
            }
            self.made += 1
            made = await self.line.ask(_CREATE, input=asked)
            self.going_on.append(made["exportCreate"]["export"]["id"])
            self._some.set()
        for each in list(self.going_on):
            status = (await self.line.ask(_LOOK, id=each))["export"]["status"]
            if status in {"COMPLETED", "FAILED", "CANCELED"}:
                self.going_on.remove(each)
                if not self.going_on:
                    self._some.clear()
                self.outcomes[status] += 1
                self._ended.append((time.monotonic(), each))
        while self._ended and self._ended[0][0] < time.monotonic() - _KEPT_SECONDS:
            await self.line.ask(_DELETE, id=self._ended.pop(0)[1])


@dataclass
class Records:
    """Adds some records to a room every second."""

    line: Line
    place: dict[str, str]
    start: int
    over: asyncio.Event
    added: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])

    async def run(self) -> None:
        while not self.over.is_set():
            records = [self._record(self.added + n) for n in range(_RECORDS)]
            try:
                told = (await self.line.ask(_ADD, records=records))["recordsIngest"]
                self.added += told["acceptedCount"]
                self.outcomes["answered"] += 1
            except (ConnectionError, OSError):
                if not self.over.is_set():
                    self.outcomes["no connection"] += 1
            except Failed as failure:
                self.outcomes[str(failure)] += 1
            await asyncio.sleep(_EVERY)

    def _record(self, number: int) -> dict[str, object]:
        return {
            "dataType": "CONTINUOUS_RATINGS",
            **self.place,
            "ratingId": f"rat_load_{number}",
            "componentId": "cmp_load",
            "timestamp": self.start + 100 * number,
            "value": 0.5,
        }
