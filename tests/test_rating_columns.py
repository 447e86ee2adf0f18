"""Columns of continuous ratings: the rows of the connection, as parallel lists."""

from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.records.continuous_ratings import CONTINUOUS_RATINGS
from tests.conftest import Api, opened
from tests.factories import START, a_continuous_rating, a_participant, a_room, save
from tests.rollup_rooms import Place, a_place
from tests.studies import ASKING
from tests.test_schema import camel, fields_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def api(any_api: Api) -> Api:
    """The server over either kind of database."""
    return any_api


NAMES = [camel(name) for name in CONTINUOUS_RATINGS.public_columns]
ALL = " ".join(NAMES)
PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"

FILTERS = st.sampled_from(["", ", filter: {onset: {lt: 150}}"])
LEVELS = st.sampled_from(["experiment", "room", "participant"])


async def with_samples(api: Api, count: int = 20) -> Place:
    """Store samples of which some happened at the same moment, and some lack what may be null."""
    place = await a_place(api)
    await place.save(
        *(
            a_continuous_rating(
                place.people[n % 2],
                onset=(n // 3 - 2) * 100,
                value=None if n % 5 == 0 else n / 100,
                component_id=None if n % 7 == 0 else f"cmp_{n % 2}",
                raw_value=n / 3,
                scale_min=-1e308,
            )
            for n in range(count)
        )
    )
    return place


def as_rows(columns: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    lists = [columns[name] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def test_there_is_a_column_of_every_public_column() -> None:
    assert fields_of("ContinuousRatingColumns") == {*NAMES, "epochMs", "pageInfo", "totalCount"}


@ASKING
@given(
    level=LEVELS,
    size=st.integers(1, 25),
    kept=FILTERS,
)
async def test_columns_are_the_connection_s_rows_page_by_page_with_its_cursors(
    api: Api, level: str, size: int, kept: str
) -> None:
    place, after = await with_samples(api), None
    while True:
        window = f"first: {size}{kept}" + (f', after: "{after}"' if after else "")
        columns = await place.ask(
            f"continuousRatingColumns({window}) {{ {ALL} totalCount {PAGE} }}", level
        )
        page = await place.ask(
            f"continuousRatings({window}) {{ nodes {{ {ALL} }} totalCount {PAGE} }}", level
        )

        assert as_rows(columns, NAMES) == page["nodes"]
        assert columns["pageInfo"] == page["pageInfo"]
        assert columns["totalCount"] == page["totalCount"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]


async def test_moments_come_as_text_or_as_numbers(api: Api) -> None:
    place = await with_samples(api, 4)

    found = await place.ask("continuousRatingColumns { timestamp epochMs onset }")

    assert found["epochMs"] == [START + onset for onset in found["onset"]]
    assert found["timestamp"][0] == "2024-10-20T14:30:44.923Z"


async def test_columns_that_were_not_selected_are_not_read(tmp_path: Path, any_url: str) -> None:
    """Plans look ahead; where they are switched off, everything is read."""
    async with opened(tmp_path, database_url=any_url, fast_path=True) as api:
        await only_what_is_selected_is_read(api)


async def only_what_is_selected_is_read(api: Api) -> None:
    place = await with_samples(api)
    query = f"""{{ {place.at("room")} {{ columns: continuousRatingColumns {{
      __typename ...Some ... on ContinuousRatingColumns {{ again: value }} }} }} }}
      fragment Some on ContinuousRatingColumns {{ value ...More }}
      fragment More on ContinuousRatingColumns {{ ratingId @include(if: true) }}"""

    with api.counting() as statements:
        found = (await api.ask(query, place.key))["room"]["columns"]

    assert found["__typename"] == "ContinuousRatingColumns"
    assert found["again"] == found["value"]
    assert len(found["ratingId"]) == 20
    [reading] = [each for each in statements if "continuous_rating" in each]
    assert "rating_id" in reading
    for other in ("raw_value", "component_id", "scale_min", "room_id", "count("):
        assert other not in reading


async def test_an_infinite_value_is_null(api: Api) -> None:
    place = await a_place(api, people=1)
    values = [inf, -inf, 1e308, -1e308, None]
    await place.save(
        *(
            a_continuous_rating(place.people[0], onset=n, value=value)
            for n, value in enumerate(values)
        )
    )

    found = await place.ask("continuousRatingColumns { value }")

    assert found["value"] == [None, None, 1e308, -1e308, None]


async def test_nothing_comes_as_empty_columns(api: Api) -> None:
    place = await a_place(api)

    found = await place.ask(f"continuousRatingColumns {{ {ALL} epochMs totalCount {PAGE} }}")

    nothing = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None}
    assert found == {
        **{name: [] for name in (*NAMES, "epochMs")},
        "totalCount": 0,
        "pageInfo": {**nothing, "endCursor": None},
    }


async def test_each_of_many_rooms_has_its_own_page(api: Api) -> None:
    place = await with_samples(api)
    room = a_room(place.experiment)
    person = a_participant(room)
    await save(api.db, room, person, *(a_continuous_rating(person, onset=n) for n in (5, -5, 0, 5)))
    columns = f"continuousRatingColumns(first: 3) {{ {ALL} {PAGE} }}"
    rows = f"continuousRatings(first: 3) {{ nodes {{ {ALL} }} {PAGE} }}"
    query = f"{{ {place.at('experiment')} {{ rooms {{ nodes {{ {columns} {rows} }} }} }} }}"

    nodes = (await api.ask(query, place.key))["experiment"]["rooms"]["nodes"]

    assert len(nodes) == 2
    for node in nodes:
        found, page = node["continuousRatingColumns"], node["continuousRatings"]
        assert as_rows(found, NAMES) == page["nodes"]
        assert len(page["nodes"]) == 3
        assert found["pageInfo"] == page["pageInfo"]


async def test_a_cursor_from_elsewhere_is_refused(api: Api) -> None:
    place = await with_samples(api)
    own = "continuousRatingColumns(first: 2) { pageInfo { endCursor } }"
    room = (await place.ask(own))["pageInfo"]["endCursor"]
    by_onset = await place.ask(
        "continuousRatings(first: 2, orderBy: [{field: ONSET}]) { pageInfo { endCursor } }"
    )

    other = await with_samples(api)
    others = (await other.ask(own))["pageInfo"]["endCursor"]

    for level, after, more in (
        ("room", others, ""),
        ("experiment", room, ""),
        ("room", room, ", filter: {onset: {lt: 5}}"),
        ("room", by_onset["pageInfo"]["endCursor"], ""),
        ("room", "x", ""),
    ):
        field = f'continuousRatingColumns(after: "{after}"{more}) {{ onset }}'
        assert (await place.refusal(field, level))[0] == "INVALID_CURSOR"


@pytest.mark.parametrize("size", [-1, 100_001])
async def test_a_silly_page_is_refused(api: Api, size: int) -> None:
    place = await a_place(api)

    code, message = await place.refusal(f"continuousRatingColumns(first: {size}) {{ onset }}")

    assert code == "BAD_USER_INPUT"
    assert "`first` must be from 0 to 100,000" in message


async def test_a_page_of_no_rows_says_whether_there_are_any(api: Api) -> None:
    place = await with_samples(api, 3)

    found = await place.ask(f"continuousRatingColumns(first: 0) {{ onset {PAGE} }}")

    assert found["onset"] == []
    assert found["pageInfo"]["hasNextPage"] is True
