"""Pages: put together they are the list, whatever its order, filter and page size."""

import random
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.global_ids import global_id
from server.records.events import EVENTS
from server.records.experiments import EXPERIMENTS
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS
from server.records.rooms import ROOMS
from tests import factories
from tests.conftest import Api, opened
from tests.expected import sort_key
from tests.factories import START, Row

pytestmark = pytest.mark.anyio

PAGE = """totalCount nodes { id } edges { cursor node { id } }
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"""


@dataclass(frozen=True)
class Sort:
    """One key of an order."""

    column: str
    descending: bool

    @property
    def asked(self) -> dict[str, str]:
        return {"field": self.column.upper(), "direction": "DESC" if self.descending else "ASC"}


@dataclass(frozen=True)
class Listing:
    """A list that the API offers, and the rows that it holds."""

    field: str
    listed: Listed
    rows: Sequence[Row]
    parent: Row | None = None

    def expected(self, order: Sequence[Sort], kept: Callable[[Row], bool]) -> list[str]:
        """Return ids as Python's own sort puts them."""
        found = sorted(filter(kept, self.rows), key=lambda r: r.key, reverse=order[-1].descending)
        for key in reversed(order):
            found.sort(key=_place(key.column), reverse=key.descending)
        return [id_of(row) for row in found]


def _place(column: str) -> Callable[[Row], tuple[bool, Any]]:
    return lambda row: sort_key(row, column)


def id_of(row: Row | None) -> str:
    assert row is not None
    return global_id(row.model.__name__, row.key)


@dataclass(frozen=True)
class Study:
    """The server over those rows, and the owner's key."""

    api: Api
    key: str

    async def page(self, listing: Listing, order: Sequence[Sort], **window: Any) -> dict[str, Any]:
        kind = listing.listed.model.__name__
        variables = f"""$order: [{kind}Order!], $filter: {kind}Filter,
                        $first: Int, $after: String, $last: Int, $before: String"""
        query = f"""page: {listing.field}(orderBy: $order, filter: $filter, first: $first,
                    after: $after, last: $last, before: $before) {{ {PAGE} }}"""
        if listing.parent is not None:
            type_name, key = listing.parent.model.__name__, id_of(listing.parent)
            query = f'node(id: "{key}") {{ ... on {type_name} {{ {query} }} }}'
        data = await self.api.ask(
            f"query({variables}) {{ {query} }}", self.key, order=[k.asked for k in order], **window
        )
        page: dict[str, Any] = data["page"] if listing.parent is None else data["node"]["page"]
        return page

    async def walk(
        self, listing: Listing, order: Sequence[Sort], size: int, *, backwards: bool, **rest: Any
    ) -> list[str]:
        """Return the ids of all pages of a list, asked for one after another."""
        limit, side, more, edge = "first", "after", "hasNextPage", "endCursor"
        if backwards:
            limit, side, more, edge = "last", "before", "hasPreviousPage", "startCursor"
        walked: list[str] = []
        cursor = None
        while True:
            page = await self.page(listing, order, **{limit: size, side: cursor}, **rest)
            ids, info = ids_of(page), page["pageInfo"]
            assert ids == [node["id"] for node in page["nodes"]]
            walked = [*ids, *walked] if backwards else [*walked, *ids]
            assert len(walked) <= page["totalCount"]
            other = info["hasNextPage" if backwards else "hasPreviousPage"]
            assert other is (cursor is not None)
            if not info[more]:
                assert len(walked) == page["totalCount"]
                return walked
            assert len(ids) == size
            cursor = info[edge]


def ids_of(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def _listings() -> tuple[list[Row], list[Listing]]:
    """Make rows none of which is simple, and the lists that they should be found in."""
    chance = random.Random(20241020)

    def moment(*, absent: float = 0) -> int | None:
        return None if chance.random() < absent else START + chance.randrange(6) * 1000

    owner = factories.a_user()
    experiments = [
        factories.an_experiment(owner, created_at=moment(), updated_at=moment(), name=name)
        for name in "abracadabra"
    ]
    rooms = [
        factories.a_room(experiments[0], start_time=moment(absent=0.3), end_time=moment(absent=0.3))
        for _ in range(17)
    ]
    people = [
        factories.a_participant(
            room,
            participant_id=person,
            joined_at=moment(absent=0.3),
            completed_at=moment(absent=0.3),
        )
        for room in rooms
        for person in "xyz"[: chance.randrange(4)]
    ]
    events = [
        factories.an_event(person, onset=chance.randrange(-3, 4), timestamp=moment())
        for person in people
        for _ in range(chance.randrange(9))
    ]
    room_ids = {room.key: room["room_id"] for room in rooms}
    names = {person.key: person["participant_id"] for person in people}
    for event in events:
        event.place = {
            "room_id": room_ids[event["room_key"]],
            "participant_id": names[event["participant_key"]],
        }
    return [owner, *experiments, *rooms, *people, *events], [
        Listing("experiments", EXPERIMENTS, experiments),
        Listing("rooms", ROOMS, rooms, experiments[0]),
        Listing("rooms", ROOMS, [], experiments[1]),
        Listing("participants", PARTICIPANTS, people, experiments[0]),
        *(
            Listing("events", EVENTS, [e for e in events if _is_in(e, parent)], parent)
            for parent in [experiments[0], *rooms, *people]
        ),
    ]


def _is_in(event: Row, parent: Row) -> bool:
    return bool(event[f"{parent.model.__name__.lower()}_key"] == parent.key)


ROWS, LISTINGS = _listings()
FULL = next(each for each in LISTINGS if each.field == "rooms" and each.rows)
EMPTY = next(each for each in LISTINGS if each.field == "rooms" and not each.rows)
EVENT_LISTS = {id_of(x.parent): x for x in LISTINGS if x.parent and x.field == "events"}


@pytest.fixture(scope="module")
async def study(
    shared_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Study]:
    async with opened(tmp_path_factory.mktemp("study"), shared_url) as api:
        await factories.save(api.db, *ROWS)
        yield Study(api, await api.key_of(ROWS[0].key))


Kept = tuple[dict[str, Any] | None, Callable[[Row], bool]]


@st.composite
def orders(draw: st.DrawFn, listed: Listed) -> list[Sort]:
    columns = draw(st.permutations([choice.value for choice in listed.order]))
    kept = columns[: draw(st.integers(1, 3))]
    return [Sort(column, draw(st.booleans())) for column in kept]


@st.composite
def filters(draw: st.DrawFn, field: str = "events") -> Kept:
    """Draw a filter as a client sends it, and what it means."""
    if field != "events" or draw(st.booleans()):
        return None, lambda _: True
    gte, lt = draw(st.integers(-4, 4)), draw(st.none() | st.integers(-4, 4))
    asked = {"onset": {"gte": gte, "lt": lt}}
    return asked, lambda row: gte <= row["onset"] and (lt is None or row["onset"] < lt)


@st.composite
def sorted_lists(draw: st.DrawFn) -> tuple[Listing, list[Sort], Kept]:
    # Half of them events of some parent; those of the experiment are the longest.
    listing = draw(st.sampled_from(LISTINGS[:5]) | st.sampled_from(LISTINGS))
    return listing, draw(orders(listing.listed)), draw(filters(listing.field))


@settings(max_examples=80, deadline=None)
@given(chosen=sorted_lists(), size=st.integers(1, 12) | st.just(1000), backwards=st.booleans())
async def test_the_pages_of_a_list_are_its_rows_in_order_once_each(
    study: Study, chosen: tuple[Listing, list[Sort], Kept], size: int, backwards: bool
) -> None:
    listing, order, (asked, kept) = chosen

    walked = await study.walk(listing, order, size, backwards=backwards, filter=asked)

    assert walked == listing.expected(order, kept)


@settings(max_examples=40, deadline=None)
@given(
    order=orders(EVENTS),
    chosen=filters(),
    size=st.integers(0, 9),
    parents=st.sampled_from(["rooms", "participants"]),
    backwards=st.booleans(),
)
async def test_pages_of_many_parents_at_once_are_each_the_beginning_or_end_of_its_list(
    study: Study, order: list[Sort], chosen: Kept, size: int, parents: str, backwards: bool
) -> None:
    (asked, kept), side = chosen, "last" if backwards else "first"
    answer = await study.api.ask(
        f"""query($id: ID!, $order: [EventOrder!], $filter: EventFilter, $size: Int) {{
              node(id: $id) {{ ... on Experiment {{ {parents}(first: 1000) {{ nodes {{
                id events(orderBy: $order, filter: $filter, {side}: $size) {{ {PAGE} }} }} }} }} }}
            }}""",
        study.key,
        id=id_of(FULL.parent),
        order=[key.asked for key in order],
        filter=asked,
        size=size,
    )

    nodes = answer["node"][parents]["nodes"]
    assert len(nodes) > size
    for node in nodes:
        listing, page = EVENT_LISTS[node["id"]], node["events"]
        whole = listing.expected(order, kept)
        cut = max(len(whole) - size, 0) if backwards else size
        assert ids_of(page) == (whole[cut:] if backwards else whole[:cut])
        assert page["totalCount"] == len(whole)
        info = page["pageInfo"]
        assert info["hasPreviousPage" if backwards else "hasNextPage"] is (len(whole) > size)
        if page["edges"] and node is nodes[0]:  # its cursors lead on in its own list
            way = {"last": 1000, "before": info["startCursor"]}
            if not backwards:
                way = {"first": 1000, "after": info["endCursor"]}
            rest = await study.page(listing, order, filter=asked, **way)
            assert ids_of(rest) == (whole[:cut] if backwards else whole[cut:])


@settings(max_examples=40, deadline=None)
@given(chosen=sorted_lists(), places=st.tuples(*[st.integers(0, 99)] * 2), size=st.integers(0, 9))
async def test_both_cursors_together_bound_the_list(
    study: Study, chosen: tuple[Listing, list[Sort], Kept], places: tuple[int, int], size: int
) -> None:
    listing, order, _ = chosen
    whole = await study.page(listing, order, first=1000)
    ids, cursors = ids_of(whole), [edge["cursor"] for edge in whole["edges"]]
    assume(ids)
    after, before = (place % len(ids) for place in places)
    between = ids[after + 1 : before]
    window = {"after": cursors[after], "before": cursors[before]}

    start = await study.page(listing, order, first=size, **window)
    end = await study.page(listing, order, last=size, **window)

    assert ids_of(start) == between[:size]
    assert ids_of(end) == between[max(len(between) - size, 0) :]
    assert start["pageInfo"]["hasNextPage"] is (len(between) > size)
    assert end["pageInfo"]["hasPreviousPage"] is (len(between) > size)
    assert start["pageInfo"]["hasPreviousPage"]
    assert end["pageInfo"]["hasNextPage"]


async def test_a_page_of_nothing_has_no_cursors_and_still_knows_what_follows(study: Study) -> None:
    order = [Sort("room_id", descending=False)]

    for listing, more in ((FULL, True), (EMPTY, False)):
        page = await study.page(listing, order, first=0)
        assert (page["edges"], page["nodes"], page["totalCount"]) == ([], [], len(listing.rows))
        assert page["pageInfo"] == {
            "hasNextPage": more,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        }


async def test_the_default_order_is_the_first_that_a_list_offers(study: Study) -> None:
    for listing in LISTINGS[:5]:
        first = Sort(next(iter(listing.listed.order)).value, descending=False)
        unsorted = await study.page(listing, [], first=1000)
        assert ids_of(unsorted) == listing.expected([first], lambda _: True)


async def test_rows_are_counted_only_when_asked(study: Study) -> None:
    query = "{ experiments { nodes { rooms { %s nodes { id } } } } }"
    with study.api.counting() as statements:
        await study.api.ask(query % "", study.key)
    assert not any("count(" in statement for statement in statements)
    uncounted = len(statements)
    with study.api.counting() as statements:
        await study.api.ask(query % "totalCount", study.key)
    assert len(statements) == uncounted + 1
