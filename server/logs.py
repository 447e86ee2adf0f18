"""Logging: one structured line an event, for the server and the libraries it uses alike."""

import logging
import sys
import traceback
from pathlib import Path

import structlog


def configure_logging() -> None:
    """Send everything to standard error: coloured for a terminal, JSON for anything else."""
    to_terminal = sys.stderr.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer() if to_terminal else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
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
    for name in ("alembic", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)


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
