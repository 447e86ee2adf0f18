"""Schedules: exports that are asked for again and again."""

from typing import Annotated, Any

import strawberry

from server.execution.fields import Batched
from server.records.export_schedules import (
    EXPORT_SCHEDULES,
    ExportScheduleBase,
    ExportScheduleFilter,
    ExportScheduleOrderField,
)
from server.records.exports import EXPORTS, ExportOrderField
from server.records.users import User as UserTable
from server.resolvers import schedules
from server.resolvers.listings import Window
from server.resolvers.lookups import Parents
from server.resolvers.schedules import Planned
from server.schema.connection import Connection, OrderDirection, all_of, loaded, within
from server.schema.deleting import DeletePayload
from server.schema.export_inputs import ExportInput
from server.schema.exports import Export
from server.schema.info import Info
from server.schema.node import Node
from server.schema.orders import ExportOrder, ExportScheduleOrder
from server.schema.people import User
from server.schema.scope import KEEP, After, First
from server.schema.user_errors import UserError, UserErrors


@strawberry.pydantic.type(description="An export that is asked for again and again.")
class ExportSchedule(ExportScheduleBase, Node):
    @strawberry.pydantic.field(
        description="Who set it up: it exports with their rights, as they are when it fires.",
        extensions=[Batched("requested_by_key")],
    )
    def requested_by(self) -> User:
        return loaded(Parents(UserTable, "requested_by_key"))

    @strawberry.pydantic.field(
        description="What it has exported, the newest first.", extensions=[Batched()]
    )
    def exports(self, first: First = None, after: After = None) -> Connection[Export]:
        newest = [ExportOrder(field=ExportOrderField.CREATED_AT, direction=OrderDirection.DESC)]
        return within(EXPORTS, None, newest, Window(first, after))


@strawberry.input(description="What to export, and when, again and again.")
class ExportScheduleInput:
    name: str = strawberry.field(description="What to call it.")
    cron: str = strawberry.field(
        description="When it fires: minute, hour, day of the month, month and day of the week, "
        "such as `0 3 * * 1` for Mondays at 3:00."
    )
    time_zone: str = strawberry.field(
        default="UTC", description="The IANA time zone of `cron`, such as `Europe/Berlin`."
    )
    keep_last: int | None = strawberry.field(
        default=None,
        description="How many of its finished exports keep their files, the newest, however old "
        "they are. When left out, a file is deleted when its time is over, as of any export.",
    )
    incremental: bool = strawberry.field(
        default=False,
        description="Whether each export holds only what came since the last one that finished.",
    )
    export: ExportInput = strawberry.field(
        description="What to export, and how, but for `since`, `snapshot` and `idempotencyKey`."
    )

    def planned(self) -> Planned:
        """Return the same in the terms of the resolvers."""
        return Planned(
            name=self.name,
            cron=self.cron,
            time_zone=self.time_zone,
            keep_last=self.keep_last,
            incremental=self.incremental,
            wanted=self.export.wanted(),
        )


@strawberry.type(description="A schedule, or why there is none.")
class ExportSchedulePayload:
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty if it was not."
    )
    schedule: ExportSchedule | None = strawberry.field(default=None, description="The schedule.")


@strawberry.type
class ExportScheduleQuery:
    @strawberry.field(
        description="The caller's schedules, the newest first.", extensions=[Batched()]
    )
    def export_schedules(
        self,
        filter: Annotated[ExportScheduleFilter | None, KEEP] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[ExportSchedule]:
        newest = [
            ExportScheduleOrder(
                field=ExportScheduleOrderField.CREATED_AT, direction=OrderDirection.DESC
            )
        ]
        return all_of(EXPORT_SCHEDULES, filter, newest, Window(first, after))


@strawberry.type
class ExportScheduleMutation:
    @strawberry.mutation(
        description="Set up an export that is asked for again and again; refused if it never could "
        "be, but for want of records.",
        extensions=[UserErrors(ExportSchedulePayload)],
    )
    async def export_schedule_create(
        self,
        info: Info,
        input: Annotated[
            ExportScheduleInput, strawberry.argument(description="What to export, and when.")
        ],
    ) -> ExportSchedulePayload:
        row: Any = await schedules.create(info.context, input.planned())
        return ExportSchedulePayload(schedule=row)

    @strawberry.mutation(
        description="Delete a schedule: it fires no more. What it has exported stays, and expires "
        "as any export.",
        extensions=[UserErrors(DeletePayload)],
    )
    async def export_schedule_delete(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The schedule's global id.")],
    ) -> DeletePayload:
        await schedules.delete(info.context, id)
        return DeletePayload(deleted_id=id)
