"""HTTP as bytes, for what no client library would send."""

import json
import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SECONDS = 10


@dataclass(frozen=True)
class Answer:
    """What came back until the server had said all; `seconds` until its first byte.

    status 0 stands for a connection that was closed without a word.
    """

    status: int
    body: bytes
    seconds: float
    raw: bytes = b""

    @property
    def code(self) -> str:
        """The code of the first error; empty if there is none."""
        try:
            said: dict[str, Any] = json.loads(self.body)
            [error, *_] = said["errors"]
        except (ValueError, KeyError, TypeError):
            return ""
        assert error["message"], said
        code: str = error["extensions"]["code"]
        return code

    @property
    def answers(self) -> int:
        """How many answers came over the connection."""
        return len(re.findall(rb"HTTP/1\.1 \d{3} ", self.raw))


def request(
    method: str, target: str, headers: Iterable[str] = (), body: bytes | None = None
) -> bytes:
    """Return a request's bytes; its headers as they are, also `Host`."""
    length = [] if body is None else [f"Content-Length: {len(body)}"]
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *headers, *length, "", ""])
    return head.encode("latin-1") + (body or b"")


def exchange(port: int, *pieces: bytes, pause: float = 0, until_closed: bool = False) -> Answer:
    """Send pieces, some seconds apart, until something is answered; return what is."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        _send(connection, pieces, pause)
        received, first = b"", 0.0
        while not (received and not until_closed and _is_whole(received)):
            try:
                data = connection.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            first = first or time.monotonic() - begun
            if not data:
                break
            received += data
    head, _, body = received.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head else 0
    return Answer(status, body, first, received)


def _send(connection: socket.socket, pieces: Iterable[bytes], pause: float) -> None:
    """Send pieces until there is something to read."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in pieces:
        try:
            connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            return
        if pause and _is_readable(connection, pause):
            return


def _is_readable(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(SECONDS)
    return True


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return body.endswith(b"0\r\n\r\n") or b" 204 " in head or b" 304 " in head
