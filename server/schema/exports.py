"""Exports: asking for one, watching it, fetching its file."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, cast

import strawberry

from server.column_types import ByteCount
from server.execution.fields import Batched
from server.limits.weights import ESTIMATE, costs
from server.records.audit import AuditAction
from server.records.export_schedules import ExportSchedule as ExportScheduleTable
from server.records.exports import (
    EXPORTS,
    ExportBase,
    ExportFilter,
    ExportOrderField,
    ExportStatus,
)
from server.records.users import User as UserTable
from server.records.users import UserRole
from server.resolvers import estimates, exports
from server.resolvers.listings import Window
from server.resolvers.lookups import Parents, nodes
from server.rows import Row
from server.schema.connection import Connection, OrderDirection, all_of, loaded
from server.schema.deleting import DeletePayload
from server.schema.estimates import ExportEstimate, shown
from server.schema.export_inputs import ExportInput
from server.schema.export_manifests import ExportManifest, manifest_of
from server.schema.info import Info
from server.schema.node import Node
from server.schema.orders import ExportOrder
from server.schema.people import User
from server.schema.scope import KEEP, After, First
from server.schema.user_errors import UserError, UserErrors
from server.timestamps import now

if TYPE_CHECKING:
    from server.schema.schedules import ExportSchedule

ExportId = Annotated[strawberry.ID, strawberry.argument(description="The export's global id.")]


@strawberry.type(description="How far an export has come.")
class ExportProgress:
    percent: float = strawberry.field(description="0 to 100, of the rows.")
    completed_rows: int = strawberry.field(description="Rows written so far.")
    total_rows: int | None = strawberry.field(description="Rows in all; null until counted.")
    message: str = strawberry.field(description="What is being done, readable.")
    bytes_written: ByteCount = strawberry.field(description="Bytes written so far.")


@strawberry.pydantic.type(description="A job that writes a selection of records to a file.")
class Export(ExportBase, Node):
    @strawberry.pydantic.field(description="How far it has come.")
    def progress(self) -> ExportProgress:
        row = cast("Row", self)
        total, done = row.total_rows, row.completed_rows
        share = 100 * done / total if total else 0.0
        finished = row.status == ExportStatus.COMPLETED
        return ExportProgress(
            percent=100.0 if finished else min(100.0, round(share, 1)),
            completed_rows=done,
            total_rows=total,
            message=row.message,
            bytes_written=row.bytes_written,
        )

    @strawberry.pydantic.field(
        description="Who asked for it.", extensions=[Batched("requested_by_key")]
    )
    def requested_by(self) -> User:
        return loaded(Parents(UserTable, "requested_by_key"))

    @strawberry.pydantic.field(
        description="The schedule that asked for it; null if none did, or it was deleted.",
        extensions=[Batched("schedule_key")],
    )
    def schedule(
        self,
    ) -> Annotated["ExportSchedule", strawberry.lazy("server.schema.schedules")] | None:
        return loaded(Parents(ExportScheduleTable, "schedule_key"))

    @strawberry.pydantic.field(
        description="Address of the file, signed when read and working for about an hour; "
        "null unless COMPLETED, once it has expired, and to those who did not ask for it."
    )
    async def download_url(self, info: Info) -> str | None:
        row, actor = cast("Row", self), info.context.actor
        if row.status != ExportStatus.COMPLETED or _is_over(row.expires_at):
            return None
        if actor.role is not UserRole.ADMINISTRATOR and row.requested_by_key != actor.user_key:
            return None
        return info.context.link(f"/exports/{row.key}/download", "export", row.key)

    @strawberry.pydantic.field(description="What it holds; null unless COMPLETED.")
    def manifest(self) -> ExportManifest | None:
        return manifest_of(cast("Row", self).manifest)


@strawberry.type(description="An export, or why there is none.")
class ExportPayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    export: Export | None = strawberry.field(default=None, description="The export.")


@strawberry.type
class ExportQuery:
    @strawberry.field(description="One of the caller's exports; null if there is no such.")
    async def export(self, info: Info, id: ExportId) -> Export | None:
        [found] = await nodes(info.context, [id])
        is_one = found is not None and found.layout.level == EXPORTS.model.table_name()
        return cast("Export", found) if is_one else None

    @strawberry.field(
        description="What an export would hold, before it is made: it is refused as that would be.",
        metadata=costs(ESTIMATE),
    )
    async def export_estimate(
        self,
        info: Info,
        input: Annotated[ExportInput, strawberry.argument(description="What to export, and how.")],
    ) -> ExportEstimate:
        return shown(await estimates.estimate(info.context, input.wanted()))

    @strawberry.field(description="The caller's exports, the newest first.", extensions=[Batched()])
    def exports(
        self,
        filter: Annotated[ExportFilter | None, KEEP] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Export]:
        newest = [ExportOrder(field=ExportOrderField.CREATED_AT, direction=OrderDirection.DESC)]
        return all_of(EXPORTS, filter, newest, Window(first, after))


@strawberry.type
class ExportMutation:
    @strawberry.mutation(
        description="Queue an export; `exportProgress` tells how it goes. Without an "
        "`idempotencyKey`, a finished export of the caller's that holds the same, of data that "
        "nobody has changed, is returned instead.",
        extensions=[UserErrors(ExportPayload, AuditAction.EXPORT)],
    )
    async def export_create(
        self,
        info: Info,
        input: Annotated[ExportInput, strawberry.argument(description="What to export, and how.")],
    ) -> ExportPayload:
        return _payload(await exports.create(info.context, input.wanted()))

    @strawberry.mutation(
        description="Stop an export within a second; what is half-written goes.",
        extensions=[UserErrors(ExportPayload)],
    )
    async def export_cancel(self, info: Info, id: ExportId) -> ExportPayload:
        return _payload(await exports.cancel(info.context, id))

    @strawberry.mutation(
        description="Queue an export again that FAILED, was CANCELED or has EXPIRED: the same one, "
        "with the same recipe and snapshot, if that may still be exported.",
        extensions=[UserErrors(ExportPayload, AuditAction.EXPORT)],
    )
    async def export_retry(self, info: Info, id: ExportId) -> ExportPayload:
        return _payload(await exports.retry(info.context, id))

    @strawberry.mutation(
        description="Delete an export and its file; one that is being written is stopped first.",
        extensions=[UserErrors(DeletePayload)],
    )
    async def export_delete(self, info: Info, id: ExportId) -> DeletePayload:
        return DeletePayload(deleted_id=strawberry.ID(await exports.delete(info.context, id)))


def _is_over(expires_at: int | None) -> bool:
    return expires_at is not None and expires_at <= now()


def _payload(row: Any) -> ExportPayload:
    return ExportPayload(export=row)


@strawberry.type
class ExportSubscription:
    @strawberry.subscription(
        description="The export as it stands, then every change, its terminal state last; "
        "then the stream completes."
    )
    async def export_progress(self, info: Info, id: ExportId) -> AsyncGenerator[Export]:
        async with aclosing(exports.progress(info.context, id)) as states:
            async for row in states:
                yield cast("Export", row)
