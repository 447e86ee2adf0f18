"""People withdraw, and what is theirs is sealed."""

import sqlalchemy as sa
from alembic import op

from server.column_types import JSON_TYPE, KEY_TYPE
from server.records.sealed import free_keys, keep_keys

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sealed_participant",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column(
            "participant_id",
            sa.String(),
            nullable=False,
            comment="Public id of the person, 28 characters; the same in each of their rooms.",
        ),
        sa.Column("role", sa.String(), nullable=True, comment="The role taken in the room."),
        sa.Column(
            "status", sa.String(), nullable=False, comment="Whether they are there, done, or gone."
        ),
        sa.Column(
            "email",
            sa.String(),
            nullable=True,
            comment="Address; null to all who may not see identified data.",
        ),
        sa.Column(
            "ip_address",
            sa.String(),
            nullable=True,
            comment="Network address they came from; null to all who may not see identified data.",
        ),
        sa.Column(
            "user_agent",
            sa.String(),
            nullable=True,
            comment="The browser they used; null to all who may not see identified data.",
        ),
        sa.Column(
            "joined_at", sa.BigInteger(), nullable=True, comment="When they entered the room."
        ),
        sa.Column("completed_at", sa.BigInteger(), nullable=True, comment="When they finished."),
        sa.Column(
            "completion_code",
            sa.String(),
            nullable=True,
            comment="How it ended, such as SUCCESS, TIMEOUT, NOCONSENT or ABANDONED.",
        ),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_sealed_participant_experiment_key_experiment"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_participant")),
    )
    with op.batch_alter_table("sealed_participant", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sealed_participant_experiment_key",
            ["experiment_key", "participant_id"],
            unique=False,
        )
        batch_op.create_index("ix_sealed_participant_room_key", ["room_key"], unique=False)

    op.create_table(
        "sealed_record",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column("participant_key", KEY_TYPE, nullable=False),
        sa.Column("data_type", sa.String(), nullable=False),
        sa.Column("record_key", KEY_TYPE, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.String(), nullable=True),
        sa.Column("sender_name", sa.String(), nullable=True),
        sa.Column("room_start", sa.BigInteger(), nullable=True),
        sa.Column("displaced", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_sealed_record_experiment_key_experiment"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_record")),
    )
    with op.batch_alter_table("sealed_record", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sealed_record_experiment_key", ["experiment_key", "data_type"], unique=False
        )
        batch_op.create_index(
            "ix_sealed_record_participant_key", ["participant_key", "data_type", "id"], unique=False
        )
        batch_op.create_index("ix_sealed_record_room_key", ["room_key", "data_type"], unique=False)

    op.create_table(
        "withdrawal",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column(
            "participant_id",
            sa.String(),
            nullable=False,
            comment="Public id of the person who withdrew, or for whom it was done.",
        ),
        sa.Column(
            "from_at",
            sa.BigInteger(),
            nullable=False,
            comment="From when on nothing is used any more.",
        ),
        sa.Column("reason", sa.String(), nullable=True, comment="Why, as it was said."),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When it was asked for."),
        sa.Column(
            "sealed_at",
            sa.BigInteger(),
            nullable=True,
            comment="When all that it is about was out of reach; null until then.",
        ),
        sa.Column(
            "lifted_at",
            sa.BigInteger(),
            nullable=True,
            comment="When it was lifted; null as long as it holds.",
        ),
        sa.Column(
            "restored_at",
            sa.BigInteger(),
            nullable=True,
            comment="When all was back that no other withdrawal is about; null until then.",
        ),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("data_types", JSON_TYPE, nullable=True),
        sa.Column("requested_by_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_withdrawal_experiment_key_experiment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_key"], ["user.id"], name=op.f("fk_withdrawal_requested_by_key_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
    )
    with op.batch_alter_table("withdrawal", schema=None) as batch_op:
        batch_op.create_index(
            "ix_withdrawal_experiment_key", ["experiment_key", "participant_id"], unique=False
        )
        batch_op.create_index("ix_withdrawal_from_at", ["from_at"], unique=False)

    for statement in keep_keys(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    for statement in free_keys(op.get_bind().dialect.name):
        op.execute(statement)
    for table in ("withdrawal", "sealed_record", "sealed_participant"):
        op.drop_table(table)
