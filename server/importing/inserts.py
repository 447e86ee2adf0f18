"""Rows into the database, and what is refused in a sentence."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db import Stored
from server.errors import BadPackage, BadUserInput
from server.filling import fill

Values = Mapping[str, Sequence[Any]]
"""Rows as columns, by their names in the database."""


async def put(tx: AsyncConnection, model: type[Stored], values: Values) -> None:
    """Insert rows in their order; BadPackage if the database refuses one."""
    names = tuple(values)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*values.values(), strict=True)]
    async with _explained(model.table_name()):
        await fill(tx, model, rows)


@asynccontextmanager
async def _explained(name: str) -> AsyncGenerator[None]:
    try:
        yield
    except IntegrityError as refused:
        raise BadPackage(
            f"A row for the table {name} is there twice, or lacks what it must have: nothing was "
            "imported."
        ) from refused
    except (DBAPIError, BadUserInput) as refused:  # the latter is a text that no row can hold
        raise BadPackage(
            f"This database cannot keep a value for its table {name}: a number that is too large "
            "or, in PostgreSQL, a text with U+0000. Nothing was imported."
        ) from refused
