"""What rows of both kinds of databases have in common, as one number a table.

JSONB keeps no order of keys, writes numbers out (1e2 is 100, -0.0 is 0.0) and leaves out keys that
come again, so JSON is compared by what it says. The order in which rows come does not matter:
texts are not sorted alike everywhere.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from server.copying.rows import Values, read
from server.copying.tables import CopiedTable

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_BITS = 256


@dataclass(frozen=True, slots=True)
class Print:
    """How many rows a table has, and the sum of their hashes."""

    rows: int
    sum: int


async def print_of(tx: AsyncConnection, table: CopiedTable, tell: Callable[[int], object]) -> Print:
    """Read a table whole; `tell` is told how many rows were read since it was told before."""
    rows, total = 0, 0
    places = [at for at, name in enumerate(table.columns) if name in table.json]
    batches: AsyncIterator[list[Values]] = read(tx, table)
    async for batch in batches:
        for row in batch:
            total += int.from_bytes(hashlib.sha256(_bytes(row, places)).digest())
        rows += len(batch)
        tell(len(batch))
    return Print(rows, total % (1 << _BITS))


def _bytes(row: Values, json_places: list[int]) -> bytes:
    if not json_places:
        return _dumped(row)
    values = list(row)
    for place in json_places:
        if (text := values[place]) is not None:
            values[place] = said_by(text)
    return _dumped(values)


def _dumped(values: object) -> bytes:
    try:
        return orjson.dumps(values)
    except TypeError:  # half of a character, which SQLite alone keeps
        return repr(values).encode("ascii", "backslashreplace")


def said_by(text: str) -> str:
    """Return JSON in the one form of all that say the same."""
    said = json.loads(text, parse_int=_number, parse_float=_number)
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def _number(digits: str) -> str:
    """Return a number in a form that no text has."""
    value: Any = _EXACT.normalize(Decimal(digits))
    return f"\0{value if value else 0}"
