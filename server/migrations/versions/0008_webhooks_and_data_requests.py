"""Webhooks tell what happened, and participants ask for their data."""

import sqlalchemy as sa
from alembic import op

from server.column_types import JSON_TYPE, KEY_TYPE

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("url", sa.String(), nullable=False, comment="Where deliveries are sent."),
        sa.Column("events", JSON_TYPE, nullable=False, comment="What it tells of."),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When it was set up."),
        sa.Column(
            "failing_since",
            sa.BigInteger(),
            nullable=True,
            comment="Since when no delivery has succeeded; null while they do.",
        ),
        sa.Column(
            "disabled_at",
            sa.BigInteger(),
            nullable=True,
            comment="When it was switched off, by hand or after five days of failures; null while it is on.",
        ),
        sa.Column("user_key", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=True),
        sa.Column("secret", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_webhook_experiment_key_experiment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_key"], ["user.id"], name=op.f("fk_webhook_user_key_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_index(op.f("ix_webhook_experiment_key"), "webhook", ["experiment_key"], unique=False)
    op.create_index(op.f("ix_webhook_user_key"), "webhook", ["user_key"], unique=False)
    op.create_table(
        "data_request",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column(
            "participant_id",
            sa.String(),
            nullable=False,
            comment="Public id of the person whose data it is.",
        ),
        sa.Column("asked_by", sa.String(), nullable=False, comment="Who has asked."),
        sa.Column(
            "include_media",
            sa.Boolean(),
            nullable=False,
            comment="Whether video and audio are in the package.",
        ),
        sa.Column("received_at", sa.BigInteger(), nullable=False, comment="When it was asked for."),
        sa.Column(
            "due_at",
            sa.BigInteger(),
            nullable=False,
            comment="By when it must be answered: a month later, as Art. 12(3) GDPR has it.",
        ),
        sa.Column("refused_at", sa.BigInteger(), nullable=True, comment="When it was refused."),
        sa.Column("refusal_reason", sa.String(), nullable=True, comment="Why it was refused."),
        sa.Column(
            "downloaded_at",
            sa.BigInteger(),
            nullable=True,
            comment="When the package was first downloaded.",
        ),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("export_key", KEY_TYPE, nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_data_request_experiment_key_experiment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["export_key"],
            ["export.id"],
            name=op.f("fk_data_request_export_key_export"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_request")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_data_request_experiment_key",
        "data_request",
        ["experiment_key", "due_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_data_request_export_key"), "data_request", ["export_key"], unique=False
    )
    op.create_index(
        "ix_data_request_participant_id", "data_request", ["participant_id"], unique=False
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column(
            "message_id",
            sa.String(),
            nullable=False,
            comment="What is sent as `webhook-id`: the same in each attempt, so that a receiver can tell what it has seen.",
        ),
        sa.Column(
            "event",
            sa.String(),
            nullable=False,
            comment="What it tells of, such as `export.finished`.",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When that happened."),
        sa.Column("state", sa.String(), nullable=False, comment="What has become of it."),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="How often it was sent."),
        sa.Column(
            "next_at",
            sa.BigInteger(),
            nullable=True,
            comment="When it will be sent, or sent again; null once it is over.",
        ),
        sa.Column("last_at", sa.BigInteger(), nullable=True, comment="When it was last sent."),
        sa.Column(
            "last_status",
            sa.Integer(),
            nullable=True,
            comment="The HTTP status of the last answer; null if there was none.",
        ),
        sa.Column(
            "last_error",
            sa.String(),
            nullable=True,
            comment="Why there was none, or why it was not enough; null if it was.",
        ),
        sa.Column("webhook_key", KEY_TYPE, nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_key"],
            ["webhook.id"],
            name=op.f("fk_webhook_delivery_webhook_key_webhook"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("message_id", name=op.f("uq_webhook_delivery_message_id")),
    )
    op.create_index("ix_webhook_delivery_next_at", "webhook_delivery", ["next_at"], unique=False)
    op.create_index(
        "ix_webhook_delivery_webhook_key",
        "webhook_delivery",
        ["webhook_key", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "participant_token",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("participant_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When it was made."),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="When it stops working."),
        sa.Column("request_key", KEY_TYPE, nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_participant_token_experiment_key_experiment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_key"],
            ["data_request.id"],
            name=op.f("fk_participant_token_request_key_data_request"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_participant_token_hash")),
    )
    op.create_index(
        op.f("ix_participant_token_experiment_key"),
        "participant_token",
        ["experiment_key"],
        unique=False,
    )
    op.create_index(
        op.f("ix_participant_token_request_key"), "participant_token", ["request_key"], unique=False
    )


def downgrade() -> None:
    op.drop_table("participant_token")
    op.drop_table("webhook_delivery")
    op.drop_table("data_request")
    op.drop_table("webhook")
