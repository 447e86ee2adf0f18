"""What an export holds, as the API shows it."""

from typing import Any

import strawberry

from server.column_types import ByteCount, Json
from server.records import RecordType
from server.records.exports import WithheldReason


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


@strawberry.type(description="How many selected rows, or files, are left out for one reason.")
class WithheldCount:
    reason: WithheldReason = strawberry.field(description="Why they are not there.")
    count: int = strawberry.field(description="How many rows, or files of recordings.")


@strawberry.type(description="What became of the recorded video and audio of the selection.")
class MediaLedger:
    selected: int = strawberry.field(description="Files that belong to the selected recordings.")
    written: int = strawberry.field(description="Files in the ZIP.")
    withheld: list[WithheldCount] = strawberry.field(
        description="Files that are not in it, and why: with `written`, all that are selected."
    )


@strawberry.type(description="What an export holds, file by file and type by type.")
class ExportManifest:
    files: list[ExportedFile] = strawberry.field(description="Its files.")
    ledger: list[LedgerEntry] = strawberry.field(description="One entry for each data type.")
    media: MediaLedger | None = strawberry.field(
        description="What became of the files of recordings; null if there are none, or if nobody "
        "asked for them and it is no secret what they show."
    )
    recipe: Json | None = strawberry.field(
        description="What asks for the same again: `input`, to be given to `exportCreate` together "
        "with `snapshot`, and the `software` that wrote it. De-identified files show participants "
        "under their codes."
    )


def manifest_of(kept: Any) -> ExportManifest | None:
    """Return a stored manifest as it is shown."""
    if kept is None:
        return None
    return ExportManifest(
        files=[_file(each) for each in kept["files"]],
        ledger=[_entry(each) for each in kept["ledger"]],
        media=_media(kept.get("media")),
        recipe=kept.get("recipe"),
    )


def _file(file: dict[str, Any]) -> ExportedFile:
    return ExportedFile(
        path=file["path"],
        data_type=RecordType[file["dataType"]] if file["dataType"] else None,
        row_count=file["rowCount"],
        bytes=file["bytes"],
        sha256=file["sha256"],
    )


def _entry(entry: dict[str, Any]) -> LedgerEntry:
    return LedgerEntry(
        data_type=RecordType[entry["dataType"]],
        selected=entry["selected"],
        written=entry["written"],
        withheld=_withheld(entry),
    )


def _media(ledger: dict[str, Any] | None) -> MediaLedger | None:
    if ledger is None:
        return None
    return MediaLedger(
        selected=ledger["selected"], written=ledger["written"], withheld=_withheld(ledger)
    )


def _withheld(entry: dict[str, Any]) -> list[WithheldCount]:
    return [
        WithheldCount(reason=WithheldReason(each["reason"]), count=each["count"])
        for each in entry["withheld"]
    ]
