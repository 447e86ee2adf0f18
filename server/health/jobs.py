"""What waits and what runs, of the queues that all servers of a database share, as figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Database
from server.records.described import Described
from server.records.erasures import Erasure, ErasureStatus
from server.records.exports import Export, ExportStatus
from server.records.webhooks import DeliveryState, WebhookDelivery
from server.timestamps import now


async def _counts(
    tx: AsyncConnection,
    state: Any,  # noqa: ANN401 - a column
    states: type[Described],
) -> Mapping[Described, int]:
    """Return how many rows are in each state, by an index."""
    found = await tx.execute(select(state, func.count()).group_by(state))
    counted = {str(each): int(count) for each, count in found}
    return {each: counted.get(each, 0) for each in states}


async def _undelivered(tx: AsyncConnection) -> int:
    """Return how many deliveries are not over, by an index: others may be very many."""
    waiting = col(WebhookDelivery.next_at).is_not(None)
    return (await tx.scalar(select(func.count()).where(waiting))) or 0


async def job_figures(db: Database) -> Sequence[Metric]:
    """Return how many jobs of each kind are in each state, and how long the oldest has waited."""
    async with db.read() as tx:
        counts: dict[str, Mapping[Described, int]] = {
            "export": await _counts(tx, col(Export.status), ExportStatus),
            "webhook": {DeliveryState.PENDING: await _undelivered(tx)},
            "erasure": await _counts(tx, col(Erasure.status), ErasureStatus),
        }
        oldest = await tx.scalar(
            select(func.min(col(Export.created_at))).where(
                col(Export.status) == ExportStatus.CREATED
            )
        )
    jobs = GaugeMetricFamily(
        "hyperdata_jobs", "Jobs of all servers, by kind and state.", labels=("kind", "state")
    )
    for kind, states in counts.items():
        for state, count in states.items():
            jobs.add_metric((kind, state), count)
    age = 0.0 if oldest is None else max(0.0, (now() - oldest) / 1000)
    waiting = GaugeMetricFamily(
        "hyperdata_export_queue_age_seconds",
        "How long the export that was asked for first has waited for a worker; 0 if none waits.",
        value=age,
    )
    return jobs, waiting
