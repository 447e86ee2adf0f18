"""The snapshot of an export: now, since another export's, or that of another export again."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.errors import BadUserInput, NotFound
from server.export.recipe import take_bounds
from server.export.snapshots import Snapshot, read_snapshot
from server.global_ids import type_and_key
from server.records import RecordType
from server.records.exports import Export, ExportStatus
from server.rows import layout_of
from server.timestamps import now

_NEVER_DELIVERED = (ExportStatus.FAILED, ExportStatus.CANCELING, ExportStatus.CANCELED)


async def snapshot_of(
    tx: AsyncConnection,
    actor: Actor,
    since: str | None,
    snapshot: str | None,
    types: Sequence[RecordType],
) -> Snapshot:
    """Return where the data of an export end, and where they begin if that is asked for."""
    latest = await take_bounds(tx)
    if since is not None and snapshot is not None:
        raise BadUserInput(
            "Give `since` or `snapshot`, not both: a snapshot says itself what came before it.",
            ["input", "since"],
        )
    if snapshot is not None:
        return read_snapshot(snapshot, latest)
    after = {} if since is None else await _ends_of(tx, actor, since, types)
    return Snapshot(bounds=latest, after=after, at=now())


async def _ends_of(
    tx: AsyncConnection, actor: Actor, export_id: str, types: Sequence[RecordType]
) -> dict[str, int]:
    """Return the highest keys that an export could hold, of the records of some types.

    Not those of rooms and participants: what is new may lie in old ones.
    """
    type_name, key = type_and_key(export_id) or ("", 0)
    layout = layout_of(Export)
    this: ColumnElement[Any] = col(Export.id) == key
    statement = select(col(Export.status), col(Export.recipe)).where(
        this, actor.sees_exports(layout)
    )
    found = (await tx.execute(statement)).one_or_none() if type_name == layout.type_name else None
    at = ["input", "since"]
    if found is None:
        raise NotFound("There is no such export: look among `exports` for yours.", at)
    if found.status in _NEVER_DELIVERED:
        raise BadUserInput(
            "That export has no file, so that its records would be missing: try it again with "
            "`exportRetry`, or name the export before it.",
            at,
        )
    bounds = cast("dict[str, Any]", found.recipe or {}).get("bounds", {})
    if missing := [each.name for each in types if each.name not in bounds]:
        raise BadUserInput(
            f"That export does not say where its snapshot of {', '.join(missing)} ended: name "
            "another one, or leave `since` out.",
            at,
        )
    return {each.name: bounds[each.name] for each in RecordType if each in types}
