"""On PostgreSQL, jobs are queued with what they are for, and processes hear what others did."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

QUEUE = Path(__file__).parent.parent / "queue" / "procrastinate_3_10.sql"

ANY = "INSERT OR UPDATE OR DELETE"
TOLD = {  # table: what is told of it, of which column, and after which changes
    "export": ("export", "id", "INSERT OR UPDATE OF seq OR DELETE"),
    "tally": ("room", "room_key", ANY),
    "revision": ("experiment", "experiment_key", ANY),
    "room": ("experiment", "experiment_key", ANY),
    "participant": ("experiment", "experiment_key", ANY),
    "retention_step": ("experiment", "experiment_key", ANY),
    "api_key": (
        "rights",
        "user_key",
        "UPDATE OF revoked_at, expires_at, scopes, experiment_keys OR DELETE",
    ),
    "browser_session": ("rights", "user_key", "UPDATE OF revoked_at, expires_at OR DELETE"),
    "user": ("rights", "id", "UPDATE OF role, disabled_at, participant_id OR DELETE"),
    "collaborator": ("rights", "user_key", ANY),  # everybody's, if it is shared with a group
    "group_member": ("rights", "user_key", ANY),
    "experiment": ("owner", "id", "UPDATE OF owner_key OR DELETE"),
}

QUEUED = """
CREATE FUNCTION queue_export() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        'exports', 'write exports', 0, NULL, NULL, jsonb_build_object('export', NEW.id), NULL
    )::procrastinate_job_to_defer_v1]);
    RETURN NULL;
END $$;
CREATE TRIGGER queue_export_insert AFTER INSERT ON export
    FOR EACH ROW WHEN (NEW.status = 'CREATED') EXECUTE FUNCTION queue_export();
CREATE TRIGGER queue_export_update AFTER UPDATE OF status ON export
    FOR EACH ROW WHEN (NEW.status = 'CREATED') EXECUTE FUNCTION queue_export();
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
    'exports', 'write exports', 0, NULL, NULL, jsonb_build_object('export', id), NULL
)::procrastinate_job_to_defer_v1]) FROM export WHERE status = 'CREATED';
"""

GONE = """
DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs,
    procrastinate_workers CASCADE;
DO $$ DECLARE each text; BEGIN
    FOR each IN SELECT oid::regprocedure::text FROM pg_proc
        WHERE proname LIKE 'procrastinate\\_%' AND pronamespace = current_schema()::regnamespace
    LOOP EXECUTE 'DROP FUNCTION ' || each || ' CASCADE'; END LOOP;
END $$;
DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status;
"""


def tells() -> Iterator[str]:
    """Yield what has each change told, in the transaction that makes it: a subject and a key."""
    for table, (subject, key, changes) in TOLD.items():
        yield f"""
CREATE FUNCTION tell_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_notify('hyperdata', '{subject} ' ||
        coalesce((CASE TG_OP WHEN 'DELETE' THEN OLD.{key} ELSE NEW.{key} END)::text, ''));
    RETURN NULL;
END $$;
CREATE TRIGGER tell_{table} AFTER {changes} ON "{table}"
    FOR EACH ROW EXECUTE FUNCTION tell_{table}();
"""


def run(script: str) -> None:
    """Run many statements at once, which asyncpg does only where there are no parameters."""
    connection: Any = op.get_bind().connection.dbapi_connection

    def execute(driver: Any) -> Any:  # noqa: ANN401 - asyncpg has no types
        return driver.execute(script)

    connection.run_async(execute)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return  # its processes look for what has changed
    op.execute(sa.text("SELECT 1"))  # so that the transaction has begun
    run(QUEUE.read_text(encoding="utf-8"))
    run(QUEUED)
    run("".join(tells()))


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(sa.text("SELECT 1"))
    for table in TOLD:
        run(f"DROP FUNCTION tell_{table}() CASCADE")
    run("DROP FUNCTION queue_export() CASCADE")
    run(GONE)
