"""Recordings: the video and audio of a participant; the files themselves lie in storage."""

from typing import ClassVar

from sqlalchemy import BigInteger, String
from sqlmodel import Field

from server.column_types import ByteCount
from server.records.base import DataType, Record, RecordBase, RecordFilter
from server.records.checks import NotBefore
from server.records.columns import Identifies, Summarized, column, moment
from server.records.conditions import (
    BigIntRange,
    IntRange,
    OneOf,
    TextIn,
    TextMatch,
    TimestampRange,
)
from server.records.described import Described, OrderField
from server.timestamps import Timestamp


class RecordingKind(Described):
    """What was recorded."""

    VIDEO = "VIDEO", "Pictures, with or without sound."
    AUDIO = "AUDIO", "Sound alone."


class RecordingBase(RecordBase):
    """A recording's public columns."""

    recording_id: str = column("Public id, `rec_…`.")
    kind: RecordingKind = column("What was recorded.", sa_type=String)
    start_time: Timestamp | None = moment("When the recording began: ISO 8601, UTC.", default=None)
    end_time: Timestamp | None = moment("When the recording ended: ISO 8601, UTC.", default=None)
    duration: int | None = column("Length in milliseconds.", unit="ms", least=0, default=None)
    video_offset: int | None = column(
        "Where the recording begins, in ms from the experiment start; may be negative.",
        unit="ms",
        from_start=True,
        default=None,
    )
    file_name: str | None = column(
        "Name of the file.", identifies=Identifies.IN_TEXT, from_file=True, default=None
    )
    file_size: ByteCount | None = column(
        "Size of the file in bytes.",
        unit="bytes",
        least=0,
        from_file=True,
        sa_type=BigInteger,
        default=None,
    )
    format: str | None = column(
        "Container format, such as `webm`.", summarized=Summarized.AS_CATEGORIES, default=None
    )
    resolution: str | None = column(
        "Width and height, such as `1280x720`.",
        unit="pixels",
        summarized=Summarized.AS_CATEGORIES,
        default=None,
    )
    status: str = column(
        "How the recording went, such as `completed` or `failed`.",
        summarized=Summarized.AS_CATEGORIES,
    )


class Recording(RecordingBase, Record, table=True):
    """A stored recording. `storage_key` is where its file lies; none if it never arrived.

    `sha256` is that of its file, in hexadecimal, if it was uploaded. `file_deleted_at` is when its
    file was deleted, because its time was over.
    """

    identity: ClassVar = ("recording_id",)

    storage_key: str | None = None
    sha256: str | None = None
    file_deleted_at: Timestamp | None = Field(default=None, sa_type=BigInteger)


class RecordingKindIn(OneOf[RecordingKind]):
    """One of some kinds."""


class RecordingFilter(RecordFilter, of=RecordingBase):
    """Which recordings to keep."""

    recording_id: TextIn | None = None
    kind: RecordingKindIn | None = None
    start_time: TimestampRange | None = None
    end_time: TimestampRange | None = None
    duration: IntRange | None = None
    video_offset: IntRange | None = None
    file_name: TextMatch | None = None
    file_size: BigIntRange | None = None
    format: TextMatch | None = None
    resolution: TextMatch | None = None
    status: TextMatch | None = None


class RecordingOrderField(OrderField):
    """What recordings can be sorted by."""

    TIMESTAMP = "timestamp"
    ONSET = "onset"
    ROOM_ID = "room_id"
    PARTICIPANT_ID = "participant_id"
    RECORDING_ID = "recording_id"
    KIND = "kind"
    START_TIME = "start_time"
    END_TIME = "end_time"
    DURATION = "duration"
    VIDEO_OFFSET = "video_offset"
    FILE_NAME = "file_name"
    FILE_SIZE = "file_size"
    FORMAT = "format"
    RESOLUTION = "resolution"
    STATUS = "status"


RECORDINGS = DataType(
    name="recordings",
    title="recordings",
    stem="recordings",
    description="Video and audio.",
    model=Recording,
    base=RecordingBase,
    filter=RecordingFilter,
    order=RecordingOrderField,
    scope="read:recordings",
    checks=(NotBefore("end_time", "start_time"),),
)
