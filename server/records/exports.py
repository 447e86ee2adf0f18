"""Exports: jobs that write a selection of records to a file; the table is the only queue."""

from enum import Enum, StrEnum
from typing import Any

from pydantic import Field as Asked
from sqlalchemy import BigInteger, ColumnElement, Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.column_types import JSON_TYPE, KEY_TYPE, ByteCount, Json
from server.db import Stored, Table
from server.records.columns import column, moment
from server.records.filters import Condition, Filter, TimestampRange
from server.records.listed import Listed
from server.timestamps import Timestamp


class ExportFormat(StrEnum):
    """What the records are written as."""

    CSV = "CSV"
    JSON = "JSON"


class ExportPackaging(StrEnum):
    """One file by itself, or several in a ZIP."""

    SINGLE_FILE = "SINGLE_FILE"
    ZIP = "ZIP"


class Anonymization(StrEnum):
    """How much of who the participants are stays in the files."""

    KEEP = "KEEP"
    REMOVE_IDENTIFIERS = "REMOVE_IDENTIFIERS"


class ExportStatus(StrEnum):
    """Where an export stands."""

    CREATED = "CREATED"
    RUNNING = "RUNNING"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"

    @property
    def final(self) -> bool:
        """Whether nothing more will be written."""
        return self in FINAL


FINAL = frozenset(
    {
        ExportStatus.CANCELED,
        ExportStatus.COMPLETED,
        ExportStatus.FAILED,
        ExportStatus.EXPIRED,
    }
)


class ExportErrorCode(StrEnum):
    """Why an export failed."""

    WORKER_LOST = "WORKER_LOST"
    STORAGE_FAILED = "STORAGE_FAILED"
    INTERNAL = "INTERNAL"


class ExportBase(SQLModel):
    """An export's public columns."""

    status: ExportStatus = column("Where it stands.", sa_type=String, default=ExportStatus.CREATED)
    created_at: Timestamp = moment("When it was asked for.")
    started_at: Timestamp | None = moment("When a worker first took it up.", default=None)
    completed_at: Timestamp | None = moment("When it came to its end.", default=None)
    snapshot_at: Timestamp | None = moment("It holds what had been stored by then.", default=None)
    expires_at: Timestamp | None = moment("When its file will be deleted.", default=None)
    format: ExportFormat = column("What the records are written as.", sa_type=String)
    packaging: ExportPackaging = column("One file, or several in a ZIP.", sa_type=String)
    anonymization: Anonymization = column(
        "How much of who the participants are stays in the files.", sa_type=String
    )
    file_name: str | None = column("What the file is called when downloaded.", default=None)
    file_size: ByteCount | None = column(
        "Size of the file in bytes.", unit="bytes", sa_type=BigInteger, default=None
    )
    sha256: str | None = column("SHA-256 of the file, in hexadecimal.", default=None)
    error_code: ExportErrorCode | None = column(
        "Why it failed, for programs.", sa_type=String, default=None
    )
    error_message: str | None = column("Why it failed, and what to do.", default=None)


class Export(ExportBase, Stored, table=True):
    """A stored export.

    Whoever claims the job raises `fence`; every later write names the fence it holds, so that a
    worker taken for dead can write nothing. `seq` counts the changes that followers should see.
    """

    __table_args__ = (
        UniqueConstraint("requested_by_key", "idempotency_key"),
        Index("ix_export_status", "status", "id"),
    )

    requested_by_key: int = Field(foreign_key="user.id", sa_type=KEY_TYPE)
    idempotency_key: str | None = None
    recipe: Json = Field(sa_type=JSON_TYPE)
    reason: str | None = None

    seq: int = 0
    fence: int = 0
    attempts: int = 0
    worker: str | None = None
    lease_until: Timestamp | None = Field(default=None, sa_type=BigInteger)
    storage_key: str | None = None

    completed_rows: int = Field(default=0, sa_type=BigInteger)
    total_rows: int | None = Field(default=None, sa_type=BigInteger)
    bytes_written: int = Field(default=0, sa_type=BigInteger)
    message: str = "Waiting for a worker"
    manifest: Json | None = Field(default=None, sa_type=JSON_TYPE)


class ExportedExperiment(Table, table=True):
    """Which experiments an export draws on: their owners may see and revoke it."""

    export_key: int = Field(
        primary_key=True, foreign_key="export.id", ondelete="CASCADE", sa_type=KEY_TYPE
    )
    experiment_key: int = Field(
        primary_key=True, foreign_key="experiment.id", index=True, sa_type=KEY_TYPE
    )


class ExportStatusIn(Condition):
    """One of some states."""

    in_: tuple[ExportStatus, ...] | None = Asked(default=None, description="Any of these.")

    def clauses(self, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        return [] if self.in_ is None else [column.in_(self.in_)]


class ExportFilter(Filter):
    """Which exports to keep."""

    status: ExportStatusIn | None = Asked(default=None, description="Where they stand.")
    created_at: TimestampRange | None = Asked(default=None, description="When they were asked for.")


class ExportOrderField(Enum):
    """What exports can be sorted by."""

    CREATED_AT = "created_at"


EXPORTS = Listed(
    model=Export,
    filter=ExportFilter,
    order=ExportOrderField,
    scope="export:data",
)
