"""How commands end: an exit code, and a sentence or JSON for what went wrong."""

import sys
from typing import Any

import orjson

from server.client.connection import ServerSaid
from server.errors import ExpectedFailure

DONE, FAILED, INTERRUPTED = 0, 1, 130


def say(line: str) -> None:
    """Write a line of the outcome."""
    print(line, flush=True)  # noqa: T201 - it is the outcome


def say_json(outcome: Any) -> None:  # noqa: ANN401 - any JSON
    """Write the outcome as JSON."""
    say(orjson.dumps(outcome, option=orjson.OPT_INDENT_2).decode())


def refuse(failure: ExpectedFailure, *, as_json: bool) -> int:
    """Say why there is no outcome; return the exit code."""
    code = failure.server_code if isinstance(failure, ServerSaid) else failure.code
    if as_json:
        say_json({"error": {"code": code, "message": failure.message}})
    else:
        print(f"{failure.message} [{code}]", file=sys.stderr, flush=True)  # noqa: T201
    return FAILED
