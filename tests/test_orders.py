"""Orders sort as Python does, by any columns, whichever way and however the pages are cut."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.asked import PLACES, RECORDS, Case, cases, id_of
from tests.conftest import Api
from tests.expected import keeps, sort_key

pytestmark = pytest.mark.anyio

Keys = list[tuple[str, bool]]
"""Columns to sort by, and whether descending."""


ALL = {**RECORDS, **PLACES}

DRAWN = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def sorted_cases(draw: st.DrawFn) -> tuple[Case, Keys]:
    case = draw(cases(ALL, 1))
    columns = [choice.value for choice in case.listed.order]
    chosen = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=3, unique=True))
    return case, [(column, draw(st.booleans())) for column in chosen]


def asked(case: Case) -> dict[str, Any]:
    return case.asked[0] if case.asked else {}


def expected(case: Case, keys: Keys) -> list[str]:
    found = [row for row in case.found if keeps(asked(case), row)]
    found.sort(key=lambda row: row.key, reverse=keys[-1][1])
    for column, descending in reversed(keys):
        found.sort(key=lambda row: sort_key(row, column), reverse=descending)
    return [id_of(row) for row in found]


async def walked(
    api: Api, key: str, case: Case, keys: Keys, size: int, *, backwards: bool
) -> list[str]:
    """Return the ids of all pages, asked for one after another."""
    limit, side, more, edge = "first", "after", "hasNextPage", "endCursor"
    if backwards:
        limit, side, more, edge = "last", "before", "hasPreviousPage", "startCursor"
    order = [{"field": c.upper(), "direction": "DESC" if d else "ASC"} for c, d in keys]
    ids: list[str] = []
    place: dict[str, Any] = {}
    while True:
        arguments = {"filter": asked(case), "order": order, limit: size, **place}
        page = await case.page(api, key, **arguments)
        found = [node["id"] for node in page["nodes"]]
        ids = [*found, *ids] if backwards else [*ids, *found]
        if not page["pageInfo"][more]:
            return ids
        assert len(found) == size
        place = {side: page["pageInfo"][edge]}


@DRAWN
@given(chosen=sorted_cases(), size=st.integers(1, 5), backwards=st.booleans())
async def test_pages_are_in_the_order_that_python_would_sort_them(
    any_api: Api, chosen: tuple[Case, Keys], size: int, backwards: bool
) -> None:
    case, keys = chosen
    key = await case.stored(any_api)

    assert await walked(any_api, key, case, keys, size, backwards=backwards) == expected(case, keys)


@settings(DRAWN, max_examples=12)
@given(case=cases(ALL, 0, least=6))
async def test_every_order_that_a_list_offers_leads_from_page_to_page(
    any_api: Api, case: Case
) -> None:
    key = await case.stored(any_api)
    for choice in case.listed.order:
        for descending in (False, True):
            keys = [(choice.value, descending)]
            walk = await walked(any_api, key, case, keys, 2, backwards=descending)
            assert walk == expected(case, keys), choice
