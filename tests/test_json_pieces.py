"""Large JSON, read piece by piece: as if it were read at once, but others have their turn."""

import asyncio
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import json_pieces

pytestmark = pytest.mark.anyio

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)  # fmt: skip


@given(st.data())
@pytest.mark.parametrize("piece", [0, 3, 40])
async def test_it_says_what_it_says_read_at_once(piece: int, data: st.DataObject) -> None:
    said = data.draw(JSON.filter(_is_sayable))
    text = orjson.dumps(said)
    spaced = orjson.dumps(said, option=orjson.OPT_INDENT_2)
    with patch.object(json_pieces, "PIECE", piece):
        assert await json_pieces.loads(text) == orjson.loads(text)
        assert await json_pieces.loads(b" \n" + spaced) == orjson.loads(text)


def _is_sayable(said: Any) -> bool:
    try:
        orjson.dumps(said)
    except TypeError:  # half a character
        return False
    return True


@given(st.data())
@pytest.mark.parametrize("piece", [0, 3, 40])
async def test_what_is_no_json_is_refused_as_if_read_at_once(
    piece: int, data: st.DataObject
) -> None:
    text = orjson.dumps(data.draw(JSON.filter(_is_sayable)))
    at = data.draw(st.integers(0, len(text)))
    broken = (
        text[:at] + data.draw(st.binary(max_size=2)) + text[at + data.draw(st.integers(0, 2)) :]
    )
    with patch.object(json_pieces, "PIECE", piece):
        assert await _read(broken) == _read_at_once(broken)


async def _read(text: bytes) -> tuple[bool, Any]:
    try:
        return True, await json_pieces.loads(text)
    except orjson.JSONDecodeError:
        return False, None


def _read_at_once(text: bytes) -> tuple[bool, Any]:
    try:
        return True, orjson.loads(text)
    except orjson.JSONDecodeError:
        return False, None


async def test_others_have_their_turn_meanwhile() -> None:
    records = [{"ratingId": str(number), "value": 0.5} for number in range(20_000)]
    text = orjson.dumps({"variables": {"records": records}})
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    assert await json_pieces.loads(text) == {"variables": {"records": records}}
    counting.cancel()
    assert turns > len(text) // json_pieces.PIECE
