"""Plans over rows of odd values: the same answers as graphql-core's, whatever is asked."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from graphql import build_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.execution.batched_toy import State, schema
from tests.execution.documents import Document, Pools, documents
from tests.execution.executors import in_order, one_a_null
from tests.execution.twins import DROPPING

pytestmark = [pytest.mark.anyio, *DROPPING]

POOLS: Pools = {
    "how": [
        "one", "rows", "mixed", "page", "other", "one", "rows",
        "none", "no row", "fails", "fails for some",
    ],
    "first": [0, 1, 2, 3, 5],
    "times": [0, 2],
    "fail": [False, True],
}  # fmt: skip

INTS = st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31), 2**31, None])
FLOATS = st.sampled_from([0.0, -0.0, 0.1, 1e300, float("inf"), float("nan"), None])
TEXTS = st.sampled_from(["", "a", '\u2028 "x" \0', None])
THINGS = st.lists(
    st.tuples(
        st.integers(1, 3),
        TEXTS,
        INTS,
        FLOATS,
        st.sampled_from([True, False, None]),
        st.sampled_from(["one", "two", "three", None]),
        st.sampled_from([0, 1729434645123, -1, None]),
        st.sampled_from([[], ["a", "b"], [1], ["a", None], "text", None]),
        st.lists(FLOATS, max_size=3),
    ),
    max_size=4,
)


async def answered(document: str, variables: Any, things: Sequence[Any], *, fast: bool) -> str:
    """Return an answer as a client sees it; errors that left one null count as one."""
    context = State(things, fast)
    result = await schema.execute(document, dict(variables), context)
    errors: list[Any] = [error.formatted for error in result.errors or ()]
    shown = in_order(one_a_null(result.data, errors), serial=False)
    return json.dumps({"data": result.data, "errors": shown}, default=repr)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(drawn=documents(build_schema(schema.as_str()), POOLS), things=THINGS)
async def test_any_document_is_answered_alike(drawn: Document, things: Sequence[Any]) -> None:
    for variables in drawn.variables:
        expected = await answered(drawn.text, variables, things, fast=False)
        assert await answered(drawn.text, variables, things, fast=True) == expected


async def test_a_level_is_asked_for_once() -> None:
    things = [(n, "a", n, 0.5, True, "one", 0, ["a"], [0.5]) for n in range(4)]
    document = """{ page(first: 4) {
      nodes { id must { number } } edges { cursor node { id things(first: 4) { id number
      page(first: 4) { nodes { id must { id } count(first: 2) } } } } } } }"""

    for fast in (True, False):
        context = State(things, fast)
        result = await schema.execute(document, None, context)
        assert result.errors is None
        assert context.asked == 6, fast
