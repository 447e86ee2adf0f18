"""Relay connections and ids."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, NewType, TypeVar

import strawberry

Node = TypeVar("Node")

DateTime = strawberry.scalar(
    NewType("DateTime", int),
    serialize=lambda ms: (
        datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    ),
    parse_value=lambda text: round(datetime.fromisoformat(text).timestamp() * 1000),
)
BigInt = strawberry.scalar(NewType("BigInt", int), serialize=int, parse_value=int)


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[Node]):
    cursor: str
    node: Node


@strawberry.type
class Connection(Generic[Node]):
    edges: list[Edge[Node]]
    nodes: list[Node]
    page_info: PageInfo


def global_id(row: Any) -> strawberry.ID:
    text = f"{type(row).__name__}:{row.id}"
    return strawberry.ID(urlsafe_b64encode(text.encode()).decode().rstrip("="))


def write_cursor(row: Any, order: str) -> str:
    return urlsafe_b64encode(f"{getattr(row, order)}:{row.id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[int, int]:
    at, key = urlsafe_b64decode(cursor).decode().split(":")
    return int(at), int(key)


def connection(
    rows: Sequence[Any], make: Callable[[Any], Node], order: str, first: int, after: str | None
) -> Connection[Node]:
    """Make a page of rows, of which there may be one too many."""
    edges = [Edge(cursor=write_cursor(row, order), node=make(row)) for row in rows[:first]]
    return Connection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=len(rows) > first,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )
