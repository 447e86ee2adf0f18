"""Giving a large experiment partitions of its own, while readers are answered as ever.

Its rows are copied into a table beside, in the order in which exports read them; once every
snapshot knows the copy, one short transaction puts it in the place of what was copied. So whichever
partitions a reader finds, its snapshot has the rows in there. Who adds to that experiment waits
meanwhile. What is changed or deleted of it meanwhile undoes the copy: it is tried anew later.

That the rest has none of its rows any more is proven by a constraint, which is checked beside
readers and writers. Without one, PostgreSQL would look through all of the rest while it keeps
everybody out.
"""

# ruff: noqa: S608 - names of tables of ours, and keys, which are numbers

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.arrivals import keep_out
from server.db import Database
from server.partitions.dropping import AGAIN_SECONDS, Held, alone
from server.partitions.tables import PARTITIONED, own_of, rest_of, with_own
from server.records import RecordType
from server.records.tallies import Tally

LOOK_SECONDS = 60.0
"""How often it is looked whether an experiment has become large."""

PATIENCE_SECONDS = 10.0
"""How long a copy is kept for a moment in which it can be put in its place."""

_TURN = 0x50415254
"""The number of the lock under which one server moves one experiment."""

_NOT_HERE = "moved_away"
"""The constraint that the rest has none of an experiment's rows."""

_OLD = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND backend_type = 'client backend' AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
    AND wait_event IS DISTINCT FROM 'advisory'"""  # who waits for us to be done reads nothing yet
_OLDER = text(
    f"{_OLD} AND pid <> :mine AND age(backend_xmin) >= age(CAST(CAST(:xid AS text) AS xid))"
)
_LONG = text(f"{_OLD} AND xact_start < now() - interval '2 seconds'")

_FORBIDDEN = text(
    "SELECT CAST(conrelid AS regclass)::text FROM pg_constraint WHERE conname = :name"
)
_COPIES = text("""SELECT CAST(oid AS regclass)::text FROM pg_class
    WHERE relkind = 'r' AND NOT relispartition AND relnamespace = to_regnamespace(current_schema())
    AND relname ~ '^(continuous_rating|event|sync_metric|sparse_rating)_of_[0-9]+$'""")

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class Changed(Exception):
    """What was copied is not what is there any more."""


class Partitioner:
    """Gives experiments partitions of their own once they have so many records: a chore.

    from_rows  how many records of a type make an experiment large; 0 for never
    most       how many experiments may have partitions of their own, in each of the tables: each
               is looked at by whoever asks without naming an experiment
    """

    def __init__(self, db: Database, from_rows: int, most: int) -> None:
        self._db = db
        self._from_rows = from_rows
        self._most = most
        self._look_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Move what has become large, one experiment after the other."""
        if self._db.file is not None or not self._from_rows:
            return
        await self._tidy()
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        for record_type in PARTITIONED:
            for experiment_key in await self._due(record_type):
                if stopping.is_set() or not await self.move(record_type, experiment_key):
                    return

    async def move(self, record_type: RecordType, experiment_key: int) -> bool:
        """Move an experiment's records of a type; False if this is not the moment."""
        async with self._db.write() as tx:
            mine = await tx.scalar(select(func.pg_backend_pid()))
            move = _Move(self._db, record_type, experiment_key, int(mine or 0))
            if not await tx.scalar(select(func.pg_try_advisory_xact_lock(_TURN))):
                return False
            if await tx.scalar(_LONG) or experiment_key in await with_own(tx, record_type):
                return False
            await keep_out(tx, experiment_key)
            try:
                await move.carry_out()
            except Exception as reason:
                await move.undo()
                if not isinstance(reason, Held | Changed):
                    raise
                log.info("An experiment is moved later: %s", type(reason).__name__)
            else:
                return True
        await self._tidy()  # nobody waits for us any more who has what is to be locked
        return False

    async def _due(self, record_type: RecordType) -> Sequence[int]:
        """Return the experiments that are large, as far as there is room, the largest first."""
        async with self._db.read() as tx:
            own = await with_own(tx, record_type)
            rows = func.sum(col(Tally.record_count))
            key = col(Tally.experiment_key)
            large = (
                select(key)
                .where(col(Tally.data_type) == record_type.name, key.not_in(own))
                .group_by(key)
                .having(rows >= self._from_rows)
                .order_by(rows.desc())
                .limit(max(0, self._most - len(own)))
            )
            return (await tx.scalars(large)).all()

    async def _tidy(self) -> None:
        """Remove what was left of moves: by us, or by a server that died in the middle."""
        async with self._db.read() as tx:  # as most often: no need to lock
            if not any(await _left(tx)):
                return
        async with self._db.write() as tx:
            if not await tx.scalar(select(func.pg_try_advisory_xact_lock(_TURN))):
                return
            forbidden, copies = await _left(tx)  # by now: what was a copy may be a partition
            with suppress(Held):  # then at the next look
                for rest in forbidden:
                    await allow(self._db, rest)
                async with self._db.write() as dropping, alone(dropping):
                    for copy in copies:
                        await dropping.execute(text(f"DROP TABLE IF EXISTS {copy}"))


async def _left(tx: AsyncConnection) -> tuple[Sequence[str], Sequence[str]]:
    """Return the rests that are forbidden rows, and the copies that are no partitions."""
    forbidden = (await tx.scalars(_FORBIDDEN, {"name": _NOT_HERE})).all()
    return forbidden, (await tx.scalars(_COPIES)).all()


class _Move:
    """One experiment's records of one type, on their way.

    _mine  the process that holds the lock: the snapshot it may have is no reader's
    """

    def __init__(
        self, db: Database, record_type: RecordType, experiment_key: int, mine: int
    ) -> None:
        self._db = db
        self._mine = mine
        self._key = int(experiment_key)
        self._type = record_type
        self._parent = record_type.value.model.table_name()
        self._rest = rest_of(record_type)
        self._own = own_of(record_type, experiment_key)
        self._forbidden = False

    async def carry_out(self) -> None:
        """Copy the rows, and put them in their place; Held or Changed if that cannot be now."""
        changes = await self._changes()
        copied, xid = await self._copy()
        await self._belong()
        await self._wait_for_snapshots_after(xid)
        await self._patiently(self._forbid)
        async with self._db.write() as tx:
            gone = await tx.execute(
                text(f"DELETE FROM {self._rest} WHERE experiment_key = {self._key}")
            )
            await tx.execute(text(f"ALTER TABLE {self._rest} VALIDATE CONSTRAINT {_NOT_HERE}"))
            await self._put_in_place(tx)
            if gone.rowcount != copied or await self._changes(tx) != changes:
                raise Changed

    async def undo(self) -> None:
        """Let the rest take the rows again; the copy can be dropped once nobody waits for us."""
        if self._forbidden:
            await self._patiently(partial(allow, self._db, self._rest))

    async def _copy(self) -> tuple[int, Any]:
        """Copy the rows into a table beside; return how many, and the number of the transaction."""
        async with self._db.write() as tx:
            await tx.execute(
                text(
                    f"CREATE TABLE {self._own} (LIKE {self._rest} INCLUDING DEFAULTS"
                    f" INCLUDING STORAGE, CHECK (experiment_key = {self._key}))"
                )
            )
            copied = await tx.execute(
                text(
                    f"INSERT INTO {self._own} SELECT * FROM {self._rest}"
                    f" WHERE experiment_key = {self._key} ORDER BY room_key, timestamp, id"
                )
            )
            for statement in await self._indexes(tx):
                await tx.execute(text(statement))
            xid = await tx.scalar(text("SELECT CAST(pg_current_xact_id() AS text)"))
            return copied.rowcount, xid

    async def _indexes(self, tx: AsyncConnection) -> Sequence[str]:
        """Return what makes the table's keys and indexes, as those of the whole."""
        keys = text("""SELECT pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = to_regclass(:parent) AND contype IN ('p', 'u')""")
        others = text("""SELECT regexp_replace(pg_get_indexdef(indexrelid), '^.* USING', 'USING')
            FROM pg_index WHERE indrelid = to_regclass(:parent) AND NOT EXISTS
            (SELECT FROM pg_constraint WHERE conindid = indexrelid)""")
        named = {"parent": self._parent}
        return [
            *(f"ALTER TABLE {self._own} ADD {each}" for each in await tx.scalars(keys, named)),
            *(f"CREATE INDEX ON {self._own} {each}" for each in await tx.scalars(others, named)),
        ]

    async def _belong(self) -> None:
        """Have the copy's rows belong to participants: checked beside those who write these."""
        foreign = text("""SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = to_regclass(:parent) AND contype = 'f'""")

        async def declare() -> str:
            async with self._db.write() as tx, alone(tx):
                [[name, definition]] = await tx.execute(foreign, {"parent": self._parent})
                await tx.execute(
                    text(f'ALTER TABLE {self._own} ADD CONSTRAINT "{name}" {definition} NOT VALID')
                )
                return str(name)

        name = await self._patiently(declare)
        async with self._db.write() as tx:
            await tx.execute(text(f'ALTER TABLE {self._own} VALIDATE CONSTRAINT "{name}"'))
        async with self._db.write() as tx:
            await tx.execute(text(f"ANALYZE {self._own}"))

    async def _forbid(self) -> None:
        """Let the rest get none of the experiment's rows from now on."""
        async with self._db.write() as tx, alone(tx, self._rest):
            await tx.execute(
                text(
                    f"ALTER TABLE {self._rest} ADD CONSTRAINT {_NOT_HERE}"
                    f" CHECK (experiment_key <> {self._key}) NOT VALID"
                )
            )
        self._forbidden = True

    async def _put_in_place(self, tx: AsyncConnection) -> None:
        async def attach() -> None:
            async with alone(tx, self._parent, self._rest):
                await tx.execute(
                    text(
                        f"ALTER TABLE {self._parent} ATTACH PARTITION {self._own}"
                        f" FOR VALUES IN ({self._key})"
                    )
                )
                await tx.execute(text(f"ALTER TABLE {self._rest} DROP CONSTRAINT {_NOT_HERE}"))

        await self._patiently(attach)

    async def _wait_for_snapshots_after(self, xid: object) -> None:
        """Wait until nobody reads by a snapshot that does not know a transaction."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            async with self._db.write() as tx:
                if not await tx.scalar(_OLDER, {"xid": xid, "mine": self._mine}):
                    return
            if time.monotonic() > until:
                raise Held
            await asyncio.sleep(0.1)

    async def _changes(self, tx: AsyncConnection | None = None) -> int:
        """Return how often anything of the experiment was changed or deleted."""
        if tx is None:
            async with self._db.write() as tx:
                return await self._changes(tx)
        number = text("SELECT number FROM revision WHERE experiment_key = :key")
        return int(await tx.scalar(number, {"key": self._key}) or 0)

    async def _patiently(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Try again what finds a table held by others, for some time."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await attempt()
            except Held:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(AGAIN_SECONDS / 2)


async def allow(db: Database, rest: str) -> None:
    """Let the rest take any experiment's rows again; Held if others have it."""
    async with db.write() as tx, alone(tx, rest):
        await tx.execute(text(f"ALTER TABLE {rest} DROP CONSTRAINT IF EXISTS {_NOT_HERE}"))
