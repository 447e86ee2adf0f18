"""The server with its fast path and without: the same answers to whoever asks."""

from itertools import product
from typing import Any

import pytest

from tests.execution.product_cases import DOCUMENTS, FLAGS, MUTATIONS, ONE_AT_FAULT
from tests.execution.twins import DROPPING, READERS, Twins

pytestmark = [pytest.mark.anyio, pytest.mark.repeats, *DROPPING]


def asked(document: str, twins: Twins) -> list[dict[str, Any]]:
    """Return every set of variables to send with a document."""
    ids = {name: id_ for name, id_ in twins.ids.items() if f"${name}:" in document}
    flags = [name for name in FLAGS if f"${name}:" in document]
    choices = product((True, False), repeat=len(flags))
    return [ids | dict(zip(flags, chosen, strict=True)) for chosen in choices]


async def differences(twins: Twins, document: str) -> list[str]:
    found = [
        await twins.difference(document, variables, who)
        for who in READERS
        for variables in asked(document, twins)
    ]
    return [difference for difference in found if difference is not None]


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_question_is_answered_alike(twins: Twins, name: str) -> None:
    assert await differences(twins, DOCUMENTS[name]) == []


@pytest.mark.parametrize("name", ONE_AT_FAULT)
async def test_what_is_at_fault_is_told_alike(twins: Twins, name: str) -> None:
    for variables in asked(DOCUMENTS[name], twins):
        assert not await twins.difference(DOCUMENTS[name], variables, "owner", merged=False)


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_is_answered_alike(twins: Twins, name: str) -> None:
    assert await differences(twins, MUTATIONS[name]) == []


async def test_a_page_after_a_page_is_answered_alike(twins: Twins) -> None:
    """Cursors of one are good for the other."""
    query = """query($room: ID!, $after: String) { node(id: $room) { ... on Room {
      events(first: 3, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } } } }"""
    after, more = None, True
    while more:
        asked = {"room": twins.ids["room"], "after": after}
        assert await twins.difference(query, asked, "owner") is None
        data = await twins.fast.ask(query, twins.keys["owner"], **asked)
        page = data["node"]["events"]["pageInfo"]
        after, more = page["endCursor"], page["hasNextPage"]
