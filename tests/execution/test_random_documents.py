"""Documents that nobody thought of, answered alike by both ways of executing them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from graphql import build_schema, is_object_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import server.schema
from server.records import RecordType
from tests.execution.documents import Document, Pools, documents
from tests.execution.executors import Pair, answer
from tests.execution.failures import RAISED, RETURNED
from tests.execution.toy_schema import toy_schema
from tests.execution.twins import DROPPING, READERS, Twins
from tests.execution.values import LEAVES, PETS

pytestmark = [pytest.mark.anyio, *DROPPING]

DRAWING = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

TOY = build_schema(toy_schema().as_str())
TOY_POOLS: Pools = {
    "kind": [*LEAVES, *["good"] * len(LEAVES)],
    "kinds": list(LEAVES),
    "how": ["fine", "fine", *RAISED, *RETURNED],
    "which": list(PETS),
    "asType": ["Stone", "Tree", "Cat"],
    "word": ["please", "now"],
    "deep": [0, 1, 2],
    "times": [0, 1, 3],
    "first": [0, 1, 2, 9],
    "String": ["", "x"],
    "Int": [0, 1, -5],
    "Float": [0.5, 2],
    "Boolean": [True, False],
}

PRODUCT = build_schema(Path(server.schema.__file__).with_name("schema.graphql").read_text())
for type_ in PRODUCT.type_map.values():
    if is_object_type(type_):
        type_.fields.pop("auditLog", None)  # to which an answer may add: it is not the same twice
SELDOM = ("after", "before", "last")


NAMED = [
    f"<{name}>"
    for name in ("experiment", "odd experiment", "room", "participant", "export", "group")
]
RECORDS = [f"<{kind.value.name}>" for kind in RecordType]
PRODUCT_POOLS: Pools = {
    "first": [0, 1, 2, 3, 5, 50, -1, 1001],
    "last": [1, 2, 4],
    "experimentId": ["<experimentId>", "an odd experiment", "none such"],
    "roomId": ["<roomId>", "endless", "empty", "none such"],
    "participantId": ["<participantId>", "p" * 28],
    "ID": [*NAMED, *NAMED, *RECORDS, "bad"],
    "String": ["", "host", "completed", "<roomId>"],
    "Int": [0, 1, -1, 1000, 90_000],
    "Float": [0, 0.5, -12.5, 1e300],
    "Boolean": [True, False],
    "DateTime": ["2024-10-20T14:30:45.123Z", "2024-10-20T14:30:46Z", "2024-10-20"],
    "BigInt": [0, 2**40],
    "JSON": [0, "x", None, {"a": [1]}],
}
"""`<room>` is put in for the id of a room: what is drawn must not depend on the database."""


def put_in(drawn: Document, ids: Mapping[str, str]) -> Document:
    """Return a document with the ids of things in the place of their names."""
    text, variables = drawn.text, json.dumps(drawn.variables)
    for name, id_ in ids.items():
        text, variables = text.replace(f"<{name}>", id_), variables.replace(f"<{name}>", id_)
    return Document(text, json.loads(variables))


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair.of("plain")


@DRAWING
@given(drawn=documents(TOY, TOY_POOLS))
async def test_any_document_of_the_toy_is_answered_alike(pair: Pair, drawn: Document) -> None:
    for variables in drawn.variables:
        expected = await answer(pair.plain, drawn.text, variables, merged=True)
        for _ in range(3):
            assert await answer(pair.fast, drawn.text, variables, merged=True) == expected


@settings(DRAWING, max_examples=50)
@given(drawn=documents(PRODUCT, PRODUCT_POOLS, seldom=SELDOM), who=st.sampled_from(READERS))
async def test_any_document_of_the_server_is_answered_alike(
    twins: Twins, drawn: Document, who: str
) -> None:
    asked = put_in(drawn, twins.ids)
    for variables in asked.variables:
        assert not await twins.difference(asked.text, variables, who)
