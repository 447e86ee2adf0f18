"""Carrying withdrawals out: each step is a short transaction, after which anybody may go on."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.arrivals import take_rooms
from server.audit import Origin, add
from server.db import Database, take_turns
from server.export.holding import begin_again, holding, withdraw_exports
from server.global_ids import global_id
from server.records import RecordType
from server.records.audit import AuditAction
from server.records.withdrawals import Withdrawal
from server.sealing.people import rename_in_lists, restore_participants, seal_participants
from server.sealing.records import QUARANTINE, seal_quarantined, seal_records
from server.sealing.restoring import restore_records
from server.sealing.store import Seat, seats_of
from server.sealing.withdrawn import EVERY, Withdrawn, stand_in, withdrawn_from
from server.storage import Storage
from server.timestamps import Timestamp, now

LOCK = 0x5345414C
"""The number of the lock under which steps are taken: by one server at a time."""


class Sealer:
    """Seals what is withdrawn, and puts back what is so no more."""

    def __init__(self, db: Database, storage: Storage) -> None:
        self._db = db
        self._storage = storage

    async def run(self, stopping: asyncio.Event) -> None:
        """Do what is due, step by step: a chore."""
        while not stopping.is_set() and await self.step():
            pass

    async def go_on_for(self, seconds: float) -> None:
        """Do what is due, for as long as somebody waits for it; the rest is done later."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and await self.step():
            pass

    async def step(self) -> bool:
        """Take one step of what is due; False if nothing is."""
        async with self._db.read() as tx:  # as most often: no need to lock
            if await tx.scalar(select(col(Withdrawal.id)).where(_is_due(now())).limit(1)) is None:
                return False
        async with self._db.write() as tx:
            await take_turns(tx, LOCK)
            due = select(Withdrawal).where(_is_due(now())).order_by(col(Withdrawal.id)).limit(1)
            if (withdrawal := (await tx.execute(due)).one_or_none()) is not None:
                await self._carry_out(tx, withdrawal)
        return True

    async def _carry_out(self, tx: AsyncConnection, withdrawal: Row[Any]) -> None:
        seats = await seats_of(tx, withdrawal.experiment_key, withdrawal.participant_id)
        await take_rooms(tx, [room for room, _ in seats])
        withdrawn = await withdrawn_from(tx, [withdrawal.experiment_key])
        if withdrawal.lifted_at is not None:
            if not await _restored(tx, withdrawal, seats, withdrawn):
                return
            done = {"restored_at": now()}
        else:
            sealed = await _sealed(tx, withdrawal, seats, withdrawn)
            await self._take_back(tx, withdrawal, seats, done=sealed)
            if not sealed:
                return
            done = {"sealed_at": now()}
        this = col(Withdrawal.id) == withdrawal.id
        await tx.execute(update(Withdrawal).where(this).values(done))

    async def _take_back(
        self, tx: AsyncConnection, withdrawal: Row[Any], seats: Sequence[Seat], *, done: bool
    ) -> None:
        """Withdraw the files that may hold what is withdrawn; write anew what is being written."""
        experiment = withdrawal.experiment_key
        types = [RecordType[name] for name in withdrawal.data_types or ()]
        for _, key in seats:
            held = [each.export_key for each in await holding(tx, experiment, key, types)]
            for export in await withdraw_exports(tx, self._storage, held):
                await add(
                    tx,
                    Origin(reason="Somebody in it has withdrawn."),
                    AuditAction.EXPORT_WITHDRAW,
                    experiment_keys=[experiment],
                    resource=global_id("Export", export),
                )
            if done:
                await begin_again(tx, experiment, key, types)


def _is_due(at: Timestamp) -> ColumnElement[bool]:
    lifted = col(Withdrawal.lifted_at)
    to_seal = and_(
        lifted.is_(None), col(Withdrawal.sealed_at).is_(None), col(Withdrawal.from_at) <= at
    )
    return or_(to_seal, and_(lifted.is_not(None), col(Withdrawal.restored_at).is_(None)))


async def _sealed(
    tx: AsyncConnection, withdrawal: Row[Any], seats: Sequence[Seat], withdrawn: Withdrawn
) -> bool:
    """Take some of what is withdrawn out of reach; True once all is."""
    experiment, person = withdrawal.experiment_key, withdrawal.participant_id
    types = withdrawn.types(experiment, person)
    names = [each.name for each in RecordType if each in types]
    for seat in seats:
        for record_type in RecordType:
            if record_type in types and await seal_records(tx, record_type, seat, person):
                return False
        if await seal_quarantined(tx, experiment, seat, person, names):
            return False
        if types == EVERY and await rename_in_lists(tx, seat[0], person, stand_in(seat[1])):
            return False
    if types == EVERY:
        await seal_participants(tx, experiment, person)
    return True


async def _restored(
    tx: AsyncConnection, withdrawal: Row[Any], seats: Sequence[Seat], withdrawn: Withdrawn
) -> bool:
    """Put some of what is not withdrawn any more back; True once all is."""
    experiment, person = withdrawal.experiment_key, withdrawal.participant_id
    types = withdrawn.types(experiment, person)
    names = [each.name for each in RecordType if each not in types]
    names += [] if types else [QUARANTINE]
    if types == EVERY:
        return True
    await restore_participants(tx, experiment, person)
    for seat in seats:
        if await restore_records(tx, seat, names, withdrawn):
            return False
        if await rename_in_lists(tx, seat[0], stand_in(seat[1]), person):
            return False
    return True
