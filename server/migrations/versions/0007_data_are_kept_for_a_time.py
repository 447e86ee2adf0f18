"""Data are kept for a time: policies, what is due of them, archives, and what is not collected."""

import sqlalchemy as sa
from alembic import op

from server.column_types import JSON_TYPE, KEY_TYPE

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _experiment_key() -> sa.Column[int]:
    return sa.Column("experiment_key", KEY_TYPE, nullable=False)


def _of_experiment(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["experiment_key"],
        ["experiment.id"],
        name=op.f(f"fk_{table}_experiment_key_experiment"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    op.create_table(
        "retention_policy",
        sa.Column(
            "delete_after_days",
            sa.Integer(),
            nullable=True,
            comment="After how many days the data are deleted, from the experiment's completion; null for never, or for `deleteAt`.",
        ),
        sa.Column(
            "delete_at",
            sa.BigInteger(),
            nullable=True,
            comment="When the data are deleted, whether the experiment is completed or not; null for never, or for `deleteAfterDays`.",
        ),
        sa.Column(
            "media_days",
            sa.Integer(),
            nullable=True,
            comment="After how many days the files of recordings are deleted, from the experiment's completion; null for when the data are.",
        ),
        sa.Column(
            "archive_after_days",
            sa.Integer(),
            nullable=True,
            comment="After how many days the experiment is archived, from its completion; null for never.",
        ),
        sa.Column(
            "reminder_days",
            sa.Integer(),
            nullable=False,
            comment="How many days before a deletion the first of its two notices is given; the second is given a day before.",
        ),
        _experiment_key(),
        sa.Column("held_at", sa.BigInteger(), nullable=True),
        sa.Column("held_by", sa.String(), nullable=True),
        sa.Column("hold_reason", sa.String(), nullable=True, comment="Why nothing may be deleted."),
        _of_experiment("retention_policy"),
        sa.PrimaryKeyConstraint("experiment_key", name=op.f("pk_retention_policy")),
    )
    op.create_table(
        "retention_step",
        sa.Column("id", KEY_TYPE, nullable=False),
        _experiment_key(),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("first_notice_at", sa.BigInteger(), nullable=True),
        sa.Column("last_notice_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("deleted", JSON_TYPE, nullable=True),
        _of_experiment("retention_step"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_step")),
        sa.UniqueConstraint(
            "experiment_key", "action", name=op.f("uq_retention_step_experiment_key_action")
        ),
    )
    op.create_table(
        "archive",
        _experiment_key(),
        sa.Column("archived_at", sa.BigInteger(), nullable=False),
        sa.Column("export_key", KEY_TYPE, nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        _of_experiment("archive"),
        sa.ForeignKeyConstraint(
            ["export_key"],
            ["export.id"],
            name=op.f("fk_archive_export_key_export"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("experiment_key", name=op.f("pk_archive")),
    )
    op.create_index(op.f("ix_archive_export_key"), "archive", ["export_key"])
    op.add_column(
        "experiment",
        sa.Column(
            "completed_at",
            sa.BigInteger(),
            nullable=True,
            comment="When it was completed, or archived: from then on retention counts; null while it is ACTIVE.",
        ),
    )
    op.add_column(
        "experiment",
        sa.Column(
            "fields_not_collected",
            JSON_TYPE,
            nullable=False,
            server_default="[]",
            comment="What is not stored of its participants, whoever sends it: EMAIL, IP_ADDRESS or USER_AGENT.",
        ),
    )
    op.execute("UPDATE experiment SET completed_at = updated_at WHERE status <> 'ACTIVE'")
    op.add_column("recording", sa.Column("file_deleted_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("recording", "file_deleted_at")
    op.drop_column("experiment", "fields_not_collected")
    op.drop_column("experiment", "completed_at")
    op.drop_table("archive")
    op.drop_table("retention_step")
    op.drop_table("retention_policy")
