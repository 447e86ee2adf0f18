"""A server that is told to end answers what it was sent before, on connections it keeps, too."""

import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import serving

pytestmark = pytest.mark.repeats

CONNECTIONS = 20
BODY = b'{"query": "{ viewer { name } }"}'


def test_what_is_on_its_way_when_the_server_is_told_to_end_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        host, port = server.url.removeprefix("http://").split(":")
        request = (
            f"POST /graphql HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            f"X-API-Key: {server.keys['owner']}\r\nContent-Length: {len(BODY)}\r\n\r\n"
        ).encode() + BODY
        address = (host, int(port))
        with ExitStack() as stack:
            kept = [stack.enter_context(_connected(address)) for _ in range(CONNECTIONS)]
            for each in kept:
                each.sendall(request)
                assert b"Okonkwo" in _heard(each)
            server.process.send_signal(signal.SIGTERM)
            while _is_let_in(address):
                time.sleep(0.002)
            for each in kept:
                each.sendall(request)
            for each in kept:
                assert b"Okonkwo" in _heard(each)
                assert each.recv(1) == b""  # it was the last one there
        assert server.process.wait(20) == -signal.SIGTERM  # as uvicorn says it was told


def _connected(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=20)


def _is_let_in(address: tuple[str, int]) -> bool:
    try:
        _connected(address).close()
    except ConnectionError:
        return False
    return True


def _heard(connection: socket.socket) -> bytes:
    """Return one answer."""
    heard = b""
    while b"}}}" not in heard:
        came = connection.recv(1 << 16)
        assert came, heard
        heard += came
    return heard
