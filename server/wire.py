"""Websockets on the wire: uvicorn's, made so that nobody holds memory by taking nothing.

What is sent to a client who does not read fills a buffer, which has a bound: then nothing more is
read from them either, as what comes may ask for an answer, such as a ping. Who takes nothing for a
while is told 1013 and forgotten. When the server goes, sockets are closed with 1001.
"""

import asyncio
from typing import ClassVar

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

GOING_AWAY = 1001
TRY_AGAIN = 1013


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection.

    stalled_seconds  how long a client may take nothing of what waits for it
    last_seconds     how long it then has, or whenever a socket is closed, to take the rest
    """

    stalled_seconds: ClassVar[float] = 20
    last_seconds: ClassVar[float] = 5

    _stalled: asyncio.TimerHandle | None = None
    _ending: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._stalled, self._ending):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()
        self._stalled = self.loop.call_later(self.stalled_seconds, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
        if not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> ASGIReceiveEvent:
        message = await super().receive()
        if not self.writable.is_set() and not self.disconnected:
            self.transport.pause_reading()  # which the line above may have resumed
        return message

    def shutdown(self) -> None:
        """Close with 1001, and wait for the client's answer no longer than for its reading."""
        if self.handshake_complete and not self.close_sent:
            self._close(GOING_AWAY, "The server stops: connect again.")
        else:
            super().shutdown()
        self._abort_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_soon()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        super().on_task_complete(task)
        self._abort_soon()

    def _give_up(self) -> None:
        if not self.close_sent:
            self._close(TRY_AGAIN, "What was sent was not taken: read faster, or ask for less.")
        self.disconnected = True
        self.writable.set()  # whoever waits to send learns that there is nobody
        self._abort_soon()

    def _close(self, code: int, reason: str) -> None:
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.conn.state is State.OPEN and not self.transport.is_closing():
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(self.last_seconds, self.transport.abort)
        self.read_paused = False
        if self.writable.is_set():  # else once what was written is taken
            self.transport.resume_reading()

    def _abort_soon(self) -> None:
        """Cut the connection if what waits is not taken: closing it alone would wait for ever."""
        if self._ending is None:
            self._ending = self.loop.call_later(self.last_seconds, self.transport.abort)
