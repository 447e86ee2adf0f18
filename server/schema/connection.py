"""Relay connections, written once for every list."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

import strawberry

from server.cursors import SortKey
from server.execution.fields import Batched
from server.records.filters import Filter
from server.records.listed import Listed
from server.resolvers.listings import Listing, PageOfAll, PageWithin, TotalCounts, Window

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

    @strawberry.field(
        description="How many rows the whole list has; counted only when asked for.",
        extensions=[Batched()],
    )
    def total_count(self) -> int:
        return loaded(TotalCounts())


def loaded(batch: Any) -> Any:
    """Return what a batched resolver loads in the place of what its field shows."""
    return batch


def all_of(
    listed: Listed, kept: Filter | None, order_by: Sequence[OrderBy] | None, window: Window
) -> Any:
    """Load a page of all the rows that the caller may see."""
    return PageOfAll(_listing(listed, kept, order_by), window)


def within(
    listed: Listed, kept: Filter | None, order_by: Sequence[OrderBy] | None, window: Window
) -> Any:
    """Load a page of the rows that belong to each source."""
    return PageWithin(_listing(listed, kept, order_by), window)


def _listing(listed: Listed, kept: Filter | None, order_by: Sequence[OrderBy] | None) -> Listing:
    order = tuple(
        SortKey(by.field.value, descending=by.direction is OrderDirection.DESC)
        for by in order_by or ()
    )
    return Listing(listed, kept or listed.filter(), order)
