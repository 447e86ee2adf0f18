"""The scalars of our own."""

from typing import Any

import strawberry
from orjson import Fragment
from strawberry.types.scalar import ScalarDefinition

from server import timestamps
from server.column_types import ByteCount, Json, dump_json
from server.timestamps import EpochMs, Timestamp


def _parse_moment(value: object) -> Timestamp:
    if not isinstance(value, str):
        raise ValueError("DateTime must be text, such as `2024-10-20T14:30:45.123Z`.")
    return timestamps.parse(value)


def _parse_bytes(value: object) -> ByteCount:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("BigInt must be a whole number.")
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError("BigInt must fit into 64 bits.")
    return ByteCount(value)


def _as_kept(value: object) -> Fragment:
    """Return JSON as text that goes into the answer as it is, as that of stored rows does."""
    return Fragment(dump_json(value))


def _same(value: Any) -> Any:
    return value


_BIG_INT = strawberry.scalar(
    name="BigInt",
    description="A whole number that may exceed 32 bits, such as a size in bytes.",
    serialize=_same,
    parse_value=_parse_bytes,
)

SCALARS: dict[object, ScalarDefinition] = {
    Timestamp: strawberry.scalar(
        name="DateTime",
        description="ISO 8601, UTC, always milliseconds and `Z`: `2024-10-20T14:30:45.123Z`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=timestamps.iso,
        parse_value=_parse_moment,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value, as it was recorded.",
        serialize=_as_kept,
        parse_value=_same,
    ),
    ByteCount: _BIG_INT,
    EpochMs: _BIG_INT,
}
