"""Walking a list while others write: each page is what then lies beyond the place reached."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlmodel import col

from server.db import Stored
from server.records.experiments import EXPERIMENTS
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS
from server.records.rooms import ROOMS
from tests.asked import PLACES, RECORDS, Case, filters, id_of, rows
from tests.conftest import Api, opened
from tests.expected import keeps, sort_key
from tests.factories import Row, a_participant, a_room, a_user, an_experiment, save

pytestmark = pytest.mark.anyio

LISTS = {**RECORDS, **PLACES}
LAST = 4
"""The moment after which nothing changes any more."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_api(
    shared_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Api]:
    """The server over either kind of database, with what the examples before have left there."""
    async with opened(tmp_path_factory.mktemp("files"), database_url=shared_url) as api:
        yield api


@dataclass(frozen=True)
class Life:
    """A row of the list, and between which moments it is there."""

    row: Row
    born: int
    dies: int

    def lasts(self, moment: int) -> bool:
        return self.born <= moment < self.dies


@dataclass(frozen=True)
class Walk:
    """A list to walk, and what happens to it meanwhile; `line` is who ever was in it, in order."""

    case: Case
    order: Sequence[tuple[str, bool]]
    lives: Sequence[Life]
    line: Sequence[Life]

    @property
    def asked(self) -> dict[str, object]:
        directions = {True: "DESC", False: "ASC"}
        order = [{"field": c.upper(), "direction": directions[d]} for c, d in self.order]
        return {"order": order, "filter": self.case.asked[0]}


@st.composite
def walks(draw: st.DrawFn, *, still: bool) -> Walk:
    """Draw a list at any level, and an order; rows that come and go, unless it is to be still."""
    listed = draw(st.sampled_from(list(LISTS)))
    owner = a_user()
    experiment = an_experiment(owner)
    rooms = [a_room(experiment) for _ in range(2)]
    people = [a_participant(room) for room in (*rooms, rooms[0])]
    needed, above, levels = _places(listed, owner, experiment, rooms, people)
    found = draw(rows(listed, LISTS[listed], above, 0, 20))
    if listed in RECORDS:
        names = {room.key: room["room_id"] for room in rooms}
        for row in found:
            name = names[row["room_key"]]
            row.place |= {"room_id": name, "experiment_id": experiment["experiment_id"]}
    parent = draw(st.sampled_from(levels))
    columns = [choice.value for choice in listed.order]
    chosen = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=3, unique=True))
    order = [(column, draw(st.booleans())) for column in chosen]
    case = Case(listed, owner, parent, needed, found, [draw(filters(listed, found, 1))])

    moments = st.sampled_from([0, 0, 1, 2, 3])
    lives = [
        Life(row, 0, LAST) if still else Life(row, draw(moments), LAST - draw(moments))
        for row in found
    ]
    line = [life for life in lives if _is_in(parent, life.row) and keeps(case.asked[0], life.row)]
    line.sort(key=lambda life: life.row.key, reverse=order[-1][1])
    for column, descending in reversed(order):
        line.sort(key=partial(_sort_key, column), reverse=descending)
    return Walk(case, order, lives, line)


def _places(
    listed: Listed, owner: Row, experiment: Row, rooms: list[Row], people: list[Row]
) -> tuple[list[Row], list[Row], Sequence[Row | None]]:
    """Return what a list's rows need, what they belong to, and whose list may be asked for."""
    if listed is EXPERIMENTS:
        return [owner], [owner], [None]
    if listed is ROOMS:
        return [owner, experiment], [experiment], [experiment]
    if listed is PARTICIPANTS:
        return [owner, experiment, *rooms], rooms, [experiment, rooms[0]]
    everything = [owner, experiment, *rooms, *people]
    return everything, people, [experiment, rooms[0], people[0]]


def _sort_key(column: str, life: Life) -> tuple[bool, object]:
    return sort_key(life.row, column)


def _is_in(parent: Row | None, row: Row) -> bool:
    return parent is None or bool(row[f"{parent.model.__name__.lower()}_key"] == parent.key)


async def become(api: Api, walk: Walk, moment: int) -> None:
    """Store whose life begins at a moment, and delete whose life ends then."""
    if moment >= LAST:
        return
    await save(api.db, *(life.row for life in walk.lives if life.born == moment < life.dies))
    ended = [life.row.key for life in walk.lives if life.born < moment == life.dies]
    model = walk.case.listed.model
    assert issubclass(model, Stored)
    async with api.db.write() as tx:
        await tx.execute(delete(model).where(col(model.id).in_(ended)))


WALKING = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=4)


async def walked(api: Api, walk: Walk, sizes: Sequence[int], *, backwards: bool) -> list[str]:
    """Walk from one end to the other, checking each page, and return the ids that were met."""
    limit, side, more, other = "first", "after", "hasNextPage", "hasPreviousPage"
    edge, line = "endCursor", list(walk.line)
    if backwards:
        limit, side, more, other = "last", "before", "hasPreviousPage", "hasNextPage"
        edge, line = "startCursor", line[::-1]
    place = {id_of(life.row): i for i, life in enumerate(line)}
    await save(api.db, *walk.case.needed)
    key = await api.key_of(walk.case.owner.key)
    met: list[str] = []
    window: dict[str, str] = {}
    for moment in range(100):
        await become(api, walk, moment)
        size = sizes[moment % len(sizes)]
        page = await walk.case.page(api, key, **walk.asked, **window, **{limit: size})
        found = [node["id"] for node in page["nodes"]][:: -1 if backwards else 1]
        reached = place[met[-1]] + 1 if met else 0
        there = [id_of(life.row) for life in line if life.lasts(min(moment, LAST - 1))]
        ahead = [id_ for id_ in there if place[id_] >= reached]
        assert found == ahead[:size]
        assert page["totalCount"] == len(there)
        info = page["pageInfo"]
        assert (info[more], info[other]) == (len(ahead) > size, moment > 0)
        met += found
        if not info[more]:
            return met
        window = {side: info[edge]}
    raise AssertionError("the walk does not end")


@WALKING
@given(walk=walks(still=True), sizes=SIZES, backwards=st.booleans())
async def test_a_walk_meets_every_row_once_and_in_order(
    shared_api: Api, walk: Walk, sizes: list[int], *, backwards: bool
) -> None:
    met = await walked(shared_api, walk, sizes, backwards=backwards)

    whole = [id_of(life.row) for life in walk.line]
    assert met == (whole[::-1] if backwards else whole)


@WALKING
@given(walk=walks(still=False), sizes=SIZES, backwards=st.booleans())
async def test_rows_that_come_and_go_make_a_walk_neither_skip_nor_repeat(
    shared_api: Api, walk: Walk, sizes: list[int], *, backwards: bool
) -> None:
    met = await walked(shared_api, walk, sizes, backwards=backwards)

    assert len(set(met)) == len(met)
    stay = {id_of(life.row) for life in walk.line if (life.born, life.dies) == (0, LAST)}
    assert stay <= set(met)
