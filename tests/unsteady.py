"""A proxy that a test makes slow, breaks off, or leads elsewhere; it notes what passes through."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

DOWNLOAD, SOCKET = b"/download?", b"upgrade: websocket"

_PIECE = 1 << 14


@dataclass
class Proxy:
    """`cuts` are after how many bytes of the next downloads' answers the connection is closed."""

    url: str
    port: int
    requests: list[bytes] = field(default_factory=list[bytes])
    cuts: list[int] = field(default_factory=list[int])
    bytes_per_second: float = 0
    lets_sockets_through: bool = True

    def lead_to(self, url: str) -> None:
        self.port = urlsplit(url).port or 0

    def downloads(self) -> list[bytes]:
        """Return the requests for files, as they were sent."""
        return [request for request in self.requests if DOWNLOAD in request]

    def ranges(self) -> list[int | None]:
        """Return where each download was to begin; None for the whole file."""
        found: list[int | None] = []
        for request in self.downloads():
            lines = request.lower().split(b"\r\n")
            asked = [line for line in lines if line.startswith(b"range: bytes=")]
            found.append(int(asked[0].split(b"=")[1].rstrip(b"-")) if asked else None)
        return found


@contextmanager
def unsteady(url: str) -> Generator[Proxy]:
    """Run a proxy before a server until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(f"http://127.0.0.1:{listening.getsockname()[1]}", 0)
    proxy.lead_to(url)
    threading.Thread(target=_accept, args=(listening, proxy), daemon=True).start()
    try:
        yield proxy
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _accept(listening: socket.socket, proxy: Proxy) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_connect, args=(client, proxy), daemon=True).start()


def _connect(client: socket.socket, proxy: Proxy) -> None:
    with client, suppress(OSError):
        server = socket.create_connection(("127.0.0.1", proxy.port))
        with server:
            connection = _Connection(client, server, proxy)
            threading.Thread(target=connection.answer, daemon=True).start()
            connection.ask()


@dataclass
class _Connection:
    client: socket.socket
    server: socket.socket
    proxy: Proxy
    left: int | None = None  # bytes until the cut
    slow: bool = False

    def ask(self) -> None:
        while request := self.client.recv(1 << 16):
            self.proxy.requests.append(request)
            if SOCKET in request.lower() and not self.proxy.lets_sockets_through:
                return
            self.slow = DOWNLOAD in request
            if self.slow:
                self.left = self.proxy.cuts.pop(0) if self.proxy.cuts else None
            self.server.sendall(request)

    def answer(self) -> None:
        with suppress(OSError):
            while piece := self.server.recv(_PIECE):
                if self.left is not None:
                    piece = piece[: self.left]
                    self.left -= len(piece)
                self.client.sendall(piece)
                if self.left == 0:
                    break
                if self.slow and self.proxy.bytes_per_second:
                    time.sleep(len(piece) / self.proxy.bytes_per_second)
        for side in (self.client, self.server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
