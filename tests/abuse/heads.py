"""Attacks by what comes before a body: headers large, slow, ambiguous, or of another name."""

import socket
import time
from collections.abc import Sequence
from functools import partial

from server.edge.protocol import LINGER_SECONDS
from tests.abuse.attacks import Attack
from tests.abuse.bodies import ASKED
from tests.abuse.target import Target
from tests.abuse.wire import SECONDS, Answer, request

TOO_LARGE = ("HEADERS_TOO_LARGE",)
SMUGGLED = b"GET /graphql?query={viewer{name}} HTTP/1.1\r\nHost: localhost\r\n\r\n"


def _with(*headers: str) -> "partial[Answer]":
    """Return a way to send headers, beside those that are needed."""

    def send(headers: Sequence[str], target: Target) -> Answer:
        return target.send("GET", "/graphql", *headers)

    return partial(send, headers)


def _unfinished(target: Target) -> Answer:
    """Send a header without an end, in pieces."""
    head = f"GET / HTTP/1.1\r\nHost: {target.host}\r\nX-A: ".encode()
    return target.exchange(head, *[b"a" * 8192] * 100, pause=0.001)


def _pieces(target: Target, head: bytes, piece: bytes) -> Answer:
    return target.exchange(head, *[piece] * 40, pause=0.1)


def _slow_headers(target: Target) -> Answer:
    return _pieces(target, f"GET / HTTP/1.1\r\nHost: {target.host}\r\n".encode(), b"X-A: b\r\n")


def _slow_body(target: Target) -> Answer:
    said = [f"Host: {target.host}", "Content-Type: application/json", "Content-Length: 1000000"]
    said.append(f"X-API-Key: {target.keys['owner']}")
    return _pieces(target, request("POST", "/graphql", said), b" ")


def _slow_chunks(target: Target) -> Answer:
    said = [f"Host: {target.host}", "Content-Type: application/json", "Transfer-Encoding: chunked"]
    said.append(f"X-API-Key: {target.keys['owner']}")
    return _pieces(target, request("POST", "/graphql", said), b"1\r\n \r\n")


def _silent(target: Target) -> Answer:
    return target.exchange(b"")


def _line_ends(target: Target) -> Answer:
    """Keep a connection that has been answered once open with line ends."""
    with socket.create_connection(("127.0.0.1", target.port), SECONDS) as connection:
        connection.sendall(request("GET", "/none", [f"Host: {target.host}"]))
        connection.recv(1 << 16)
        begun, said = time.monotonic(), b"-"
        connection.sendall(b"\r\n")
        while said:
            said = connection.recv(1 << 16)
        return Answer(0, b"", time.monotonic() - begun - LINGER_SECONDS)


def _pipelined(target: Target) -> Answer:
    """Ask for thousands of things in one breath; after the first some, no more is read."""
    one = request("GET", "/none", [f"Host: {target.host}"])
    answer = target.exchange(one * 5000, until_closed=True)
    assert answer.answers < 100
    return answer


def _raw(name: str, text: bytes, *statuses: int) -> Attack:
    """Return an attack by bytes that another server might read otherwise.

    What comes behind must not be taken for a request of its own.
    """

    def send(target: Target) -> Answer:
        host = f"Host: {target.host}".encode()
        answer = target.exchange(text.replace(b"HOST", host), until_closed=True)
        assert answer.answers == 1, answer.raw
        return answer

    return Attack(name, send, ("BAD_REQUEST",), statuses or (400,))


_POST = b"POST /graphql HTTP/1.1\r\nHOST\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"

SMUGGLING = [
    _raw(
        "a length and chunks",
        _POST + b"Content-Length: 6\r\n" + _CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    ),
    _raw(
        "chunks and a length", _POST + _CHUNKED + b"Content-Length: 6\r\n\r\n0\r\n\r\n" + SMUGGLED
    ),
    _raw("two lengths", _POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na" + SMUGGLED),
    _raw(
        "the same length twice",
        _POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na" + SMUGGLED,
    ),
    _raw("lengths in a list", _POST + b"Content-Length: 1, 1\r\n\r\na" + SMUGGLED),
    _raw("a length with a sign", _POST + b"Content-Length: +1\r\n\r\na" + SMUGGLED),
    _raw("a space before a colon", _POST + b"Content-Length : 1\r\n\r\na" + SMUGGLED),
    _raw("a folded header", _POST + b"X-A: b\r\n Content-Length: 1\r\n\r\na" + SMUGGLED),
    _raw(
        "a coding that is not known",
        _POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        501,
    ),
    _raw(
        "two codings", _POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 501
    ),
    _raw(
        "a coding after chunks",
        _POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + SMUGGLED,
    ),
    _raw(
        "chunks behind a control character",
        _POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    ),
    _raw(
        "chunks of HTTP/1.0",
        _POST.replace(b"1.1", b"1.0") + _CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
        501,
    ),
    _raw(
        "a chunk's size that overflows", _POST + _CHUNKED + b"\r\n" + b"f" * 17 + b"\r\n" + SMUGGLED
    ),
    _raw("a chunk's size that is none", _POST + _CHUNKED + b"\r\nzz\r\n" + SMUGGLED),
    _raw(
        "lines that end without a return",
        b"POST / HTTP/1.1\nHOST\nContent-Length: 1\n\na" + SMUGGLED,
    ),
    _raw("a return within a header", _POST + b"X-A: b\rContent-Length: 9\r\n\r\n" + SMUGGLED),
    _raw("a zero byte within a header", _POST + b"X-A: \0\r\n\r\n" + SMUGGLED),
    _raw("HTTP/0.9", b"GET /\r\n\r\n", 505),
    _raw("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    _raw("another version", b"GET / HTTP/3.7\r\nHOST\r\n\r\n", 400, 505),
    _raw("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64),
    _raw("two hosts", b"GET / HTTP/1.1\r\nHOST\r\nHost: evil.example\r\n\r\n"),
    _raw("no host", b"GET / HTTP/1.1\r\n\r\n"),
    _raw("the address of another server", b"GET http://evil.example/ HTTP/1.1\r\nHOST\r\n\r\n"),
    _raw("a way through to another server", b"CONNECT evil.example:443 HTTP/1.1\r\nHOST\r\n\r\n"),
    _raw("all of the server", b"OPTIONS * HTTP/1.1\r\nHOST\r\n\r\n"),
]


def _asked_as(name: str, *headers: str) -> Attack:
    """Return an attack by a page whose name leads to us since it was loaded."""

    def send(target: Target) -> Answer:
        said = [f"Host: {name}", f"X-API-Key: {target.keys['owner']}", *headers]
        method, body = ("GET", None) if headers else ("POST", ASKED)
        return target.exchange(request(method, "/graphql", said, body))

    return Attack(
        f"asked as {name or 'nobody'}{' by a socket' * bool(headers)}",
        send,
        ("UNKNOWN_HOST",),
        (421,),
    )


_SOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol: graphql-transport-ws",
)

REBINDING = [
    *map(
        _asked_as,
        ("evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"),
    ),
    *map(
        _asked_as, ("", "localhost@evil.example", "evil.example/localhost", "[::1", "127.0.0.1:x")
    ),
    _asked_as("evil.example", *_SOCKET),
]

HEADS = [
    Attack("a header of 40 KB", _with("X-A: " + "a" * 40_000), TOO_LARGE, (431,)),
    Attack("a header without an end", _unfinished, TOO_LARGE, (431,)),
    Attack("300 headers", _with(*[f"X-{n}: a" for n in range(300)]), TOO_LARGE, (431,)),
    Attack(
        "an address of 40 KB",
        lambda target: target.send("GET", "/graphql?query=" + "a" * 40_000),
        TOO_LARGE,
        (431,),
    ),
    Attack("headers that come slowly", _slow_headers, ("REQUEST_TIMEOUT",), (408,)),
    Attack("a body that comes slowly", _slow_body, ("REQUEST_TIMEOUT",), (408,)),
    Attack("chunks that come slowly", _slow_chunks, ("REQUEST_TIMEOUT",), (408,)),
    Attack("nothing at all", _silent, ("",), (0,)),
    Attack("line ends for ever", _line_ends, ("",), (0,)),
    Attack("5,000 requests at once", _pipelined, ("NOT_FOUND", ""), (404,)),
]
