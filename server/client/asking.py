"""What people type, made the input of `exportCreate`: ids, names and files, checked by the server.

What is not typed is left out, so that the server's defaults hold.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from server.errors import ExpectedFailure


class NotUnderstood(ExpectedFailure):
    """An option cannot be used; the message says how it is written."""

    code = "NOT_UNDERSTOOD"


def enum_name(text: str) -> str:
    """Return `chat-messages`, `chatMessages` or `CHAT_MESSAGES` as the API's enum has it."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text.strip())
    return re.sub(r"[\s-]+", "_", words).upper()


def participant(text: str) -> dict[str, str]:
    """Return the room and the person of ROOM:PERSON."""
    room, colon, person = text.partition(":")
    if not (colon and room.strip() and person.strip()):
        raise NotUnderstood("--participant is written ROOM:PERSON, such as room_1:abc123.")
    return {"roomId": room.strip(), "participantId": person.strip()}


def chosen_columns(text: str) -> dict[str, Any]:
    """Return the data type and the columns of TYPE:COLUMN,COLUMN."""
    data_type, colon, names = text.partition(":")
    columns = [name.strip() for name in names.split(",") if name.strip()]
    if not (colon and data_type.strip() and columns):
        raise NotUnderstood(
            "--columns is written TYPE:COLUMN,COLUMN, such as events:onset,content."
        )
    return {"dataType": enum_name(data_type), "columns": columns}


def data_filter(text: str) -> dict[str, Any]:
    """Return a filter that is written as JSON, or is in a file of that name."""
    try:
        written = text if text.lstrip().startswith("{") else Path(text).read_bytes()
        found: Any = orjson.loads(written)
    except OSError as error:
        raise NotUnderstood(
            f"--filter is JSON, or the name of a file that holds it: {text} cannot be read."
        ) from error
    except orjson.JSONDecodeError as error:
        raise NotUnderstood(
            f"--filter is no JSON, at line {error.lineno}, column {error.colno}."
        ) from error
    if not isinstance(found, dict):
        raise NotUnderstood('--filter is an object, such as {"events": {"onset": {"min": 0}}}.')
    return found  # pyright: ignore[reportUnknownVariableType] - any JSON


def input_of(
    *,
    experiments: Sequence[str] = (),
    rooms: Sequence[str] = (),
    participants: Sequence[str] = (),
    types: Sequence[str] = (),
    columns: Sequence[str] = (),
    filter_: str | None = None,
    format_: str | None = None,
    single: bool | None = None,
    anonymization: str | None = None,
    **others: object,
) -> dict[str, Any]:
    """Return the input; `others` are fields that are taken as they are, by their API names."""
    if not (experiments or rooms or participants):
        raise NotUnderstood(
            "Name what to export: --experiment, --room or --participant, each as often as needed."
        )
    packaging = None if single is None else "SINGLE_FILE" if single else "ZIP"
    asked: dict[str, object] = {
        "experimentIds": list(experiments),
        "roomIds": list(rooms),
        "participants": [participant(each) for each in participants],
        "dataTypes": [enum_name(each) for each in types],
        "columns": [chosen_columns(each) for each in columns],
        "filter": data_filter(filter_) if filter_ else None,
        "format": enum_name(format_) if format_ else None,
        "packaging": packaging,
        "anonymization": enum_name(anonymization) if anonymization else None,
        **others,
    }
    return {name: value for name, value in asked.items() if value not in (None, [])}
