"""Webhooks: whom a server tells by itself what has happened, and what is still to be delivered."""

from typing import ClassVar

from pydantic import Field as Asked
from sqlalchemy import Index, String
from sqlmodel import Field, SQLModel, col

from server.column_types import KEY_TYPE
from server.db import Stored
from server.records.columns import column, json_column, moment
from server.records.conditions import OneOf, TextIn, TimestampRange
from server.records.described import Described, OrderField
from server.records.experiments import Experiment
from server.records.filters import Filter, Reference
from server.records.listed import Listed
from server.timestamps import Timestamp


class WebhookEvent(Described):
    """What webhooks tell of."""

    EXPORT_FINISHED = (
        "EXPORT_FINISHED",
        "An export has COMPLETED or FAILED; once for each experiment that it draws on.",
    )
    DATA_REQUEST_RECEIVED = (
        "DATA_REQUEST_RECEIVED",
        "A participant has asked for their data; the answer is due within a month.",
    )
    RETENTION_NOTICE = (
        "RETENTION_NOTICE",
        "Data will be deleted, or put away, as the experiment's retention says.",
    )


class DeliveryState(Described):
    """What has become of a delivery."""

    PENDING = "PENDING", "Still to be delivered, for the first time or again."
    DELIVERED = "DELIVERED", "The receiver has taken it: its answer was 2xx."
    FAILED = "FAILED", "Given up, after about three days of attempts."


class WebhookBase(SQLModel):
    """A webhook's public columns."""

    url: str = column("Where deliveries are sent.")
    events: list[WebhookEvent] = json_column("What it tells of.")
    created_at: Timestamp = moment("When it was set up.")
    failing_since: Timestamp | None = moment(
        "Since when no delivery has succeeded; null while they do.", default=None
    )
    disabled_at: Timestamp | None = moment(
        "When it was switched off, by hand or after five days of failures; null while it is on.",
        default=None,
    )


class Webhook(WebhookBase, Stored, table=True):
    """A stored webhook: of an experiment or, without one, of all that an account owns.

    `secret` signs what is sent, so that it must be kept; it is shown once.
    """

    user_key: int = Field(foreign_key="user.id", index=True, sa_type=KEY_TYPE)
    experiment_key: int | None = Field(
        default=None,
        foreign_key="experiment.id",
        ondelete="CASCADE",
        index=True,
        sa_type=KEY_TYPE,
    )
    secret: str


class WebhookFilter(Filter, of=WebhookBase):
    """Which webhooks to keep."""

    by_key: ClassVar = {
        "experiment_id": Reference(
            col(Experiment.experiment_id), col(Experiment.id), "experiment_key"
        )
    }

    created_at: TimestampRange | None = None
    disabled_at: TimestampRange | None = None
    experiment_id: TextIn | None = Asked(default=None, description="The experiments they are of.")


class WebhookOrderField(OrderField):
    """What webhooks can be sorted by."""

    CREATED_AT = "created_at"


WEBHOOKS = Listed(
    model=Webhook,
    filter=WebhookFilter,
    order=WebhookOrderField,
    scope="write:experiments",
)


class WebhookDeliveryBase(SQLModel):
    """A delivery's public columns."""

    message_id: str = column(
        "What is sent as `webhook-id`: the same in each attempt, so that a receiver can tell what "
        "it has seen.",
        unique=True,
    )
    event: str = column("What it tells of, such as `export.finished`.")
    created_at: Timestamp = moment("When that happened.")
    state: DeliveryState = column(
        "What has become of it.", sa_type=String, default=DeliveryState.PENDING
    )
    attempts: int = column("How often it was sent.", default=0)
    next_at: Timestamp | None = moment(
        "When it will be sent, or sent again; null once it is over.", default=None
    )
    last_at: Timestamp | None = moment("When it was last sent.", default=None)
    last_status: int | None = column(
        "The HTTP status of the last answer; null if there was none.", default=None
    )
    last_error: str | None = column(
        "Why there was none, or why it was not enough; null if it was.", default=None
    )


class WebhookDelivery(WebhookDeliveryBase, Stored, table=True):
    """A message in the outbox: `body` is sent as it is.

    `attempts` is the fence: whoever claims a delivery raises it, and puts `next_at` where their
    lease ends.
    """

    __table_args__ = (
        Index("ix_webhook_delivery_webhook_key", "webhook_key", "created_at", "id"),
        Index("ix_webhook_delivery_next_at", "next_at"),
    )

    webhook_key: int = Field(foreign_key="webhook.id", ondelete="CASCADE", sa_type=KEY_TYPE)
    body: str


class DeliveryStateIn(OneOf[DeliveryState]):
    """One of some states."""


class WebhookDeliveryFilter(Filter, of=WebhookDeliveryBase):
    """Which deliveries to keep."""

    state: DeliveryStateIn | None = None
    created_at: TimestampRange | None = None


class WebhookDeliveryOrderField(OrderField):
    """What deliveries can be sorted by."""

    CREATED_AT = "created_at"


WEBHOOK_DELIVERIES = Listed(
    model=WebhookDelivery,
    filter=WebhookDeliveryFilter,
    order=WebhookDeliveryOrderField,
    scope="write:experiments",
    most=100,
)
