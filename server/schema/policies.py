"""What an experiment tells of how long its data are kept."""

import strawberry

from server.column_types import ByteCount
from server.records.retention import RetentionPolicyBase
from server.schema import inputs as inputs  # enums become GraphQL's first
from server.timestamps import Timestamp


def _column(name: str) -> str:
    return RetentionPolicyBase.model_fields[name].description or ""


@strawberry.type(description="How long an experiment's data are kept.")
class RetentionPolicy:
    delete_after_days: int | None = strawberry.field(description=_column("delete_after_days"))
    delete_at: Timestamp | None = strawberry.field(description=_column("delete_at"))
    media_days: int | None = strawberry.field(description=_column("media_days"))
    archive_after_days: int | None = strawberry.field(description=_column("archive_after_days"))
    reminder_days: int = strawberry.field(description=_column("reminder_days"))
    legal_hold: bool = strawberry.field(
        description="Whether there is a legal hold: then nothing is deleted or archived by itself."
    )
    deletes_data_at: Timestamp | None = strawberry.field(
        description="When the data will be deleted at the earliest, as things stand, or when that "
        "began; null for never, or if they were."
    )
    deletes_media_at: Timestamp | None = strawberry.field(
        description="When the files of recordings will be deleted at the earliest, as things "
        "stand, or when that began; null for never, or if they were."
    )
    archives_at: Timestamp | None = strawberry.field(
        description="When it will be archived, as things stand; null for never, or if it was."
    )


@strawberry.type(description="What keeps an experiment's data from being deleted by itself.")
class LegalHold:
    reason: str = strawberry.field(description="Why.")
    set_by: str | None = strawberry.field(
        description="Public id of the account that set it, `usr_…`."
    )
    set_at: Timestamp = strawberry.field(description="When it was set.")


@strawberry.type(description="The sealed package of an archived experiment.")
class Archive:
    archived_at: Timestamp = strawberry.field(description="Since when there is one.")
    export_id: strawberry.ID | None = strawberry.field(
        description="Global id of the export that it is, for `export`."
    )
    sha256: str | None = strawberry.field(
        description="SHA-256 of its file, in hexadecimal; null until it is written."
    )
    file_size: ByteCount | None = strawberry.field(
        description="Size of its file in bytes; null until it is written."
    )
