"""Erasures that are due: each is taken up by one server, and gone on with after a crash."""

import asyncio
import logging

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlmodel import col

from server.audit import Origin, add
from server.erasure.pieces import LEASE_MS, Lost, Run, Tools
from server.erasure.receipts import receipt_of, signed
from server.erasure.remains import StillRead
from server.erasure.steps import OF_EXPERIMENT, OF_PERSON, Step
from server.export.holders import is_dead, new_holder
from server.global_ids import global_id
from server.records.audit import AuditAction
from server.records.erasures import Erasure, ErasureKind, ErasureStatus
from server.records.users import User
from server.timestamps import now

log = logging.getLogger(__name__)


class Eraser:
    """Erases what is due; a chore of the server's."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._name = new_holder()

    async def __call__(self, stopping: asyncio.Event) -> None:
        for key in await self._due():
            if stopping.is_set():
                return
            if (run := await self._claim(key)) is not None:
                await self._erase(run, stopping)

    async def _due(self) -> list[int]:
        waiting = and_(col(Erasure.status) == ErasureStatus.REQUESTED, col(Erasure.due_at) <= now())
        going_on = col(Erasure.status) == ErasureStatus.RUNNING
        columns = col(Erasure.id), col(Erasure.worker), col(Erasure.lease_until)
        async with self._tools.db.read() as tx:
            found = await tx.execute(
                select(*columns).where(or_(waiting, going_on)).order_by(col(Erasure.id))
            )
            rows = found.all()
        return [key for key, worker, until in rows if key and self._is_free(worker, until)]

    def _is_free(self, worker: str | None, until: int | None) -> bool:
        if worker is None or worker == self._name:
            return True
        return until is None or until < now() or is_dead(worker)

    async def _claim(self, key: int) -> Run | None:
        """Take an erasure, as it was found; None if another server has, or it was canceled."""
        async with self._tools.db.write() as tx:
            locked = select(Erasure).where(col(Erasure.id) == key).with_for_update()
            row = (await tx.execute(locked)).one_or_none()
            open_ = (ErasureStatus.REQUESTED, ErasureStatus.RUNNING)
            if (
                row is None
                or row.status not in open_
                or not self._is_free(row.worker, row.lease_until)
            ):
                return None
            await tx.execute(
                update(Erasure)
                .where(col(Erasure.id) == key)
                .values(
                    status=ErasureStatus.RUNNING,
                    started_at=row.started_at or now(),
                    fence=row.fence + 1,
                    worker=self._name,
                    lease_until=now() + LEASE_MS,
                )
            )
            return Run(self._tools, key, row.fence + 1)

    async def _erase(self, run: Run, stopping: asyncio.Event) -> None:
        """Go on from the step that it has come to."""
        try:
            while not stopping.is_set():
                async with run.piece() as piece:
                    step, kind = piece.step, piece.kind
                steps = OF_EXPERIMENT if kind is ErasureKind.EXPERIMENT else OF_PERSON
                if step == len(steps):
                    await self._complete(run)
                    return
                await self._do(run, steps[step], step, stopping)
        except Lost:
            log.info("Erasure %d is gone on with elsewhere", run.key)
        except StillRead:
            log.info("Erasure %d waits: somebody still reads what was before", run.key)

    async def _do(self, run: Run, step: Step, number: int, stopping: asyncio.Event) -> None:
        await step(run, stopping)
        if stopping.is_set():
            return  # it may not have come to its end, and is done again
        async with run.piece() as piece:
            if piece.step == number:
                piece.values["step"] = number + 1

    async def _complete(self, run: Run) -> None:
        """Sign the receipt: nothing is left to do, or to know."""
        async with run.piece() as piece:
            this = col(Erasure.id) == run.key
            row = (await piece.tx.execute(select(Erasure).where(this))).one()
            by = select(col(User.user_id)).where(col(User.id) == row.requested_by_key)
            requested_by = await piece.tx.scalar(by) or ""
            at = now()
            piece.values.update(
                status=ErasureStatus.COMPLETED,
                completed_at=at,
                receipt=signed(receipt_of(row, requested_by, at), self._tools.signer),
            )
            await add(
                piece.tx,
                Origin(actor_id=requested_by, user_agent="hyperdata (erasure completed)"),
                AuditAction.ERASE,
                experiment_keys=[row.experiment_key],
                resource=global_id(Erasure.__name__, run.key),
            )
        log.info("Erasure %d is completed", run.key)


def unfinished() -> ColumnElement[bool]:
    """Return the clause that keeps the erasures that are still to be done, or being done."""
    return col(Erasure.status).in_((ErasureStatus.REQUESTED, ErasureStatus.RUNNING))
