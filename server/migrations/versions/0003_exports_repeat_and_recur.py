"""Exports can be told apart, repeated and scheduled."""

import sqlalchemy as sa
from alembic import op

from server.column_types import JSON_TYPE, KEY_TYPE
from server.records.revisions import unwatch, watch

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WATCHED = {
    "experiment": "id",
    **dict.fromkeys(
        (
            *("room", "participant", "event", "recording", "chat_message"),
            *("continuous_rating", "sparse_rating", "sync_metric", "component"),
        ),
        "experiment_key",
    ),
}


def upgrade() -> None:
    op.create_table(
        "revision",
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_key", name=op.f("pk_revision")),
    )
    op.create_table(
        "time_shift",
        sa.Column("room_key", KEY_TYPE, nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["room_key"], ["room.id"], name=op.f("fk_time_shift_room_key_room")
        ),
        sa.PrimaryKeyConstraint("room_key", name=op.f("pk_time_shift")),
    )
    _create_schedules()
    no_key_again = {"sqlite_autoincrement": True}
    with op.batch_alter_table("export", schema=None, table_kwargs=no_key_again) as batch_op:
        batch_op.add_column(sa.Column("recipe_hash", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("fingerprint", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("schedule_key", KEY_TYPE, nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_export_schedule_key_export_schedule"),
            "export_schedule",
            ["schedule_key"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_index("ix_export_recipe_hash", ["recipe_hash"])
        batch_op.create_index("ix_export_fingerprint", ["fingerprint"])
        batch_op.create_index(op.f("ix_export_schedule_key"), ["schedule_key"])
    for table, key in WATCHED.items():
        for statement in watch(op.get_bind().dialect.name, table, key):
            op.execute(statement)


def _create_schedules() -> None:
    op.create_table(
        "export_schedule",
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="What its owner calls it."),
        sa.Column(
            "cron",
            sa.String(),
            nullable=False,
            comment="When it fires: a cron expression of five fields, such as `0 3 * * 1` for "
            "Mondays at 3:00.",
        ),
        sa.Column(
            "time_zone",
            sa.String(),
            nullable=False,
            comment="The IANA time zone of `cron`, such as `Europe/Berlin`.",
        ),
        sa.Column(
            "keep_last",
            sa.Integer(),
            nullable=True,
            comment="How many of its finished exports keep their files, the newest; if null, a "
            "file is deleted when its time is over, as of any export.",
        ),
        sa.Column(
            "incremental",
            sa.Boolean(),
            nullable=False,
            comment="Whether each export holds only what came after the one before it.",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False, comment="When it was set up."),
        sa.Column(
            "next_at",
            sa.BigInteger(),
            nullable=True,
            comment="When it fires next, or later, once its last export is finished; null for "
            "never.",
        ),
        sa.Column("last_at", sa.BigInteger(), nullable=True, comment="When it fired last."),
        sa.Column(
            "last_message",
            sa.String(),
            nullable=True,
            comment="What became of the last firing, if it queued no export.",
        ),
        sa.Column("requested_by_key", KEY_TYPE, nullable=False),
        sa.Column("wanted", JSON_TYPE, nullable=False),
        sa.Column("scopes", JSON_TYPE, nullable=False),
        sa.Column("experiment_keys", JSON_TYPE, nullable=True),
        sa.Column("reached", JSON_TYPE, nullable=True),
        sa.ForeignKeyConstraint(
            ["requested_by_key"],
            ["user.id"],
            name=op.f("fk_export_schedule_requested_by_key_user"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_schedule")),
    )
    with op.batch_alter_table("export_schedule", schema=None) as batch_op:
        batch_op.create_index("ix_export_schedule_next_at", ["next_at"])
        batch_op.create_index(op.f("ix_export_schedule_requested_by_key"), ["requested_by_key"])
    op.create_table(
        "scheduled_experiment",
        sa.Column("schedule_key", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_key"],
            ["experiment.id"],
            name=op.f("fk_scheduled_experiment_experiment_key_experiment"),
        ),
        sa.ForeignKeyConstraint(
            ["schedule_key"],
            ["export_schedule.id"],
            name=op.f("fk_scheduled_experiment_schedule_key_export_schedule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "schedule_key", "experiment_key", name=op.f("pk_scheduled_experiment")
        ),
    )
    op.create_index(
        op.f("ix_scheduled_experiment_experiment_key"), "scheduled_experiment", ["experiment_key"]
    )


def downgrade() -> None:
    for table in WATCHED:
        for statement in unwatch(op.get_bind().dialect.name, table):
            op.execute(statement)
    with op.batch_alter_table("export", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_export_schedule_key"))
        batch_op.drop_index("ix_export_fingerprint")
        batch_op.drop_index("ix_export_recipe_hash")
        batch_op.drop_constraint(op.f("fk_export_schedule_key_export_schedule"), type_="foreignkey")
        batch_op.drop_column("schedule_key")
        batch_op.drop_column("fingerprint")
        batch_op.drop_column("recipe_hash")
    op.drop_table("scheduled_experiment")
    op.drop_table("export_schedule")
    op.drop_table("time_shift")
    op.drop_table("revision")
