"""The clients: each keeps its connection, asks, waits for the answer, and pauses for a moment.

Written on bare protocols, so that hundreds of them leave the server most of the machine.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from bench.load.questions import Questions

MOST_PAUSE = 4.0
"""Seconds that a pause may take: drawn at random, and shorter than a server keeps a connection."""


@dataclass
class Answers:
    """What came of the questions.

    seconds   how long each answer took, by the question
    outcomes  how many were answered, throttled, refused with a code, or lost
    sent      when what is not answered yet was asked, by the client
    lost      when what was never answered had been asked
    """

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    outcomes: Counter[str] = field(default_factory=Counter[str])
    sent: dict[int, float] = field(default_factory=dict)
    answered_from: list[tuple[float, float]] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """A connection that is asked one thing at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.closed = False
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self._received += data
        if (answer := _whole(self._received)) and self._answer and not self._answer.done():
            self._received.clear()
            self._answer.set_result(answer)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Return the status and the body of an answer; ConnectionResetError if there is none."""
        self._answer = asyncio.get_running_loop().create_future()
        if self.closed:
            raise ConnectionResetError
        self.transport.write(request)
        return await self._answer


def _whole(received: bytearray) -> tuple[int, bytes] | None:
    """Return an answer once all of it is there: ours say how long they are."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    _, _, rest = head.partition(b"content-length:")
    size = int(rest.partition(b"\r\n")[0])
    if len(received) < end + 4 + size:
        return None
    return int(head[9:12]), bytes(received[end + 4 : end + 4 + size])


@dataclass
class Client:
    """One of the clients; `over` is set when the server was told to end."""

    number: int
    port: int
    key: str
    pause: float
    questions: Questions
    answers: Answers
    over: asyncio.Event

    async def run(self) -> None:
        chance = random.Random(self.number)  # so that each run asks the same
        await asyncio.sleep(chance.uniform(0, self.pause))
        connection: Connection | None = None
        while True:
            if connection is None or connection.closed:
                if self.over.is_set():
                    return
                try:
                    connection = await self._connect()
                except OSError:
                    if not self.over.is_set():
                        self.answers.outcomes["no connection"] += 1
                    await asyncio.sleep(0.1)
                    continue
            await self._ask(connection, *self.questions.draw(chance))
            await asyncio.sleep(min(chance.expovariate(1 / self.pause), MOST_PAUSE))

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(Connection, "127.0.0.1", self.port)
        return made

    async def _ask(self, connection: Connection, name: str, body: dict[str, Any]) -> None:
        request = post(self.port, self.key, body)
        began = self.answers.sent[self.number] = time.monotonic()
        try:
            status, answer = await connection.ask(request)
        except ConnectionResetError:
            self.answers.lost.append(began)
            return
        finally:
            del self.answers.sent[self.number]
        ended = time.monotonic()
        outcome = judged(status, answer)
        self.answers.outcomes[outcome] += 1
        self.answers.answered_from.append((began, ended))
        if outcome == "answered":
            self.answers.seconds[name].append(ended - began)
        elif outcome == "THROTTLED":
            await asyncio.sleep(_wait(answer))


def post(port: int, key: str, body: dict[str, Any]) -> bytes:
    """Return the bytes of a request."""
    content = orjson.dumps(body)
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"X-API-Key: {key}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def judged(status: int, answer: bytes) -> str:
    """Say what an answer is: `answered`, the code of its first error, or its status."""
    if status == 200 and b'"errors"' not in answer:
        return "answered"
    try:
        [error, *_] = orjson.loads(answer)["errors"]
        return str(error["extensions"]["code"])
    except (ValueError, KeyError):
        return f"status {status}"


def _wait(answer: bytes) -> float:
    error = orjson.loads(answer)["errors"][0]
    return float(error["extensions"].get("retryAfterMs", 1000)) / 1000
