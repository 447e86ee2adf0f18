"""Following an export: over graphql-transport-ws, or by looking again and again without it."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import orjson
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidURI,
)
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from server.client.connection import KeyRefused, Refused, Server, refuse_errors
from server.client.exports import PROGRESS, Export, export_of, look

POLL_SECONDS = 0.5
"""How often is looked where there is no socket."""

_OPEN_SECONDS = 10
_TRIES = 2
_BLINK_SECONDS = 0.2  # a Ctrl-C that comes just before waiting begins is heard only once it ends
_FORBIDDEN = 4403
_PROTOCOL = Subprotocol("graphql-transport-ws")


class _NoSocket(Exception):
    """The socket did not open, or broke."""


def follow(
    server: Server, export: Export, look_for_interrupt: Callable[[], None]
) -> Iterator[Export]:
    """Yield an export as it stands, and each change, until it has ended.

    Several times a second it is looked whether somebody wants to stop.
    """
    yield export
    in_vain = 0
    while not export.ended:
        look_for_interrupt()
        in_vain += 1
        if in_vain <= _TRIES:  # a proxy may never let a socket through
            with suppress(_NoSocket):
                for state in _told(server, export.id, look_for_interrupt):
                    export, in_vain = state, 0
                    yield state
        if not export.ended:
            time.sleep(POLL_SECONDS)
            export = look(server, export.id)  # which waits for a server that is gone
            yield export


def _told(
    server: Server, export_id: str, look_for_interrupt: Callable[[], None]
) -> Iterator[Export]:
    try:
        with connect(
            server.socket_url,
            subprotocols=[_PROTOCOL],
            open_timeout=_OPEN_SECONDS,
            close_timeout=1,
            compression=None,
        ) as socket:
            _say(socket, type="connection_init", payload={"X-API-Key": server.key})
            asked = {"query": PROGRESS, "variables": {"id": export_id}}
            yield from _states(socket, asked, look_for_interrupt)
    except ConnectionClosed as closed:
        if closed.rcvd is not None and closed.rcvd.code == _FORBIDDEN:
            raise KeyRefused("The server does not take this API key any more.") from closed
        raise _NoSocket from closed
    except (InvalidHandshake, InvalidURI, OSError, EOFError, ValueError) as error:
        raise _NoSocket from error


def _states(
    socket: ClientConnection, asked: dict[str, Any], look_for_interrupt: Callable[[], None]
) -> Iterator[Export]:
    for message in _messages(socket, look_for_interrupt):
        said = orjson.loads(message)
        match said.get("type"):
            case "connection_ack":
                _say(socket, type="subscribe", id="1", payload=asked)
            case "ping":
                _say(socket, type="pong")
            case "complete":
                return
            case _ if (state := _state_in(said)) is not None:
                yield state
            case _:
                pass
    raise _NoSocket  # it was closed before the export had ended


def _messages(
    socket: ClientConnection, look_for_interrupt: Callable[[], None]
) -> Iterator[str | bytes]:
    while True:
        look_for_interrupt()
        try:
            yield socket.recv(timeout=_BLINK_SECONDS)
        except TimeoutError:
            pass
        except ConnectionClosedOK:
            return


def _state_in(said: dict[str, Any]) -> Export | None:
    payload: Any = said.get("payload")
    match said.get("type"):
        case "next":
            refuse_errors(payload.get("errors"))
            return export_of(payload["data"]["exportProgress"])
        case "error":
            refuse_errors(payload)
            raise Refused("REFUSED", "The server does not let this export be followed.")
        case _:
            return None


def _say(socket: ClientConnection, **message: object) -> None:
    socket.send(orjson.dumps(message).decode())
