"""Entries of the audit log one after another, however many there are."""

from collections.abc import AsyncGenerator
from typing import Any

from sqlalchemy import ColumnElement, inspect, select
from sqlmodel import col

from server.db import Database
from server.records.audit import AuditEntry

BATCH = 1000
"""How many are in memory at once."""


async def entries(db: Database, *kept: ColumnElement[bool]) -> AsyncGenerator[dict[str, Any]]:
    """Yield the entries that some clauses keep, in the order in which they were added."""
    key = col(AuditEntry.id)
    page = select(*inspect(AuditEntry).columns).where(*kept).order_by(key).limit(BATCH)
    last = 0
    while True:
        async with db.read() as tx:
            found = (await tx.execute(page.where(key > last))).mappings().all()
        for entry in found:
            yield dict(entry)
        if len(found) < BATCH:
            return
        last = found[-1]["id"]
