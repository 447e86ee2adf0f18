"""The replica: whether it is one of this database, and has what was committed."""

from collections.abc import AsyncIterator

from server.db import Database
from server.doctor.findings import Finding, ok, warning
from server.settings import Settings

PATIENCE = 5.0
"""How long it may take to have what was committed before it was asked, in seconds."""


async def replica(settings: Settings) -> AsyncIterator[Finding]:
    """Yield whether queries will be read from the replica that is set, if one is."""
    if settings.replica_url is None:
        return
    db = Database(settings.database, settings.replica_url, PATIENCE)
    try:
        assert db.replica is not None
        if await db.replica.moment() is not None:
            yield ok("replica", "It has all that is committed: queries are read from it.")
        else:
            yield warning(
                "replica",
                f"Queries are not read from it. {db.replica.trouble} Look at "
                "HYPERDATA_REPLICA_URL, and at pg_stat_replication of the database.",
            )
    finally:
        await db.close()
