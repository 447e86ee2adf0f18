"""Revisions: how often what an experiment holds was changed or deleted, so that a copy can be told.

Triggers count, so that no writer can forget to. What is only added counts nothing: bounds of keys
tell that, and ingest need not pay for it. Migrations make the triggers; one that has SQLite write
a watched table anew, which drops them, must make them again.
"""

# ruff: noqa: S608 - every part of these statements is written here or in a migration

from collections.abc import Sequence

from sqlalchemy import BigInteger, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field, col

from server.column_types import KEY_TYPE
from server.db import Table
from server.key_lists import among


class Revision(Table, table=True):
    """The version of an experiment's data. Where nothing was ever changed, there is none."""

    experiment_key: int = Field(primary_key=True, sa_type=KEY_TYPE)
    number: int = Field(sa_type=BigInteger)


async def revisions(tx: AsyncConnection, experiments: Sequence[int]) -> dict[int, int]:
    """Return the version of each experiment whose data was ever changed."""
    found = await tx.execute(
        select(col(Revision.experiment_key), col(Revision.number))
        .where(among(col(Revision.experiment_key), experiments))
        .order_by(col(Revision.experiment_key))
    )
    return {row.experiment_key: row.number for row in found}


def watch(dialect: str, table: str, key: str = "experiment_key") -> list[str]:
    """Return the statements that have the changes of a table counted, by its experiments' keys."""
    statements = _POSTGRESQL if dialect == "postgresql" else _SQLITE
    return [each.format(table=table, key=key) for each in statements]


def unwatch(dialect: str, table: str) -> list[str]:
    """Return the statements after which a table's changes are no longer counted."""
    if dialect == "postgresql":
        return [f"DROP FUNCTION {name.format(table=table)}() CASCADE" for name in _NAMES]
    return [f"DROP TRIGGER {name.format(table=table)}" for name in _NAMES[:2]]


_NAMES = tuple(f"revision_{{table}}_{change}" for change in ("update", "delete", "truncate"))
_UPDATE, _DELETE, _TRUNCATE = _NAMES
_COUNT = "ON CONFLICT (experiment_key) DO UPDATE SET number = revision.number + 1;"

_SQLITE = (
    f"CREATE TRIGGER {_UPDATE} AFTER UPDATE ON {{table}} BEGIN "
    f"INSERT INTO revision VALUES (OLD.{{key}}, 1), (NEW.{{key}}, 1) {_COUNT} END",
    f"CREATE TRIGGER {_DELETE} AFTER DELETE ON {{table}} BEGIN "
    f"INSERT INTO revision VALUES (OLD.{{key}}, 1) {_COUNT} END",
)


def _counting(name: str, experiments: str) -> str:
    """Return a function that counts a change of some experiments, always in the same order."""
    return f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
INSERT INTO revision SELECT changed.key, 1 FROM ({experiments}) AS changed ORDER BY 1 {_COUNT}
RETURN NULL; END $$"""


def _trigger(name: str, event: str, tables: str) -> str:
    return f"""CREATE TRIGGER {name} AFTER {event} ON {{table}} {tables}
FOR EACH STATEMENT EXECUTE FUNCTION {name}()"""


_CAME, _WENT = "NEW TABLE AS came", "OLD TABLE AS went"
_POSTGRESQL = (
    _counting(_UPDATE, "SELECT {key} AS key FROM went UNION SELECT {key} FROM came"),
    _trigger(_UPDATE, "UPDATE", f"REFERENCING {_WENT} {_CAME}"),
    _counting(_DELETE, "SELECT DISTINCT {key} AS key FROM went"),
    _trigger(_DELETE, "DELETE", f"REFERENCING {_WENT}"),
    _counting(_TRUNCATE, "SELECT id AS key FROM experiment"),
    _trigger(_TRUNCATE, "TRUNCATE", ""),
)
