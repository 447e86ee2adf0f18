"""Requests of participants for their own data, and the links by which they ask without an account.

Of a link only a hash is kept. Both name a person by their id within an experiment, as pseudonyms
do: whoever is erased goes from here, too.
"""

from typing import Any, ClassVar

from pydantic import Field as Asked
from sqlalchemy import ColumnElement, Index, String, case, select
from sqlmodel import Field, SQLModel, col

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.columns import Identifies, column, moment
from server.records.conditions import OneOf, TextIn, TimestampRange
from server.records.described import Described, OrderField
from server.records.experiments import Experiment
from server.records.exports import Export, ExportStatus
from server.records.filters import Filter, Reference
from server.records.listed import Listed
from server.timestamps import Timestamp


class DataRequestState(Described):
    """Where a request for one's own data stands."""

    RECEIVED = "RECEIVED", "To be answered: the package is not there yet."
    READY = "READY", "The package can be downloaded."
    FULFILLED = "FULFILLED", "The package was downloaded."
    REFUSED = "REFUSED", "The owner has refused it; the reason is given."
    EXPIRED = "EXPIRED", "The package was deleted when its time was over; nobody downloaded it."


OPEN = (DataRequestState.RECEIVED, DataRequestState.READY)
"""While a request is in one of these, asking again is the same request."""


class AskedBy(Described):
    """Who has asked."""

    ACCOUNT = "ACCOUNT", "The participant, signed in to an account of their own."
    LINK = "LINK", "The participant, by a link that was handed to them."
    OWNER = "OWNER", "The experiment's owner, or an administrator, for the participant."


class DataRequestBase(SQLModel):
    """A request's public columns."""

    participant_id: str = column(
        "Public id of the person whose data it is.", identifies=Identifies.DIRECTLY
    )
    asked_by: AskedBy = column("Who has asked.", sa_type=String)
    include_media: bool = column("Whether video and audio are in the package.", default=False)
    received_at: Timestamp = moment("When it was asked for.")
    due_at: Timestamp = moment(
        "By when it must be answered: a month later, as Art. 12(3) GDPR has it."
    )
    refused_at: Timestamp | None = moment("When it was refused.", default=None)
    refusal_reason: str | None = column("Why it was refused.", default=None)
    downloaded_at: Timestamp | None = moment("When the package was first downloaded.", default=None)


class DataRequest(DataRequestBase, Stored, table=True):
    """A stored request; `export_key` is the package, which may have been deleted."""

    __table_args__ = (
        Index("ix_data_request_experiment_key", "experiment_key", "due_at", "id"),
        Index("ix_data_request_participant_id", "participant_id"),
        {"sqlite_autoincrement": True},  # a link to a deleted one must lead to no other
    )

    experiment_key: int = Field(foreign_key="experiment.id", ondelete="CASCADE", sa_type=KEY_TYPE)
    export_key: int | None = Field(
        default=None, foreign_key="export.id", ondelete="SET NULL", index=True, sa_type=KEY_TYPE
    )

    @classmethod
    def expressions(cls) -> dict[str, Any]:
        """Add where it and its export stand, and 1 in `closed` once it is over."""
        columns = super().expressions()
        package = (
            select(col(Export.status))
            .where(col(Export.id) == columns["export_key"])
            .scalar_subquery()
        )
        state = _state(columns, package)
        closed = case((state.in_([each.value for each in OPEN]), 0), else_=1)
        return {**columns, "state": state, "package_status": package, "closed": closed}


def _state(columns: dict[str, Any], export: ColumnElement[Any]) -> ColumnElement[Any]:
    return case(
        (columns["refused_at"].is_not(None), DataRequestState.REFUSED.value),
        (columns["downloaded_at"].is_not(None), DataRequestState.FULFILLED.value),
        (export == ExportStatus.COMPLETED, DataRequestState.READY.value),
        (export == ExportStatus.EXPIRED, DataRequestState.EXPIRED.value),
        else_=DataRequestState.RECEIVED.value,
    )


class DataRequestStateIn(OneOf[DataRequestState]):
    """One of some states."""


class AskedByIn(OneOf[AskedBy]):
    """Some who may have asked."""


class DataRequestFilter(Filter, of=DataRequestBase):
    """Which requests to keep."""

    by_key: ClassVar = {
        "experiment_id": Reference(
            col(Experiment.experiment_id), col(Experiment.id), "experiment_key"
        )
    }

    participant_id: TextIn | None = None
    asked_by: AskedByIn | None = None
    state: DataRequestStateIn | None = Asked(default=None, description="Where they stand.")
    received_at: TimestampRange | None = None
    due_at: TimestampRange | None = None
    experiment_id: TextIn | None = Asked(default=None, description="The experiments they are of.")


class DataRequestOrderField(OrderField):
    """What requests can be sorted by."""

    CLOSED = "closed", "What is open comes first."
    DUE_AT = "due_at"


DATA_REQUESTS = Listed(
    model=DataRequest,
    filter=DataRequestFilter,
    order=DataRequestOrderField,
    scope="read:participants",
)


class ParticipantToken(Stored, table=True):
    """What lets its holder ask once for the data of one person, and fetch that package.

    `request_key` is what was asked for by it: until then it is unused.
    """

    hash: str = Field(unique=True)
    experiment_key: int = Field(
        foreign_key="experiment.id", ondelete="CASCADE", index=True, sa_type=KEY_TYPE
    )
    participant_id: str
    created_at: Timestamp = moment("When it was made.")
    expires_at: Timestamp = moment("When it stops working.")
    request_key: int | None = Field(
        default=None,
        foreign_key="data_request.id",
        ondelete="CASCADE",
        index=True,
        sa_type=KEY_TYPE,
    )
