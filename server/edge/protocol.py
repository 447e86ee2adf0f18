"""HTTP/1.1 as uvicorn speaks it, for clients who may be slow, many, or not what they seem.

A client owes us something from when it connects until its headers are there, and then its body.
What is owed is not timed one by one: each connection is looked at once a second (`Connections`), so
that a request costs no timer.
"""

from asyncio import Transport
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from server.edge.connections import Connections
from server.edge.heads import MALFORMED, fault, too_long
from server.edge.lingering import Lingering
from server.edge.refusals import Refusal
from server.edge.security import HEADERS
from server.logs import new_id
from server.observing import lines, metrics

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

LEAST_PACE = 1024
"""Bytes a second that a body must come with, once its first seconds are over."""

SILENCE = 5
"""Seconds beyond those for a body after which one is cut off that does not go on: routes that read
as it comes are to say first what they have stored."""

LINGER_SECONDS = 2.0
"""For how long what still comes is thrown away after a refusal, so that the client can read it."""

MOST_PIPELINED = 16
"""How many requests may wait behind one: a single read can hold thousands."""

LEAST_READ = 1 << 14
"""How many bytes of an answer must be read within the time for that."""

TOO_SLOW = Refusal(
    HTTPStatus.REQUEST_TIMEOUT, "REQUEST_TIMEOUT", "The request came too slowly: send it again."
)
TOO_MANY = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "BUSY",
    "Too many connections are open: try again in some seconds.",
    {"Retry-After": "5"},
)


class Owed(Enum):
    """What a client has yet to send."""

    NOTHING = 0
    HEADERS = 1
    BODY = 2


class _Refused(Exception):
    """Ends the parsing of a request; the parser makes it an error of its own."""


class GuardedProtocol(Lingering):
    """A connection that is ended if its client takes too much of the server."""

    def __init__(self, *args: Any, connections: Connections, **named: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **named)
        self._others = connections
        self._limits = connections.limits
        self._fault: Refusal | None = None
        self._answering: RequestResponseCycle | None = None  # `cycle` is the one that is read
        self._is_over = False
        self._owed = Owed.NOTHING
        self._since = self._heard = self._answered = 0.0
        self._size = 0  # of headers that are not all there, or of a body
        self._unread = 0
        self._unread_since = 0.0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        self._since, self._owed = self.loop.time(), Owed.HEADERS
        if not self._others.add(self, self.loop, len(self.connections)):
            self._refuse(TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._others.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._heard = self.loop.time()
        was = self._owed
        super().data_received(data)
        if self._is_over:
            return
        if self._owed is Owed.HEADERS and was is Owed.HEADERS:
            self._size += len(data)
            if self._size > self._limits.header_bytes:
                self._refuse(too_long(self._limits.header_bytes))
        elif self._owed is Owed.NOTHING and self._is_untimed:
            self._owed, self._since, self._size = Owed.HEADERS, self._heard, 0

    @property
    def _is_untimed(self) -> bool:
        """Whether nothing is asked, and no timer runs: line ends between requests stop it."""
        return self._is_all_answered and self.timeout_keep_alive_task is None

    @property
    def _is_all_answered(self) -> bool:
        return self._answering is None or self._answering.response_complete

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._owed is not Owed.HEADERS:
            self._owed, self._since, self._size = Owed.HEADERS, self.loop.time(), 0

    def on_headers_complete(self) -> None:
        assert self.parser is not None
        version = self.parser.get_http_version()
        self._fault = fault(version, self.url, self.headers, self._limits.header_bytes)
        if self._fault is not None or len(self.pipeline) >= MOST_PIPELINED:
            raise _Refused
        self._owed, self._since, self._size = Owed.BODY, self.loop.time(), 0
        self._others.idle.pop(self, None)
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._owed = Owed.NOTHING
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._answered = self.loop.time()
        if self._is_all_answered and not self.transport.is_closing():
            self._others.idle[self] = None

    def handle_websocket_upgrade(self) -> None:
        self._others.remove(self)
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._fault or MALFORMED)

    def make_room(self) -> None:
        self.transport.close()

    def look(self, now: float) -> None:
        if self.transport.is_closing() or self._is_over:
            return
        if self._owed is Owed.HEADERS and now - self._since > self._limits.header_seconds:
            if self._heard:
                self._refuse(TOO_SLOW)
            else:
                self.transport.close()
        elif self._owed is Owed.BODY:
            self._look_at_body(now)
        self._look_at_reader(now)

    def _look_at_body(self, now: float) -> None:
        if self.cycle.response_complete:
            if now - self._answered > LINGER_SECONDS:
                self.transport.close()
        elif self.flow.read_paused:  # it is us who do not read
            self._since = self._heard = now
            self._size = 0
        else:
            allowed = self._limits.body_seconds
            is_late = now - self._since > allowed + self._size / LEAST_PACE
            if is_late or now - max(self._heard, self._since) > allowed + SILENCE:
                self._refuse(TOO_SLOW)

    def _look_at_reader(self, now: float) -> None:
        if not self.flow.write_paused:
            self._unread = 0
            return
        unread = self.transport.get_write_buffer_size()
        if not self._unread or not self._unread - LEAST_READ < unread <= self._unread:
            self._unread, self._unread_since = unread, now
        elif now - self._unread_since > self._limits.unread_seconds:
            self.transport.abort()

    def _refuse(self, refusal: Refusal) -> None:
        """Say why nothing more is read, if it can be said, and end the connection soon."""
        self._is_over = True
        earlier, is_in_body = self._answering, self._owed is Owed.BODY
        if earlier is None or (earlier.response_complete and not is_in_body):
            self._say(refusal)
        elif is_in_body and earlier is self.cycle:
            if earlier.response_started:
                self.transport.close()
            else:
                self._say(refusal)
            earlier.disconnected = True
            earlier.message_event.set()
        else:  # of an earlier request's answer nothing must be lost
            earlier.keep_alive = False

    def _say(self, refusal: Refusal) -> None:
        status, id_ = HTTPStatus(refusal.status), new_id()
        lines.tell("refused", {"request_id": id_, "status": status, "outcome": refusal.code})
        metrics.request_answered("(refused)", "OTHER", str(status.value))
        headers = [
            *HEADERS,
            (b"x-request-id", id_.encode()),
            *((name.encode(), value.encode()) for name, value in refusal.headers.items()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(refusal.body)).encode()),
            (b"connection", b"close"),
        ]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        line = f"HTTP/1.1 {status} {status.phrase}\r\n".encode()
        self.transport.write(line + head + b"\r\n" + refusal.body)
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
