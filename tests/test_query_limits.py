"""What a document may ask for: refused before anything is read if it is too much."""

import time
from pathlib import Path
from typing import Any

import pytest

from server.limits.bounds import ALIASES, BREADTH, DEPTH, DUPLICATES, FIELDS
from tests.conftest import Api, opened
from tests.factories import a_participant, a_room, a_user, an_event, an_experiment, save
from tests.promises import promised

pytestmark = pytest.mark.anyio

PAGES = """query($first: Int = 3, $last: Int) {
  experiments(first: 2) { nodes { id rooms(first: $first, last: $last) { nodes { id } } } }
}"""


@pytest.fixture
async def key(api: Api) -> str:
    owner = a_user(name="Ada")
    experiment = an_experiment(owner)
    room = a_room(experiment)
    participant = a_participant(room)
    events = [an_event(participant) for _ in range(5)]
    await save(api.db, owner, experiment, room, participant, *events)
    return await api.key_of(owner.key)


def _spread(name: str, times: int, within: str) -> str:
    """Return fragments of which each spreads the one before it, again and again."""
    first = f"fragment {name}0 on Viewer {{ {within} }}"
    rest = (
        f"fragment {name}{i} on Viewer {{ ...{name}{i - 1} ...{name}{i - 1} }}"
        for i in range(1, times)
    )
    return " ".join((first, *rest))


def _nested(levels: int) -> str:
    """Return a query whose fields lie so many levels deep."""
    opening, depth = "experiments { nodes {", 2
    while depth < levels - 1:
        opening, depth = f"{opening} rooms {{ nodes {{ experiment {{", depth + 3
    return f"{{ {opening} id {'}' * opening.count('{')} }}"


HUGE = 10**9
SCHEMA_LISTS = "fields { name type { fields { name type { fields { name type { fields { name"

REFUSED = {
    "tokens": "{ viewer { name } }" + " #\n" + "query q($a: Int) { viewer { name } }" * 2000,
    "depth": _nested(DEPTH + 5),
    "fields": "{ viewer { ...f12 } } " + _spread("f", 13, "name role"),
    "fragments that double": "{ viewer { ...f99 } } " + _spread("f", 100, "name"),
    "aliases": f"{{ {' '.join(f'a{i}: viewer {{ name }}' for i in range(ALIASES + 1))} }}",
    "directives": f"{{ viewer {{ name {'@skip(if: false) ' * 300} }} }}",
    "unknown directives": f"{{ viewer {{ name {'@x ' * 300} }} }}",
    "duplicates": f"{{ viewer {{ {'name ' * (DUPLICATES + 2)} }} }}",
    "breadth": f"{{ viewer {{ {' '.join(f'n{i}' for i in range(BREADTH + 1))} }} }}",
    "inline fragments": f"{{ viewer {{ {'... {' * 101} name {'}' * 101} }} }}",
    "nested values": f"{{ nodes(ids: {'[' * 150}{']' * 150}) {{ id }} }}",
    "introspection": f"{{ __schema {{ types {{ {SCHEMA_LISTS} {'}' * 10}",
    "pages": "{ experiments(first: 1000) { nodes { rooms(first: 1000) { nodes { "
    "participants(first: 1000) { nodes { id } } } } } } }",
    "pages of pages by edges": "{ experiments(first: 1000) { edges { node { rooms(first: 1000) { "
    "edges { node { events(first: 1000) { edges { node { id } } } } } } } } } }",
    "roll-ups": "{ experiments(first: 1000) { nodes { rooms(first: 1000) { nodes { "
    "participants { nodes { statistics(groupBy: []) { n } } } } } } } }",
    "operations": " ".join(f"query q{i} {{ viewer {{ name }} }}" for i in range(60)),
}


@pytest.mark.promised
@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
async def test_what_is_too_much_is_refused_at_once(api: Api, key: str, query: str) -> None:
    began = time.monotonic()
    with api.counting() as statements:
        code, message = await api.refusal(query, key)
    assert code == "QUERY_TOO_COMPLEX"
    assert "at most" in message or "deep" in message
    assert not statements
    assert time.monotonic() - began < promised(2)


async def test_a_refusal_says_which_bound_it_was_and_what_to_do(api: Api, key: str) -> None:
    code, message = await api.refusal(REFUSED["aliases"], key)
    assert code == "QUERY_TOO_COMPLEX"
    assert message == (
        f"The document has {ALIASES + 1} aliases, fragments written out; at most {ALIASES} are "
        "allowed: send it in parts."
    )


@pytest.mark.parametrize(
    "variables",
    [
        {"a": ["x"] * 10_001},
        {"a": {"b": ["x" * 1_000_001]}},
        {"a": "x" * 1_000_001},
    ],
    ids=["list", "text within", "text"],
)
async def test_variables_have_bounds_too(api: Api, key: str, variables: dict[str, Any]) -> None:
    for _ in range(2):  # the second time the document is known
        query = "query($a: JSON) { viewer { name } }"
        code, _ = await api.refusal("{ viewer { name } }", key, **variables)
        assert code == "QUERY_TOO_COMPLEX", query


@pytest.mark.parametrize(
    ("variables", "rooms"),
    [({}, 3), ({"first": 10}, 10), ({"first": None}, 50), ({"first": None, "last": 7}, 7)],
)
async def test_pages_cost_their_rows_nested_ones_as_often_as_they_may_be_asked(
    api: Api, key: str, variables: dict[str, Any], rooms: int
) -> None:
    for _ in range(2):  # the second time by the way of known documents
        answer = (await api.post(PAGES, key, **variables)).json()
        cost = answer["extensions"]["cost"]
        # the operation, the list, two rows, and for each a list and its rows
        assert cost["requested"] == 1 + 1 + 2 + 2 * (1 + rooms)
        # there is one experiment, with one room
        assert cost["actual"] == 1 + 1 + 1 + 1 + 1


async def test_what_is_spread_twice_costs_twice(api: Api, key: str) -> None:
    fragment = "fragment f on Experiment { rooms(first: 4) { nodes { id } } }"
    once = f"{{ experiments(first: 1) {{ nodes {{ ...f }} }} }} {fragment}"
    apart = (
        f"{{ experiments(first: 1) {{ edges {{ node {{ ...f }} }} nodes {{ ...f }} }} }} {fragment}"
    )
    costs = [(await api.post(q, key)).json()["extensions"]["cost"] for q in (once, apart)]
    assert [cost["requested"] for cost in costs] == [1 + 1 + 1 + 5, 1 + 1 + 1 + 5 + 5]


async def test_a_page_that_is_too_large_is_refused_by_its_field(api: Api, key: str) -> None:
    code, message = await api.refusal(f"{{ experiments(first: {HUGE}) {{ totalCount }} }}", key)
    assert code == "BAD_USER_INPUT"
    assert f"{HUGE:,}" in message


async def test_numbers_made_of_many_rows_cost_more(api: Api, key: str) -> None:
    asked = "statistics(groupBy: []) { n } quality { completeness }"
    query = f"{{ experiments(first: 1) {{ nodes {{ {asked} }} }} }}"
    cost = (await api.post(query, key)).json()["extensions"]["cost"]
    assert cost == cost | {"requested": 1 + 1 + 1 + 100 + 200, "actual": 303}


async def test_the_introspection_of_tools_is_let_through(api: Api, key: str) -> None:
    from graphql import get_introspection_query

    query = get_introspection_query(
        descriptions=True,
        specified_by_url=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    assert (await api.ask(query, key))["__schema"]["queryType"]["name"] == "Query"


async def test_an_operator_sets_what_an_operation_may_cost(
    tmp_path: Path, api: Api, key: str
) -> None:
    async with opened(tmp_path, most_cost=10) as strict:
        assert (await strict.refusal("{ experiments(first: 10) { nodes { id } } }", key))[0] == (
            "QUERY_TOO_COMPLEX"
        )
        await strict.ask("{ experiments(first: 8) { nodes { id } } }", key)


async def test_a_document_that_spreads_itself_is_left_to_validation(api: Api, key: str) -> None:
    query = "{ viewer { ...a } } fragment a on Viewer { ...b } fragment b on Viewer { ...a }"
    assert (await api.refusal(query, key))[0] == "GRAPHQL_VALIDATION_FAILED"


async def test_many_fields_below_the_bound_are_answered(api: Api, key: str) -> None:
    fields = " ".join(f"a{i}: name" for i in range(ALIASES))
    assert len((await api.ask(f"{{ viewer {{ {fields} }} }}", key))["viewer"]) == ALIASES
    assert FIELDS > ALIASES
