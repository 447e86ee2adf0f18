"""Random rows of any list, and random filters for them as clients send them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import inspect

from server.global_ids import global_id
from server.records.base import Place
from server.records.conditions import (
    BigIntRange,
    BooleanMatch,
    Condition,
    FloatRange,
    IntRange,
    OneOf,
    TextIn,
    TextListMatch,
    TextMatch,
    TimestampRange,
)
from server.records.experiments import EXPERIMENTS, Experiment
from server.records.json_conditions import JsonMatch
from server.records.listed import Listed
from server.records.participants import PARTICIPANTS, Participant
from server.records.rooms import ROOMS, Room
from server.timestamps import iso
from tests import factories
from tests.conftest import Api
from tests.expected import camel, value_of
from tests.factories import START, Row

WORDS = (
    "Über über ÜBERALL naïve ΣΊΣΥΦΟΣ σίσυφος Straße STREET ſtreet Kelvin kelvin 日本 a*b [x] 50%"
    " a_b ^? . back\\slash 'quoted' \"both\" component.start COMPONENT.END"
)
TEXTS = st.sampled_from([*WORDS.split(), "", " "]) | st.text(
    "aAbBßẞéÉſsSkK*?[]^-_%.\\'\" \n", max_size=3
)
FLAGS = st.booleans()
INTS = st.sampled_from([-(2**31), -5, 0, 1, 4, 2**31 - 1])
BIG_INTS = st.sampled_from([-(2**63), 0, 1, 2**31, 2**53 + 1, 2**63 - 1])
MOMENTS = st.sampled_from([0, START - 1000, START, START + 1, START + 60_000])
FLOATS = st.sampled_from([0.0, -0.0, 0.1, 0.25, 1.0, -1.5, 99.5, 100.0, -500.5, 1e300, 5e-324])
ENDLESS = st.sampled_from([float("inf"), float("-inf")])
SCALARS = st.sampled_from(
    [None, True, False, 0, 1, 4, 4.0, -0.0, 0.1, 1e22, 10**22, 2**63, 1e-7]
) | st.sampled_from(["", "1", "4", "true", "null", "blue", "Blue", 'say "hi"\\\n\x01', "é"])
KEYS = st.sampled_from(["value", "choice", "a key", "é", "0"])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
PATHS = st.sampled_from(
    ["", "value", "choice", "value.choice", "value[0]", "[0]", "[1].value", '"a key"', '"0"']
) | st.sampled_from(['value."a key"[1]', "value.value", "é", "é[0][0]", "[0][0]"])

Kind = tuple[st.SearchStrategy[Any], dict[str, st.SearchStrategy[Any]]]

KINDS: Mapping[type[Condition], Kind] = {
    TimestampRange: (MOMENTS, {"gte": MOMENTS.map(iso), "lt": MOMENTS.map(iso)}),
    IntRange: (INTS, {"gte": INTS, "lt": INTS}),
    BigIntRange: (BIG_INTS, {"gte": BIG_INTS, "lt": BIG_INTS}),
    FloatRange: (FLOATS | ENDLESS, {"gte": FLOATS, "lt": FLOATS}),
    BooleanMatch: (FLAGS, {"equals": FLAGS}),
    TextIn: (TEXTS, {"in": st.lists(TEXTS, max_size=3)}),
    TextMatch: (
        TEXTS,
        {
            "equals": TEXTS,
            "in": st.lists(TEXTS, max_size=3),
            "contains": TEXTS,
            "startsWith": TEXTS,
        },
    ),
    TextListMatch: (st.lists(TEXTS, max_size=3), {"has": TEXTS, "isEmpty": FLAGS}),
    JsonMatch: (JSON, {"equals": SCALARS, "path": PATHS}),
}
"""What a column holds by the condition that it can be asked, and what can be asked."""


def conditions_of(listed: Listed) -> dict[str, type[Condition]]:
    """Return what can be asked of each column, by its name."""
    annotated = {name: field.annotation for name, field in listed.filter.model_fields.items()}
    found = {name: get_args(annotation)[0] for name, annotation in annotated.items()}
    return {
        name: condition
        for name, condition in found.items()
        if isinstance(condition, type) and issubclass(condition, Condition)
    }


def _kind(condition: type[Condition]) -> Kind:
    if condition in KINDS:
        return KINDS[condition]
    assert issubclass(condition, OneOf)
    values = st.sampled_from([each.value for each in _choices(condition)])
    return values, {"in": st.lists(values, max_size=2)}


def _choices(condition: type[BaseModel]) -> Sequence[Any]:
    several = get_args(condition.model_fields["in_"].annotation)[0]
    return list(get_args(several)[0])


DERIVED = {"duration", "band"}
"""What is shown of a row, and can be asked, though no column holds it."""


def asked_of(listed: Listed) -> dict[str, type[Condition]]:
    """Return what can be asked of a row by itself."""
    shown = DERIVED | set(listed.model.model_fields)
    if listed in RECORDS:
        shown |= set(Place.model_fields)
    return {name: asked for name, asked in conditions_of(listed).items() if name in shown}


@st.composite
def rows(
    draw: st.DrawFn,
    listed: Listed,
    make: Callable[..., Row],
    parents: Sequence[Row],
    least: int,
    most: int = 8,
) -> list[Row]:
    """Draw rows of a list, each of one of some parents, with anything in their columns."""
    columns = inspect(listed.model).columns
    values = {
        name: _kind(condition)[0] | st.none() if columns[name].nullable else _kind(condition)[0]
        for name, condition in asked_of(listed).items()
        if (name in columns and not name.endswith("_id")) or name in FREE_IDS
    }
    found: list[Row] = []
    for _ in range(draw(st.integers(least, most))):
        parent = draw(st.sampled_from(parents))
        found.append(make(parent, **{name: draw(each) for name, each in values.items()}))
        found[-1].place = {name: parent[name] for name in Place.model_fields if name in parent}
    return found


FREE_IDS = {"state_id", "stimulus_id", "sender_id"}
"""Ids that are not names of rows, so that two may be the same."""


@st.composite
def filters(
    draw: st.DrawFn, listed: Listed, found: Sequence[Row], depth: int = 3
) -> dict[str, Any]:
    """Draw a filter for a list that holds some rows, as a client sends it."""
    asked = asked_of(listed)
    names = draw(st.lists(st.sampled_from(sorted(asked)), max_size=2, unique=True))
    filter_: dict[str, Any] = {
        camel(name): draw(_condition(asked[name], [value_of(row, name) for row in found]))
        for name in names
    }
    if depth and draw(FLAGS):
        within = filters(listed, found, depth - 1)
        how = draw(st.sampled_from(["and", "or", "not"]))
        filter_[how] = draw(within if how == "not" else st.lists(within, max_size=3))
    return filter_


@st.composite
def _condition(
    draw: st.DrawFn, condition: type[Condition], stored: Sequence[Any]
) -> dict[str, Any]:
    _, conditions = _kind(condition)
    if condition is TextIn:
        conditions = {
            "in": st.lists(TEXTS | st.sampled_from([s for s in stored if s] or [""]), max_size=4)
        }
    names = draw(st.lists(st.sampled_from([*conditions, "isNull"]), min_size=1, max_size=2))
    return {name: draw({**conditions, "isNull": FLAGS}[name]) for name in names}


Lists = Mapping[Listed, Callable[..., Row]]

RECORDS: Lists = {kind.value: make for kind, make in factories.A_RECORD.items()}
PLACES: Lists = {
    EXPERIMENTS: factories.an_experiment,
    ROOMS: factories.a_room,
    PARTICIPANTS: factories.a_participant,
}


@dataclass(frozen=True)
class Case:
    """A list, all rows that are in it, those it needs, and filters to try on it."""

    listed: Listed
    owner: Row
    parent: Row | None
    needed: Sequence[Row]
    found: Sequence[Row]
    asked: Sequence[dict[str, Any]]

    async def stored(self, api: Api) -> str:
        """Store the rows, and return the key of their owner."""
        await factories.save(api.db, *self.needed, *self.found)
        return await api.key_of(self.owner.key)

    async def page(self, api: Api, key: str, **arguments: Any) -> dict[str, Any]:
        """Return a page of the list, by the ids of its rows."""
        kind, parent = self.listed.model.__name__, self.parent
        query = f"""page: {kind[0].lower()}{kind[1:]}s(filter: $filter, orderBy: $order,
          first: $first, after: $after, last: $last, before: $before) {{
          totalCount nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
          }}"""
        if parent is not None:
            type_, id_ = parent.model.__name__, id_of(parent)
            query = f'node(id: "{id_}") {{ ... on {type_} {{ {query} }} }}'
        query = f"""query($filter: {kind}Filter, $order: [{kind}Order!],
          $first: Int, $after: String, $last: Int, $before: String) {{ {query} }}"""
        data = await api.ask(query, key, **arguments)
        page: dict[str, Any] = data["page"] if parent is None else data["node"]["page"]
        return page


def id_of(row: Row) -> str:
    return global_id(row.model.__name__, row.key)


@st.composite
def cases(draw: st.DrawFn, lists: Lists, filters_: int = 4, least: int = 1) -> Case:
    """Draw rows of one of some lists, which are made so, and filters to try on them."""
    listed = draw(st.sampled_from(list(lists)))
    owner = factories.a_user()
    experiment = factories.an_experiment(owner)
    room = factories.a_room(experiment)
    people = [factories.a_participant(room) for _ in range(3)]
    lists_of: dict[type[Any], tuple[Row | None, list[Row], list[Row]]] = {
        Experiment: (None, [], [owner]),
        Room: (experiment, [experiment], [experiment]),
        Participant: (room, [experiment, room], [room]),
    }
    of_records = (room, [experiment, room, *people], people)
    parent, needed, parents = lists_of.get(listed.model, of_records)
    found = draw(rows(listed, lists[listed], parents, least))
    if listed in RECORDS:
        for row in found:
            row.place |= {"room_id": room["room_id"], "experiment_id": experiment["experiment_id"]}
    asked = draw(st.lists(filters(listed, found), min_size=filters_, max_size=filters_))
    return Case(listed, owner, parent, [owner, *needed], found, asked)
