"""Pages: put together they are the list, whatever its order, filter and page size."""

import random
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.global_ids import global_id
from server.records.events import EVENTS
from server.records.experiments import EXPERIMENTS
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS
from server.records.rooms import ROOMS
from tests.conftest import Api, opened
from tests.factories import (
    START,
    Row,
    a_participant,
    a_room,
    a_user,
    an_event,
    an_experiment,
    save,
)

pytestmark = pytest.mark.anyio

LISTED = {"experiments": EXPERIMENTS, "rooms": ROOMS, "participants": PARTICIPANTS} | {
    "events": EVENTS
}
PAGE = """totalCount nodes { id } edges { cursor node { id } }
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"""


@dataclass(frozen=True)
class Sort:
    """One key of an order."""

    field: str
    column: str
    descending: bool


@dataclass(frozen=True)
class Listing:
    """A list that the API offers, and the rows it should hold."""

    field: str
    parent: Row | None
    rows: Sequence[Row]

    @property
    def listed(self) -> Listed:
        return LISTED[self.field]

    def sorted(self, order: Sequence[Sort], rows: Sequence[Row]) -> list[str]:
        """Return ids in the order that Python's own sort gives."""
        found = sorted(rows, key=lambda row: row.key, reverse=order[-1].descending)
        for key in reversed(order):
            column = key.column
            found.sort(key=lambda row: (row[column] is None, row[column] or 0), reverse=key.descending)  # type: ignore[misc]  # noqa: B023, E501
        return [id_of(row) for row in found]


@dataclass(frozen=True)
class Study:
    api: Api
    key: str
    listings: Sequence[Listing]

    async def page(
        self, listing: Listing, order: Sequence[Sort], kept: object = None, **window: Any
    ) -> dict[str, Any]:
        kind = listing.listed.model.__name__
        query = f"""page: {listing.field}(orderBy: $order, filter: $filter, first: $first,
                    after: $after, last: $last, before: $before) {{ {PAGE} }}"""
        variables = f"""$order: [{kind}Order!], $filter: {kind}Filter,
                    $first: Int, $after: String, $last: Int, $before: String"""
        asked = {"order": sort_by(order), "filter": kept, **window}
        if listing.parent is None:
            data = await self.api.ask(f"query({variables}) {{ {query} }}", self.key, **asked)
            return data["page"]  # type: ignore[no-any-return]
        parent = listing.parent.model.__name__
        data = await self.api.ask(
            f"query($id: ID!, {variables}) {{ node(id: $id) {{ ... on {parent} {{ {query} }} }} }}",
            self.key,
            id=id_of(listing.parent),
            **asked,
        )
        return data["node"]["page"]  # type: ignore[no-any-return]
