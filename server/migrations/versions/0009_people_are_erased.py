"""People are erased, and no key of theirs is given to anybody else."""

import sqlalchemy as sa
from alembic import op

from server.column_types import JSON_TYPE, KEY_TYPE

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NEVER_AGAIN = (
    *("experiment", "room", "participant", "user"),
    *("event", "recording", "chat_message", "continuous_rating"),
    *("sparse_rating", "sync_metric", "component"),
)
"""The tables of which SQLite gave the highest keys again, once their rows were deleted."""


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("kind", sa.String(), nullable=False, comment="What is erased."),
        sa.Column("status", sa.String(), nullable=False, comment="Where it stands."),
        sa.Column(
            "experiment_id", sa.String(), nullable=False, comment="Public id of the experiment."
        ),
        sa.Column(
            "requested_at",
            sa.BigInteger(),
            nullable=False,
            comment="When it was asked for and confirmed.",
        ),
        sa.Column(
            "due_at",
            sa.BigInteger(),
            nullable=False,
            comment="When it begins, or should have.",
        ),
        sa.Column("started_at", sa.BigInteger(), nullable=True, comment="When it began."),
        sa.Column(
            "completed_at",
            sa.BigInteger(),
            nullable=True,
            comment="When all was gone, or when it was canceled.",
        ),
        sa.Column(
            "reason",
            sa.String(),
            nullable=True,
            comment="Why, as was said when it was asked for.",
        ),
        sa.Column(
            "removed_count",
            sa.BigInteger(),
            nullable=False,
            comment="How many records are gone so far.",
        ),
        sa.Column(
            "total_count",
            sa.BigInteger(),
            nullable=False,
            comment="How many records there were to go.",
        ),
        sa.Column(
            "receipt",
            JSON_TYPE,
            nullable=True,
            comment="What is gone, when and by whom, with a signature; null before all is gone. "
            "`hyperdata receipt verify` checks it.",
        ),
        sa.Column("id", KEY_TYPE, nullable=False),
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("participant_key", KEY_TYPE, nullable=True),
        sa.Column("requested_by_key", KEY_TYPE, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("counts", JSON_TYPE, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["requested_by_key"], ["user.id"], name=op.f("fk_erasure_requested_by_key_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_erasure_digest", "erasure", ["digest"])
    op.create_index("ix_erasure_status", "erasure", ["status", "due_at"])
    op.create_index(
        "ix_erasure_experiment_key", "erasure", ["experiment_key", "requested_at", "id"]
    )
    op.create_table(
        "spent_code",
        sa.Column("experiment_key", KEY_TYPE, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_key", name=op.f("pk_spent_code")),
    )
    _rewrite("PRIMARY KEY (id)", "PRIMARY KEY (id AUTOINCREMENT)")
    _remember_the_highest()


def downgrade() -> None:
    _rewrite("PRIMARY KEY (id AUTOINCREMENT)", "PRIMARY KEY (id)")
    op.drop_table("spent_code")
    op.drop_table("erasure")


def _rewrite(old: str, new: str) -> None:
    """Change what SQLite is told of the keys of some tables, not the tables: they may be large.

    The file of a table is the same either way; `sqlite_sequence` is there since 0003.
    """
    tx = op.get_bind()
    if tx.dialect.name != "sqlite":
        return
    version = tx.exec_driver_sql("PRAGMA schema_version").scalar_one()
    tx.exec_driver_sql("PRAGMA writable_schema=ON")
    for table in NEVER_AGAIN:
        changed = tx.exec_driver_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ? "
            "AND instr(sql, ?) > 0",
            (old, new, table, old),
        )
        if changed.rowcount != 1:
            raise RuntimeError(f"The table {table} is not declared as it was expected.")
    tx.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    tx.exec_driver_sql("PRAGMA writable_schema=RESET")


def _remember_the_highest() -> None:
    """Have SQLite know the highest keys as of now: it notes them with the next row at the latest."""
    tx = op.get_bind()
    if tx.dialect.name != "sqlite":
        return
    for name in NEVER_AGAIN:
        table = sa.table(name, sa.column("id"))
        if (highest := tx.scalar(sa.select(sa.func.max(table.c.id)))) is not None:
            tx.exec_driver_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, highest))
