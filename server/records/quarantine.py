"""Quarantine: records that were refused, as they were sent, until somebody corrects or drops them.

What was sent is here or among the records: nothing disappears.
"""

from pydantic import Field as Asked
from sqlalchemy import Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.column_types import KEY_TYPE, Json, JsonTextType
from server.db import Stored
from server.records.columns import Identifies, column, moment
from server.records.conditions import OneOf, TextIn, TextMatch, TimestampRange
from server.records.described import Described, OrderField
from server.records.filters import Filter
from server.records.listed import Listed
from server.timestamps import Timestamp


class RefusalCode(Described):
    """Why a record was refused."""

    NOT_JSON = "NOT_JSON", "The line is not JSON."
    NOT_AN_OBJECT = "NOT_AN_OBJECT", "It is JSON, but no object."
    UNKNOWN_TYPE = "UNKNOWN_TYPE", "`dataType` is missing, or names none of the seven types."
    UNKNOWN_FIELD = "UNKNOWN_FIELD", "It has a field that records of its type do not have."
    MISSING = "MISSING", "It lacks a field that it must have."
    WRONG_TYPE = "WRONG_TYPE", "A field holds another kind of value than it should."
    TOO_LARGE = "TOO_LARGE", "A text, a value of JSON or the whole record is too large."
    OUT_OF_RANGE = "OUT_OF_RANGE", "A number is outside of its range."
    OFF_SCALE = "OFF_SCALE", "A rating is not on the scale that the record names."
    ENDS_BEFORE_START = "ENDS_BEFORE_START", "It ends before it begins."
    IMPLAUSIBLE_TIME = "IMPLAUSIBLE_TIME", "Its clock cannot have been right."
    ONSET_DISAGREES = "ONSET_DISAGREES", "Its onset is not what its timestamp says."
    UNKNOWN_ROOM = "UNKNOWN_ROOM", "There is no such room, or none that the sender may add to."
    UNKNOWN_PARTICIPANT = "UNKNOWN_PARTICIPANT", "Nobody of that id is in the room."
    WRONG_EXPERIMENT = "WRONG_EXPERIMENT", "The room is not of the experiment that it names."
    ROOM_NOT_STARTED = (
        "ROOM_NOT_STARTED",
        "It has no onset, and the room has no experiment start to calculate it from.",
    )
    ID_TAKEN = "ID_TAKEN", "There is a record of that id already, and it says something else."
    CONSENT_WITHDRAWN = (
        "CONSENT_WITHDRAWN",
        "Its participant has withdrawn, or does not consent to its data type: it is not kept.",
    )
    ARCHIVED = "ARCHIVED", "The experiment is archived: nothing is added to it."
    BATCH_REFUSED = "BATCH_REFUSED", "Another record of its batch was refused, which was atomic."


class RefusalCodeIn(OneOf[RefusalCode]):
    """One of some reasons."""


class QuarantinedRecordBase(SQLModel):
    """The public columns of a record in quarantine."""

    refused_at: Timestamp = moment("When it was refused, the last time that it was sent.")
    code: RefusalCode = column("Why, for programs.", sa_type=String)
    field: str | None = column(
        "The field at fault, by its name in the API; null if it is not one of them.", default=None
    )
    message: str = column("Why, and what to do.", identifies=Identifies.IN_TEXT)
    data_type: str | None = column(
        "The data type that it names, such as `EVENTS`; null without one.", default=None
    )
    room_id: str | None = column("The room that it names.", default=None)
    participant_id: str | None = column(
        "The participant that it names.", identifies=Identifies.DIRECTLY, default=None
    )
    record: Json | None = column(
        "The record, as it was sent; of a line that was not JSON, its text.",
        identifies=Identifies.IN_TEXT,
        sa_type=JsonTextType,
        nullable=False,  # JSON's null is a text, too
    )


class QuarantinedRecord(QuarantinedRecordBase, Stored, table=True):
    """A record in quarantine: it is of an experiment if it names one that its sender may add to.

    `digest` tells what was sent before: the same record, from the same account, is here once.
    """

    __table_args__ = (
        UniqueConstraint("sender_key", "digest"),
        Index("ix_quarantined_record_experiment_key", "experiment_key", "refused_at", "id"),
    )

    experiment_key: int | None = Field(
        default=None, foreign_key="experiment.id", ondelete="CASCADE", sa_type=KEY_TYPE
    )
    sender_key: int = Field(foreign_key="user.id", sa_type=KEY_TYPE)
    digest: str


class QuarantineFilter(Filter, of=QuarantinedRecordBase):
    """Which records in quarantine to keep."""

    refused_at: TimestampRange | None = None
    code: RefusalCodeIn | None = None
    field: TextMatch | None = None
    data_type: TextIn | None = None
    room_id: TextIn | None = None
    participant_id: TextIn | None = Asked(default=None, description="The participants they name.")


class QuarantineOrderField(OrderField):
    """What records in quarantine can be sorted by."""

    REFUSED_AT = "refused_at"


QUARANTINE = Listed(
    model=QuarantinedRecord,
    filter=QuarantineFilter,
    order=QuarantineOrderField,
    scope="write:events",
)
