"""What to export, as clients say it."""

import strawberry

from server.records import RecordType
from server.records.data_filter import DataFilter
from server.records.exports import Anonymization, ExportFormat, ExportPackaging
from server.resolvers.selections import Wanted


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
