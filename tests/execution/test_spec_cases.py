"""Every case of the spec suite, answered by graphql-core and by the fast path: the same bytes."""

import asyncio

import pytest

from tests.execution.cases import CASES, Case
from tests.execution.executors import Pair, answer
from tests.execution.shapes import SHAPES
from tests.execution.toy_schema import VARIANTS
from tests.execution.values import LEAVES

pytestmark = pytest.mark.anyio

RUNS = 3
"""A document is compiled after its first run, if at all."""

OTHERS = [variant for variant in VARIANTS if variant != "plain"]


async def differences(pair: Pair, case: Case) -> list[str]:
    """Return what the fast path answered otherwise: in a row, in turns and all at once."""
    expected = [await answer(pair.plain, case.document, v, case.operation) for v in case.variables]
    turns = range(len(expected))
    in_a_row = [n for n in turns for _ in range(RUNS)]
    found = [(n, await asked(pair, case, n)) for n in (*in_a_row, *reversed(turns))]
    found += enumerate(await asyncio.gather(*(asked(pair, case, n) for n in turns)))
    return [
        f"{case.variables[which]}\n  plain {expected[which]}\n  fast  {got}"
        for which, got in found
        if got != expected[which]
    ]


async def asked(pair: Pair, case: Case, which: int) -> str:
    return await answer(pair.fast, case.document, case.variables[which], case.operation)


def of_values(shape: str) -> Case:
    """Return the case that asks the same of every value."""
    document = f"query($kind: String!) {SHAPES[shape]}"
    return Case(document, [{"kind": kind} for kind in LEAVES])


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair.of("plain")


@pytest.mark.parametrize("name", CASES)
async def test_a_case_is_answered_alike(pair: Pair, name: str) -> None:
    assert await differences(pair, CASES[name]) == []


@pytest.mark.parametrize("shape", SHAPES)
async def test_every_value_is_shown_alike(pair: Pair, shape: str) -> None:
    assert await differences(pair, of_values(shape)) == []


@pytest.mark.parametrize("variant", OTHERS)
async def test_what_people_add_to_a_schema_is_heeded_alike(variant: str) -> None:
    pair = Pair.of(variant)
    reversing = Case("{ leaf { text @reversed a: text said @reversed } echo @reversed }")
    for case in (*CASES.values(), of_values("must"), of_values("in lists with nulls"), reversing):
        assert await differences(pair, case) == []
