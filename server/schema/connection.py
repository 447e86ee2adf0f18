"""Relay connections, written once for every list."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Generic, Protocol, TypeVar

import strawberry

from server.cursors import PageRequest, SortKey, page_size
from server.errors import BadUserInput
from server.paging import Page
from server.records.filters import Filter
from server.records.listed import Listed
from server.resolvers.reading import count_within, page_within, root_count, root_page
from server.rows import Row
from server.schema.info import Info

NodeType = TypeVar("NodeType")


@strawberry.enum(description="Which end of an order comes first.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Smallest or earliest first; nulls last.")
    DESC = strawberry.enum_value("DESC", description="Largest or latest first; nulls first.")


class OrderBy(Protocol):
    """What each list's order input offers."""

    field: Any
    direction: OrderDirection


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows come before this page.")
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first row, for `before`."
    )
    end_cursor: str | None = strawberry.field(description="Cursor of the last row, for `after`.")


@strawberry.type(description="A row and its place in the list.")
class Edge(Generic[NodeType]):
    node: NodeType = strawberry.field(description="The row.")
    cursor: str = strawberry.field(description="Its place: give it as `after` or `before`.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[NodeType]):
    edges: list[Edge[NodeType]] = strawberry.field(description="The rows, each with its cursor.")
    nodes: list[NodeType] = strawberry.field(description="The rows, without cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page lies in its list.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many rows the whole list has; counted only when asked for.")
    async def total_count(self) -> int:
        return await self.count()


@dataclass(frozen=True, slots=True)
class Window:
    """The four arguments by which Relay asks for a page."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


async def list_all(
    info: Info,
    listed: Listed,
    kept: Filter | None,
    order_by: Sequence[OrderBy] | None,
    window: Window,
) -> Connection[Any]:
    """Resolve a connection of all the rows that the caller may see."""
    context, kept = info.context, kept or listed.filter()
    request = page_request("", listed, kept, order_by, window)
    page = await root_page(context, listed, request, kept)
    return _connection(page, lambda: root_count(context, listed, kept))


async def list_within(
    info: Info,
    parent: object,
    listed: Listed,
    kept: Filter | None,
    order_by: Sequence[OrderBy] | None,
    window: Window,
) -> Connection[Any]:
    """Resolve a connection of the rows that belong to `parent`."""
    assert isinstance(parent, Row)
    context, kept = info.context, kept or listed.filter()
    request = page_request(parent.layout.level, listed, kept, order_by, window)
    page = await page_within(context, listed, parent, request, kept)
    return _connection(page, lambda: count_within(context, listed, parent, kept))


def page_request(
    level: str,
    listed: Listed,
    kept: Filter,
    order_by: Sequence[OrderBy] | None,
    window: Window,
    most: int | None = None,
) -> PageRequest:
    """Return which page is asked for; `most` is how many rows it may have, if not the list's."""
    limit, backwards = page_size(window.first, window.last, most or listed.most)
    order = tuple(
        SortKey(by.field.value, descending=by.direction is OrderDirection.DESC)
        for by in order_by or ()
    ) or (SortKey(next(iter(listed.order)).value),)
    if len({key.column for key in order}) < len(order):
        raise BadUserInput("`orderBy` names a field twice.", ["orderBy"])
    asked = kept.model_dump_json(exclude_none=True)
    meant = f"{listed.model.__name__} of {level} {order} {asked}"
    return PageRequest(
        order=order,
        limit=limit,
        fingerprint=sha256(meant.encode()).hexdigest()[:8],
        backwards=backwards,
        after=window.after,
        before=window.before,
    )


def _connection(page: Page, count: Callable[[], Awaitable[int]]) -> Connection[Any]:
    edges = [Edge(node=row, cursor=page.cursor(row)) for row in page.rows]
    return Connection(
        edges=edges,
        nodes=list(page.rows),
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        count=count,
    )
