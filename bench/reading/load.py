"""Eight clients that keep their connections, in one thread: cheap enough to leave a core idle."""

import os
import selectors
import socket
import time
from dataclasses import dataclass
from pathlib import Path

CLIENTS = 8
PATIENCE = 60
"""How many seconds an answer may take."""


@dataclass(frozen=True)
class Request:
    """A request whose bytes are made once, and how to know its answer's end."""

    port: int
    content: bytes
    process: int  # whose processor time counts


@dataclass(frozen=True)
class Rate:
    """How many answers came in how many seconds, and what they cost the server."""

    answers: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds

    @property
    def cpu_milliseconds(self) -> float:
        """Return the processor time of one answer: on a busy machine it tells more than rates."""
        return 1000 * self.cpu_seconds / self.answers


def request(port: int, path: str, body: bytes, headers: dict[str, str], process: int) -> Request:
    """Return a POST of JSON."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return Request(port, "\r\n".join(lines).encode() + b"\r\n\r\n" + body, process)


class _Client:
    """A connection: asks again as soon as it is answered."""

    def __init__(self, asked: Request) -> None:
        self.asked = asked
        self.socket = socket.create_connection(("127.0.0.1", asked.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE)
        self.buffer = bytearray(1 << 20)
        self.filled = 0
        self.end = 0  # of the answer, once its head has been read; -1 when it comes in chunks
        self.body = 0

    def ask(self) -> None:
        self.filled = self.end = 0
        self.socket.sendall(self.asked.content)

    def answered(self) -> bool:
        """Take in what has come; say whether it is the whole answer."""
        if self.filled == len(self.buffer):
            self.buffer.extend(bytes(len(self.buffer)))
        with memoryview(self.buffer) as view:
            came = self.socket.recv_into(view[self.filled :])
        assert came, "the server hung up"
        self.filled += came
        if not self.end and not self._read_head():
            return False
        if self.end < 0:
            return self.buffer.endswith(b"\r\n0\r\n\r\n", self.body - 2, self.filled)
        return self.filled >= self.end

    def _read_head(self) -> bool:
        if (at := self.buffer.find(b"\r\n\r\n", 0, self.filled)) < 0:
            return False
        head = bytes(self.buffer[:at]).lower()
        assert head.split(b" ", 2)[1] == b"200", bytes(self.buffer[: min(self.filled, 2000)])
        self.body = at + 4
        _, named, rest = head.partition(b"content-length:")
        self.end = self.body + int(rest.split(b"\r\n", 1)[0]) if named else -1
        return True

    def size(self) -> int:
        """Return how long the body of the answer is, as it was sent."""
        return (self.end if self.end > 0 else self.filled) - self.body

    def content(self) -> bytes:
        """Return the body of the answer."""
        body = bytes(self.buffer[self.body : self.filled])
        if self.end > 0:
            return body
        chunks = []
        while size := int(body[: body.index(b"\r\n")], 16):
            start = body.index(b"\r\n") + 2
            chunks.append(body[start : start + size])
            body = body[start + size + 2 :]
        return b"".join(chunks)


def answer_to(asked: Request) -> bytes:
    """Ask once, and return the answer's body."""
    client = _Client(asked)
    with client.socket:
        client.ask()
        while not client.answered():
            pass
        return client.content()


def measure(asked: Request, seconds: float, size: int) -> Rate:
    """Have all clients ask for some seconds; each answer must be as long as the one checked.

    What has been asked by then is waited for and counted: eight unfinished answers of a slow
    server are much of its work.
    """
    with selectors.DefaultSelector() as waiting:
        start, cpu = time.perf_counter(), _cpu_seconds(asked.process)
        last = start
        for client in [_Client(asked) for _ in range(CLIENTS)]:
            waiting.register(client.socket, selectors.EVENT_READ, client)
            client.ask()
        answers = 0
        while waiting.get_map():
            ready = waiting.select(PATIENCE)
            assert ready, "the server does not answer"
            for key, _ in ready:
                client = key.data
                if not client.answered():
                    continue
                assert abs(client.size() - size) <= size // 100, (client.size(), size)
                answers += 1
                last = time.perf_counter()
                if last - start < seconds:
                    client.ask()
                else:
                    waiting.unregister(client.socket)
                    client.socket.close()
    return Rate(answers, last - start, _cpu_seconds(asked.process) - cpu)


def _cpu_seconds(process: int) -> float:
    """Return the processor time that a process has taken so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
