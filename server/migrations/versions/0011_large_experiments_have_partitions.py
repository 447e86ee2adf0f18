"""The four large tables of records have partitions on PostgreSQL; nothing is copied.

What was the table becomes the partition of all experiments that have none of their own.
SQLite has no partitions: nothing changes there.
"""

# ruff: noqa: S608 - every part of these statements is written here, or is a name in the catalogue

from alembic import op
from sqlalchemy import text
from sqlalchemy.engine import Connection

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LARGE = ("continuous_rating", "event", "sync_metric", "sparse_rating")


def upgrade() -> None:
    tx = op.get_bind()
    if tx.dialect.name == "postgresql":
        for table in LARGE:
            _partition(tx, table)


def downgrade() -> None:
    tx = op.get_bind()
    if tx.dialect.name == "postgresql":
        for table in LARGE:
            _unite(tx, table)


def _partition(tx: Connection, table: str) -> None:
    rest = f"{table}_rest"
    constraints, indexes, triggers = _made(tx, table)
    _run(tx, *(f'DROP TRIGGER "{name}" ON {table}' for name, _ in triggers))
    _run(tx, f"ALTER TABLE {table} RENAME TO {rest}")
    for name, definition in constraints:
        if definition.startswith("FOREIGN KEY"):
            continue  # its name may be another table's too
        _run(tx, f'ALTER TABLE {rest} RENAME CONSTRAINT "{name}" TO "{_of_rest(name)}"')
    for name, _ in indexes:
        _run(tx, f'ALTER INDEX "{name}" RENAME TO "{_of_rest(name)}"')
    _run(
        tx,
        f"ALTER TABLE {rest} DROP CONSTRAINT pk_{table}_rest",
        f"ALTER TABLE {rest} ADD CONSTRAINT pk_{table}_rest PRIMARY KEY (id, experiment_key)",
        f"CREATE TABLE {table} (LIKE {rest} INCLUDING DEFAULTS INCLUDING STORAGE"
        " INCLUDING COMMENTS) PARTITION BY LIST (experiment_key)",
        f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (id, experiment_key)",
    )
    for name, definition in constraints:
        if not definition.startswith("PRIMARY KEY"):
            _run(tx, f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    _run(
        tx,
        *(definition for _, definition in indexes),
        f"ALTER SEQUENCE {table}_id_seq OWNED BY {table}.id",
        f"ALTER TABLE {table} ATTACH PARTITION {rest} DEFAULT",
        *(definition for _, definition in triggers),
    )


def _unite(tx: Connection, table: str) -> None:
    """Have one table of all rows again: those of partitions of their own are copied back."""
    rest = f"{table}_rest"
    _, _, triggers = _made(tx, table)
    own = tx.scalars(
        text(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = to_regclass(:table) AND inhrelid <> to_regclass(:rest)"
        ),
        {"table": table, "rest": rest},
    ).all()
    _run(tx, f"ALTER TABLE {table} DETACH PARTITION {rest}")
    for each in own:
        _run(tx, f"INSERT INTO {rest} SELECT * FROM {each}")
    _run(
        tx,
        f"ALTER SEQUENCE {table}_id_seq OWNED BY {rest}.id",
        f"DROP TABLE {table}",
        f"ALTER TABLE {rest} RENAME TO {table}",
        f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}_rest",
        f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (id)",
    )
    constraints, indexes, _ = _made(tx, table)
    for name, _ in constraints:
        if name.endswith("_rest"):
            _run(tx, f'ALTER TABLE {table} RENAME CONSTRAINT "{name}" TO "{_without(name)}"')
    _run(tx, *(f'ALTER INDEX "{name}" RENAME TO "{_without(name)}"' for name, _ in indexes))
    _run(tx, *(definition for _, definition in triggers))


Named = list[tuple[str, str]]


def _made(tx: Connection, table: str) -> tuple[Named, Named, Named]:
    """Return a table's constraints, its other indexes, and its triggers, each with its SQL."""
    constraints = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = to_regclass(:table) AND contype IN ('p', 'u', 'f') ORDER BY conname"
    )
    indexes = (
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = to_regclass(:table) AND NOT EXISTS"
        " (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1"
    )
    triggers = (
        "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE tgrelid = to_regclass(:table) AND NOT tgisinternal ORDER BY tgname"
    )
    found = [
        tx.execute(text(each), {"table": table}).all() for each in (constraints, indexes, triggers)
    ]
    kept = [[(str(name).strip('"'), str(sql)) for name, sql in rows] for rows in found]
    return kept[0], kept[1], kept[2]


def _of_rest(name: str) -> str:
    return f"{name[:58]}_rest"  # PostgreSQL's names have 63 letters


def _without(name: str) -> str:
    return name.removesuffix("_rest")


def _run(tx: Connection, *statements: str) -> None:
    for statement in statements:
        tx.exec_driver_sql(statement)
