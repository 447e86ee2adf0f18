"""Exports: asking for one, watching it, fetching its file."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, cast

import strawberry

from server.column_types import ByteCount
from server.execution.fields import Batched
from server.records import RecordType
from server.records.data_filter import DataFilter
from server.records.export_schedules import ExportSchedule as ExportScheduleTable
from server.records.exports import (
    EXPORTS,
    Anonymization,
    ExportBase,
    ExportFilter,
    ExportFormat,
    ExportOrderField,
    ExportPackaging,
    ExportStatus,
    WithheldReason,
)
from server.records.users import User as UserTable
from server.resolvers import exports
from server.resolvers.listings import Window
from server.resolvers.lookups import Parents, nodes
from server.resolvers.selections import Wanted
from server.rows import Row
from server.schema.connection import Connection, OrderDirection, all_of, loaded
from server.schema.info import Info
from server.schema.node import Node
from server.schema.orders import ExportOrder
from server.schema.people import User
from server.schema.scope import KEEP, After, First
from server.schema.user_errors import UserError, UserErrors

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


@strawberry.type(description="A file of an export: the whole file, or a member of the ZIP.")
class ExportedFile:
    path: str = strawberry.field(description="Where it lies within the ZIP.")
    data_type: RecordType | None = strawberry.field(description="Whose records; null for others.")
    row_count: int = strawberry.field(description="How many rows it has.")
    bytes: ByteCount = strawberry.field(description="Its size in bytes, uncompressed.")
    sha256: str = strawberry.field(description="SHA-256 of its bytes, in hexadecimal.")


@strawberry.type(description="What was selected of a data type, and what became of it.")
class LedgerEntry:
    data_type: RecordType = strawberry.field(description="Which type.")
    selected: int = strawberry.field(description="Rows that the selection and the filter hold.")
    written: int = strawberry.field(description="Rows in the files.")
    withheld: list["WithheldCount"] = strawberry.field(
        description="Rows that are not in the files, and why: with `written`, all that is selected."
    )


@strawberry.type(description="How many selected rows are not in the files, for one reason.")
class WithheldCount:
    reason: WithheldReason = strawberry.field(description="Why they are not there.")
    count: int = strawberry.field(description="How many rows.")


@strawberry.type(description="What an export holds, file by file and type by type.")
class ExportManifest:
    files: list[ExportedFile] = strawberry.field(description="Its files.")
    ledger: list[LedgerEntry] = strawberry.field(description="One entry for each data type.")


@strawberry.pydantic.type(description="A job that writes a selection of records to a file.")
class Export(ExportBase, Node):
    @strawberry.pydantic.field(description="How far it has come.")
    def progress(self) -> ExportProgress:
        row = cast("Row", self)
        total, done = row.total_rows, row.completed_rows
        finished = row.status == ExportStatus.COMPLETED
        return ExportProgress(
            percent=100.0 if finished else round(100 * done / total, 1) if total else 0.0,
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
        "null unless COMPLETED."
    )
    async def download_url(self, info: Info) -> str | None:
        row = cast("Row", self)
        if row.status != ExportStatus.COMPLETED:
            return None
        return info.context.link(f"/exports/{row.key}/download", "export", row.key)

    @strawberry.pydantic.field(description="What it holds; null unless COMPLETED.")
    def manifest(self) -> ExportManifest | None:
        kept = cast("Row", self).manifest
        if kept is None:
            return None
        return ExportManifest(
            files=[
                ExportedFile(
                    path=file["path"],
                    data_type=_type_named(file["dataType"]),
                    row_count=file["rowCount"],
                    bytes=file["bytes"],
                    sha256=file["sha256"],
                )
                for file in kept["files"]
            ],
            ledger=[
                LedgerEntry(
                    data_type=RecordType[entry["dataType"]],
                    selected=entry["selected"],
                    written=entry["written"],
                    withheld=[
                        WithheldCount(reason=WithheldReason(each["reason"]), count=each["count"])
                        for each in entry["withheld"]
                    ],
                )
                for entry in kept["ledger"]
            ],
        )


def _type_named(name: str | None) -> RecordType | None:
    return RecordType[name] if name else None


@strawberry.input(description="A person's part in a room.")
class ParticipantKey:
    room_id: str = strawberry.field(description="Public id of the room, `room_…`.")
    participant_id: str = strawberry.field(description="Public id of the person.")


@strawberry.input(description="The columns that the files of a data type show.")
class ColumnChoice:
    data_type: RecordType = strawberry.field(description="Of which type.")
    columns: list[str] = strawberry.field(
        description="Names as in the API, such as `onset`; files keep their own order."
    )


@strawberry.input(description="What to export, and how.")
class ExportInput:
    experiment_ids: list[str] | None = strawberry.field(
        default=None,
        description="Experiments to take all of. Name at least one experiment, room or "
        "participant; together they are one selection.",
    )
    room_ids: list[str] | None = strawberry.field(default=None, description="Rooms to take all of.")
    participants: list[ParticipantKey] | None = strawberry.field(
        default=None, description="Participants to take all of."
    )
    data_types: list[RecordType] | None = strawberry.field(
        default=None, description="Which types; all seven when left out."
    )
    filter: DataFilter | None = strawberry.field(
        default=None, description="Which records of each type: the filters of the connections."
    )
    format: ExportFormat = strawberry.field(
        default=ExportFormat.CSV, description="What the records are written as."
    )
    packaging: ExportPackaging = strawberry.field(
        default=ExportPackaging.ZIP, description="One file by itself, or several in a ZIP."
    )
    anonymization: Anonymization = strawberry.field(
        default=Anonymization.REMOVE_IDENTIFIERS,
        description="How much of who the participants are stays in the files.",
    )
    excel_bom: bool = strawberry.field(
        default=False, description="Begin CSV files with a byte order mark, for Excel."
    )
    formula_guard: bool | None = strawberry.field(
        default=None,
        description="Put a quote before texts that a spreadsheet would take for formulas, in CSV "
        "and TSV; numbers are left alone. As `excelBom` when left out.",
    )
    columns: list[ColumnChoice] | None = strawberry.field(
        default=None,
        description="Which columns the files of some data types show; all, of the others.",
    )
    include_media: bool = strawberry.field(
        default=False,
        description="Put the recorded video and audio into the ZIP: it shows who people are.",
    )
    shift_times: bool = strawberry.field(
        default=False,
        description="Move all times of a room by one secret amount, the same in every export: "
        "onsets and the common clock of its participants stay.",
    )
    since: strawberry.ID | None = strawberry.field(
        default=None,
        description="Only what was recorded after the snapshot of that export: its global id.",
    )
    snapshot: str | None = strawberry.field(
        default=None,
        description="Holds what had been stored at an earlier export's snapshot: `snapshot` of "
        "the recipe in its `metadata.json`.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="The same key returns the same export instead of starting another.",
    )
    reason: str | None = strawberry.field(default=None, description="Why, for the record.")

    def wanted(self) -> Wanted:
        """Return the same in the terms of the resolvers."""
        return Wanted(
            experiment_ids=self.experiment_ids or [],
            room_ids=self.room_ids or [],
            participants=[(p.room_id, p.participant_id) for p in self.participants or []],
            types=list(RecordType) if self.data_types is None else self.data_types,
            kept=self.filter or DataFilter(),
            format=self.format,
            packaging=self.packaging,
            anonymization=self.anonymization,
            excel_bom=self.excel_bom,
            formula_guard=self.formula_guard,
            columns={each.data_type: each.columns for each in self.columns or ()},
            include_media=self.include_media,
            shift_times=self.shift_times,
            since=self.since,
            snapshot=self.snapshot,
            idempotency_key=self.idempotency_key,
            reason=self.reason,
        )


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
        description="Queue an export; `exportProgress` tells how it goes.",
        extensions=[UserErrors(ExportPayload)],
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
