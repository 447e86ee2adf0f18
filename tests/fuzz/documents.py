"""Documents drawn from the schema by Schemathesis, and what is really there put into some of them.

Identifiers made up at random end at the first look-up; with those of the data, whoever they belong
to, a document gets as far as statements and rights go.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import schemathesis
from graphql import (
    ArgumentNode,
    ListValueNode,
    Node,
    ObjectFieldNode,
    StringValueNode,
    ValueNode,
    Visitor,
    introspection_from_schema,
    parse,
    print_ast,
    visit,
)
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.graphql import nodes

from server.schema import schema as ours
from server.timestamps import iso
from tests.factories import START

Pools = Mapping[str, Sequence[str]]
"""Texts that mean something, by the argument or field of an input that takes them."""

SOME = 0.7
"""How many of such texts are put in the place of random ones."""

_LARGE = [0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**30]
_TIMES = [START - 1, START, START + 60_000, 0, 253_402_300_799_999, -62_135_596_800_000]
_MOMENTS = st.sampled_from(_TIMES).map(iso) | st.text(max_size=30)

_ANY_JSON: st.SearchStrategy[ValueNode] = st.recursive(
    st.integers(-(2**40), 2**40).map(nodes.Int)
    | st.floats(allow_nan=False, allow_infinity=False).map(nodes.Float)
    | st.booleans().map(nodes.Boolean)
    | st.text(max_size=20).map(nodes.String),
    lambda inner: st.lists(inner, max_size=4).map(lambda values: nodes.List(values)),
    max_leaves=8,
)
SCALARS: Mapping[str, st.SearchStrategy[ValueNode]] = {
    "BigInt": st.sampled_from(_LARGE).map(nodes.Int),
    "DateTime": _MOMENTS.map(nodes.String),
    "JSON": _ANY_JSON,
}


def documents(pools: Pools, *without: str) -> st.SearchStrategy[str]:
    """Return a strategy of documents: each field of Query and Mutation, but for some."""
    for name, values in SCALARS.items():
        schemathesis.graphql.scalar(name, values)
    loaded = schemathesis.graphql.from_dict(dict(introspection_from_schema(ours._schema)))
    found = [each.ok() for each in loaded.get_all_operations() if isinstance(each, Ok)]
    operations = [each for each in found if each.label.partition(".")[2] not in without]
    modes = GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    drawn = [
        operation.as_strategy(generation_mode=mode) for operation in operations for mode in modes
    ]
    bodies = st.one_of(drawn).map(lambda case: str(case.body))
    return st.builds(lambda text, seed: with_real(text, pools, seed), bodies, st.integers(0, 2**32))


def with_real(text: str, pools: Pools, seed: int) -> str:
    """Put texts that mean something into a document, here and there."""
    return print_ast(visit(parse(text), _Putting(pools, random.Random(seed))))


class _Putting(Visitor):
    def __init__(self, pools: Pools, chance: random.Random) -> None:
        super().__init__()
        self._pools, self._chance = pools, chance

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Node | None:
        return self._put(node)

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> Node | None:
        return self._put(node)

    def _put(self, node: ArgumentNode | ObjectFieldNode) -> Node | None:
        pool = self._pools.get(node.name.value)
        if pool is None or self._chance.random() > SOME:
            return None
        if isinstance(node.value, StringValueNode):
            value: ValueNode = self._text(pool)
        elif isinstance(node.value, ListValueNode):
            value = ListValueNode(
                values=tuple(self._text(pool) for _ in range(self._chance.randint(0, 3)))
            )
        else:
            return None
        return type(node)(name=node.name, value=value)

    def _text(self, pool: Sequence[str]) -> StringValueNode:
        return StringValueNode(value=self._chance.choice(pool))
