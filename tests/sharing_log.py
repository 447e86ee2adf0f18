"""What the audit log says of sharing."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from server.db import Database
from server.records.audit import AuditAction, AuditEntry

_CHANGES = (
    AuditAction.GRANT,
    AuditAction.REVOKE,
    AuditAction.TRANSFER,
    AuditAction.GROUP_CHANGE,
)


async def changes(db: Database) -> list[tuple[Any, ...]]:
    """Return what was changed, in order: action, experiment and resource."""
    columns = (col(AuditEntry.action), col(AuditEntry.experiment_id), col(AuditEntry.resource))
    made = col(AuditEntry.allowed), col(AuditEntry.action).in_(_CHANGES)
    async with db.read() as tx:
        rows = await tx.execute(select(*columns).where(*made).order_by(col(AuditEntry.id)))
        return [tuple(row) for row in rows]
