"""Telling webhooks that an export has come to its end, in the transaction in which it does."""

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.global_ids import global_id
from server.records.exports import Export, ExportedExperiment, ExportStatus
from server.records.webhooks import WebhookEvent
from server.webhooks.outbox import announce


async def announce_end(
    tx: AsyncConnection, export: Row[Any], status: ExportStatus, error_code: str | None = None
) -> None:
    """Tell those of each experiment that the export draws on, and who asked for it."""
    drawn_on = (
        select(col(ExportedExperiment.experiment_key))
        .where(col(ExportedExperiment.export_key) == export.id)
        .order_by(col(ExportedExperiment.experiment_key))
    )
    told = {"exportId": global_id(Export.__name__, export.id), "status": status.value}
    if error_code is not None:
        told["errorCode"] = error_code
    for experiment_key in (await tx.scalars(drawn_on)).all():
        await announce(
            tx,
            experiment_key,
            WebhookEvent.EXPORT_FINISHED,
            told,
            also_to=export.requested_by_key,
        )
