"""Exports: jobs that write a selection of records to a file; the table is the only queue."""

from typing import ClassVar

from pydantic import Field as Asked
from sqlalchemy import BigInteger, Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel, col

from server.column_types import JSON_TYPE, KEY_TYPE, ByteCount, Json
from server.db import Stored, Table
from server.records.columns import column, moment
from server.records.conditions import BigIntRange, OneOf, TextIn, TextMatch, TimestampRange
from server.records.described import Described, OrderField
from server.records.experiments import Experiment
from server.records.filters import Filter, Reference
from server.records.listed import Listed
from server.timestamps import Timestamp


class ExportFormat(Described):
    """What the records are written as."""

    CSV = "CSV", "One line a record; nested values in columns such as `response.value`."
    TSV = "TSV", "As CSV, with tabs between the values."
    JSON = "JSON", "Nested values as they are, with metadata."
    NDJSON = "NDJSON", "One JSON object a line, for a record each."
    PARQUET = "PARQUET", "Typed columns, compressed, for pandas, polars, DuckDB and R's arrow."


class ExportPackaging(Described):
    """One file by itself, or several in a ZIP."""

    SINGLE_FILE = "SINGLE_FILE", "One file by itself."
    ZIP = "ZIP", "Several files in folders, with metadata and a data dictionary."


class Anonymization(Described):
    """How much of who the participants are stays in the files."""

    KEEP = "KEEP", "Unchanged: the files tell who the participants are."
    REMOVE_IDENTIFIERS = (
        "REMOVE_IDENTIFIERS",
        "Codes instead of ids, the same throughout an experiment.",
    )
    AGGREGATE_ONLY = (
        "AGGREGATE_ONLY",
        "Statistics of groups that are large enough, and no record of anybody.",
    )


class ExportStatus(Described):
    """Where an export stands."""

    CREATED = "CREATED", "Waiting for a worker."
    RUNNING = "RUNNING", "Being written."
    CANCELING = "CANCELING", "To be stopped, within a second."
    CANCELED = "CANCELED", "Stopped on demand; there is no file."
    COMPLETED = "COMPLETED", "The file is ready."
    FAILED = "FAILED", "There is no file: `errorCode` and `errorMessage` say why."
    EXPIRED = (
        "EXPIRED",
        ("The file was deleted: its time was over, or somebody in it has withdrawn."),
    )

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


class ExportErrorCode(Described):
    """Why an export failed."""

    WORKER_LOST = "WORKER_LOST", "Its worker died, more than once: ask for it again."
    STORAGE_FAILED = (
        "STORAGE_FAILED",
        "The store did not take the file: tell the operator.",
    )
    STORAGE_FULL = "STORAGE_FULL", "There is no space left for the file: tell the operator."
    RECORDS_CHANGED = (
        "RECORDS_CHANGED",
        "Records were deleted or changed while it was written: ask for it again.",
    )
    FORBIDDEN = (
        "FORBIDDEN",
        "Who asked for it may not export this any more: ask the experiment's owner.",
    )
    INTERNAL = "INTERNAL", "A fault of the server's: tell the operator."


class WithheldReason(Described):
    """Why selected records are not in the files."""

    AGGREGATED = "AGGREGATED", "They went into statistics, and are not shown one by one."
    SMALL_GROUP = "SMALL_GROUP", "They would have described too few people."
    IDENTIFIERS = "IDENTIFIERS", "They show who people are."
    CONSENT_WITHDRAWN = (
        "CONSENT_WITHDRAWN",
        "Their participants have withdrawn, or do not consent to this data type; counted whatever "
        "the filter asks, which is not asked of them.",
    )
    FILE_MISSING = "FILE_MISSING", "There is a record of a file, and no file in the store."


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

    `recipe_hash` tells recipes apart: what they select, how it is written, and where the snapshot
    ends. `fingerprint` leaves out when it was asked for, and tells versions of the data apart: two
    exports of one fingerprint hold the same.

    Whoever claims the job raises `fence`; every later write names the fence it holds, so that a
    worker taken for dead can write nothing. `seq` counts the changes that followers should see.
    """

    __table_args__ = (
        UniqueConstraint("requested_by_key", "idempotency_key"),
        Index("ix_export_status", "status", "id"),
        Index("ix_export_fingerprint", "fingerprint"),
        Index("ix_export_recipe_hash", "recipe_hash"),
        {"sqlite_autoincrement": True},  # the key of a deleted one must name no other
    )

    requested_by_key: int = Field(foreign_key="user.id", sa_type=KEY_TYPE)
    idempotency_key: str | None = None
    recipe: Json = Field(sa_type=JSON_TYPE)
    recipe_hash: str | None = None
    fingerprint: str | None = None
    reason: str | None = None
    schedule_key: int | None = Field(
        default=None,
        foreign_key="export_schedule.id",
        ondelete="SET NULL",
        index=True,
        sa_type=KEY_TYPE,
    )

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


class ExportStatusIn(OneOf[ExportStatus]):
    """One of some states."""


class ExportFormatIn(OneOf[ExportFormat]):
    """One of some formats."""


class ExportPackagingIn(OneOf[ExportPackaging]):
    """One of some ways to pack files."""


class AnonymizationIn(OneOf[Anonymization]):
    """One of some degrees."""


class ExportErrorCodeIn(OneOf[ExportErrorCode]):
    """One of some reasons."""


class ExportFilter(Filter, of=ExportBase):
    """Which exports to keep."""

    by_key: ClassVar = {
        "experiment_id": Reference(
            col(Experiment.experiment_id),
            col(ExportedExperiment.export_key),
            "key",
            joined=col(Experiment.id) == col(ExportedExperiment.experiment_key),
        )
    }

    experiment_id: TextIn | None = Asked(
        default=None, description="The experiments, of which they draw on one at least."
    )
    status: ExportStatusIn | None = None
    created_at: TimestampRange | None = None
    started_at: TimestampRange | None = None
    completed_at: TimestampRange | None = None
    expires_at: TimestampRange | None = None
    format: ExportFormatIn | None = None
    packaging: ExportPackagingIn | None = None
    anonymization: AnonymizationIn | None = None
    error_code: ExportErrorCodeIn | None = None
    file_name: TextMatch | None = None
    file_size: BigIntRange | None = None


class ExportOrderField(OrderField):
    """What exports can be sorted by."""

    CREATED_AT = "created_at"


EXPORTS = Listed(
    model=Export,
    filter=ExportFilter,
    order=ExportOrderField,
    scope="export:data",
)
