"""Logging: one structured line an event, for the server and the libraries it uses alike.

What is logged while a request is answered carries the request's id.
"""

import logging
import sys
import traceback
from contextvars import ContextVar, Token
from pathlib import Path
from secrets import token_hex

import structlog

ACCESS = "server.access"
"""The name of the logger that tells of requests, a line each."""

ACCESS_FIELDS = (
    *("request_id", "method", "route", "status", "ms"),
    *("operation", "type", "outcome"),
)
"""What such a line may say; nothing of who asks, from where, for what or with which key."""

SLOW_FIELDS = ("seconds", "loads", "statements", "statement_count", "statement_seconds", "plan")
"""What a line of a slow operation says besides."""

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """Return the id of the request that is being answered; nothing outside of one."""
    return _request_id.get()


def new_id() -> str:
    """Return an id for a request, 16 hexadecimal digits."""
    return token_hex(8)


def enter_request(id_: str) -> Token[str]:
    """Let what is logged from now on, in this task and those it begins, carry an id."""
    return _request_id.set(id_)


def leave_request(token: Token[str]) -> None:
    """Take the id back."""
    _request_id.reset(token)


def incident() -> str:
    """Return by what an operator finds what went wrong: the request's id, or one made for it."""
    return request_id() or new_id()


def configure_logging() -> None:
    """Send everything to standard error: coloured for a terminal, JSON for anything else."""
    to_terminal = sys.stderr.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer() if to_terminal else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=(*ACCESS_FIELDS, *SLOW_FIELDS)),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_request,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _name_exception,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in ("alembic", "httpx2", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_of_no_socket)


def _is_of_no_socket(record: logging.LogRecord) -> bool:
    """Leave out what is said of sockets with addresses, and tokens: we tell of them ourselves."""
    said = str(record.msg)
    return '"WebSocket %s"' not in said and not said.startswith("connection ")


def _name_request(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    if id_ := request_id():
        event.setdefault("request_id", id_)
    return event


def _name_exception(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Put an exception's name and place where a library logs all of it."""
    match event.pop("exc_info", None):
        case (_, BaseException() as error, _) | (BaseException() as error):
            event["exception"] = whereabouts(error)
        case _:
            pass
    return event


def whereabouts(error: BaseException | None) -> str:
    """Name an error and the line it came from; its text may hold people's data, so not that."""
    trace = traceback.extract_tb(error.__traceback__ if error else None)
    frames: list[traceback.FrameSummary] = list(trace)
    ours = [f for f in frames if "/server/" in f.filename] or frames[-1:]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "nowhere"
    return f"{type(error).__name__} at {place}"
