"""Attacks by what is sent to the API instead of a request in JSON."""

import gzip
import json

from tests.abuse.attacks import Attack
from tests.abuse.target import VIEWER, Target
from tests.abuse.wire import Answer, request

ASKED = json.dumps({"query": VIEWER}).encode()
NOT_READ = ("BAD_USER_INPUT", "UNSUPPORTED_MEDIA_TYPE")
TOO_LARGE = ("PAYLOAD_TOO_LARGE",)
CANCEL = 'mutation { exportCancel(id: "x") { userErrors { code } } }'


def _posted(name: str, body: bytes, kind: str = "application/json", *headers: str) -> Attack:
    return Attack(name, lambda target: target.post(body, kind, *headers), NOT_READ, (400, 415))


def _with_number(digits: int) -> bytes:
    return b'{"query": "%s", "variables": {"n": %s}}' % (VIEWER.encode(), b"9" * digits)


def _chunked_without_end(target: Target) -> Answer:
    """Send a body in chunks, larger and larger, without saying how large it will be."""
    head = request(
        "POST",
        "/graphql",
        [
            f"Host: {target.host}",
            f"X-API-Key: {target.keys['owner']}",
            "Content-Type: application/json",
            "Transfer-Encoding: chunked",
        ],
    )
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    return target.exchange(head, *[chunk] * 200, pause=0.001)


def _said_to_be_large(target: Target) -> Answer:
    head = request("POST", "/graphql", [f"Host: {target.host}", f"Content-Length: {1 << 40}"])
    return target.exchange(head)


def _large_form(target: Target) -> Answer:
    form = b"key=" + b"x" * (5 << 20)
    return target.send(
        "POST", "/auth/sign-in", "Content-Type: application/x-www-form-urlencoded", body=form
    )


def _endless_line(target: Target) -> Answer:
    line = b'{"type": "' + b"x" * (20 << 20)
    return target.send("POST", "/ingest", "Content-Type: application/x-ndjson", body=line)


BODIES = [
    _posted("brackets, 100,000 deep", b"[" * 100_000),
    _posted("objects, 10,000 deep", b'{"query": ' + b'{"a":' * 10_000),
    _posted(
        "variables, 5,000 deep",
        b'{"query": "{ a }", "variables": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
    ),
    _posted("a number of 10,000 digits", _with_number(10_000)),
    _posted("a number of 1,000,000 digits", _with_number(1_000_000)),
    _posted("half a character", b'{"query": "\\ud800"}'),
    _posted("half a character as bytes", b'{"query": "\xed\xa0\x80"}'),
    _posted("bytes that are no UTF-8", b'{"query": "\xff\xfe"}'),
    _posted("UTF-16", ASKED.decode().encode("utf-16")),
    _posted("no number", b'{"query": "{ a }", "variables": {"a": NaN}}'),
    _posted("a batch", b"[" + b",".join([ASKED] * 1000) + b"]"),
    _posted(
        "zeros, compressed a thousandfold",
        gzip.compress(b"\0" * (50 << 20)),
        "application/json",
        "Content-Encoding: gzip",
    ),
    _posted(
        "a form, as pages elsewhere can post",
        b"query=" + CANCEL.encode(),
        "application/x-www-form-urlencoded",
    ),
    _posted(
        "a form in parts, as pages elsewhere can post",
        b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n'
        + ASKED
        + b"\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    _posted("plain text, as pages elsewhere can post", ASKED, "text/plain"),
    Attack("a body of 5 MiB", lambda target: target.post(b" " * (5 << 20)), TOO_LARGE, (413,)),
    Attack("a body said to be of a TiB", _said_to_be_large, TOO_LARGE, (413,)),
    Attack("chunks without end", _chunked_without_end, TOO_LARGE, (413,)),
    Attack("a form of 5 MiB", _large_form, TOO_LARGE, (413,)),
    Attack(
        "a line without end",
        _endless_line,
        ("BAD_USER_INPUT", "PAYLOAD_TOO_LARGE", ""),
        (200, 400, 413),
    ),
]
