"""Records come in, and what is refused is kept."""

import sqlalchemy as sa
from alembic import op

from server.column_types import KEY_TYPE

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quarantined_record",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column(
            "refused_at",
            sa.BigInteger(),
            nullable=False,
            comment="When it was refused, the last time that it was sent.",
        ),
        sa.Column("code", sa.String(), nullable=False, comment="Why, for programs."),
        sa.Column(
            "field",
            sa.String(),
            nullable=True,
            comment="The field at fault, by its name in the API; null if it is not one of them.",
        ),
        sa.Column("message", sa.String(), nullable=False, comment="Why, and what to do."),
        sa.Column(
            "data_type",
            sa.String(),
            nullable=True,
            comment="The data type that it names, such as `EVENTS`; null without one.",
        ),
        sa.Column("room_id", sa.String(), nullable=True, comment="The room that it names."),
        sa.Column(
            "participant_id", sa.String(), nullable=True, comment="The participant that it names."
        ),
        sa.Column(
            "record",
            sa.Text(),
            nullable=False,
            comment="The record, as it was sent; of a line that was not JSON, its text.",
        ),
        sa.Column("experiment_key", KEY_TYPE, nullable=True),
        sa.Column("sender_key", KEY_TYPE, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_quarantined_record_experiment_key_experiment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sender_key"], ["user.id"], name=op.f("fk_quarantined_record_sender_key_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_record")),
        sa.UniqueConstraint(
            "sender_key", "digest", name=op.f("uq_quarantined_record_sender_key_digest")
        ),
    )
    with op.batch_alter_table("quarantined_record", schema=None) as batch_op:
        batch_op.create_index(
            "ix_quarantined_record_experiment_key",
            ["experiment_key", "refused_at", "id"],
            unique=False,
        )
    op.add_column("recording", sa.Column("sha256", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("recording", "sha256")
    op.drop_table("quarantined_record")
