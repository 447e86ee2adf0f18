"""The steps of an erasure, each of pieces that may be done again, or be the last before a crash."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.db import Stored
from server.erasure.accounts import delete_accounts
from server.erasure.codes import spend_codes
from server.erasure.dropped import drop_own
from server.erasure.exports import remove_exports, take_back
from server.erasure.media import files, moved_files, note_files
from server.erasure.mentions import ERASED, Tombstones
from server.erasure.pieces import Piece, Run
from server.erasure.places import PLACES, Place, naming, parts
from server.erasure.remains import clean, settle
from server.erasure.subjects import PEOPLE, everybody, person
from server.export.spools import Spools
from server.records import RecordType
from server.records.collaborators import Collaborator
from server.records.data_requests import DataRequest, ParticipantToken
from server.records.erasures import ErasureKind, SpentCode
from server.records.experiments import Experiment
from server.records.participants import Participant, ParticipantStatus
from server.records.quarantine import QuarantinedRecord
from server.records.revisions import Revision
from server.records.rooms import Room
from server.records.sealed import SealedRecord
from server.records.time_shifts import TimeShift
from server.records.withdrawals import Withdrawal
from server.sealing.store import delete_of, sealed_recordings

AT_ONCE = 500
"""How many rows go in one transaction: some tens of milliseconds."""

FILES_AT_ONCE = 20
"""How many recordings: the store is asked for the size of each file."""

Step = Callable[[Run, asyncio.Event], Awaitable[None]]


async def begin_with_person(run: Run, _stopping: asyncio.Event) -> None:
    """Find out what the person is known by, and have nobody find, or add to, them any more."""
    async with run.piece() as piece:
        known = piece.subject.participant_id or ""
        tombstone = f"erased-{piece.key}"
        piece.subject = await person(piece.tx, piece.experiment_key, known, tombstone)
        blank: dict[str, Any] = dict.fromkeys(
            ("email", "ip_address", "user_agent", "role", "completion_code")
        )
        blank |= {"participant_id": tombstone, "status": ParticipantStatus.DISCONNECTED}
        for model in PEOPLE:
            theirs = col(model.id).in_(piece.subject.participant_keys)
            await piece.tx.execute(update(model).where(theirs).values(blank))
        piece.values["total_count"] = await _total(piece)
        piece.values["step"] = piece.step + 1  # with what it found out, or that would be lost
        piece.count("participants", len(piece.subject.participant_keys))


async def begin_with_experiment(run: Run, _stopping: asyncio.Event) -> None:
    """Have nobody find the experiment, or add to its rooms, any more."""
    async with run.piece() as piece:
        tx, key = piece.tx, piece.experiment_key
        piece.subject = await everybody(tx, key)
        name = f"erased-{piece.key}"
        this = update(Experiment).where(col(Experiment.id) == key)
        await tx.execute(this.values(experiment_id=name, name=ERASED, description=None))
        for room in await tx.scalars(select(col(Room.id)).where(col(Room.experiment_key) == key)):
            await tx.execute(
                update(Room).where(col(Room.id) == room).values(room_id=f"{name}-{room}")
            )
        piece.values["total_count"] = await _total(piece)
        piece.values["step"] = piece.step + 1


async def exports_first(run: Run, _stopping: asyncio.Event) -> None:
    """Take back what is finished, so that nobody downloads it meanwhile."""
    async with run.piece() as piece:
        await take_back(piece, run.tools.storage)


async def exports_last(run: Run, _stopping: asyncio.Event) -> None:
    """Take back what was finished since, and have what is being written begin anew."""
    async with run.piece() as piece:
        again = await take_back(piece, run.tools.storage, unfinished=True)
        piece.subject = replace(piece.subject, exports=(*piece.subject.exports, *again))
    await _discard_spools(run)


async def exports_gone(run: Run, _stopping: asyncio.Event) -> None:
    """Delete all exports that draw on the experiment, and the schedules that ask for no other."""
    async with run.piece() as piece:
        await take_back(piece, run.tools.storage)
        gone = await remove_exports(piece)
        piece.subject = replace(piece.subject, exports=(*piece.subject.exports, *gone))
        keys = piece.subject.exports
    for key in keys:
        await run.tools.storage.delete_prefix(f"exports/{key}")
    await _discard_spools(run)


async def records(run: Run, stopping: asyncio.Event) -> None:
    """Delete the records, some at a time; what lies in the store is noted with them."""
    await drop_own(run, stopping)
    for each in RecordType:
        at_once = FILES_AT_ONCE if each is RecordType.RECORDINGS else AT_ONCE
        while not stopping.is_set():
            async with run.piece() as piece:
                where = _theirs(piece, each.value.model)
                rows = await _deleted(piece, each.value.model, where, at_once)
                piece.count("records", len(rows), each.name)
                piece.removed += len(rows)
                if each is RecordType.RECORDINGS:
                    names = [row["storage_key"] for row in rows if row["storage_key"] is not None]
                    await note_files(run, piece, names, [row["id"] for row in rows])
            if len(rows) < at_once:
                break


async def sealed(run: Run, stopping: asyncio.Event) -> None:
    """Delete what was sealed of their records."""
    async with run.piece() as piece:
        keys = piece.subject.participant_keys or await _people(piece)
    for key in keys:
        async with run.piece() as piece:
            recordings = await sealed_recordings(piece.tx, key)
            await note_files(run, piece, [*filter(None, recordings.values())], list(recordings))
        while not stopping.is_set():
            async with run.piece() as piece:
                gone = await delete_of(piece.tx, key, AT_ONCE)
                piece.count("sealed", gone)
                piece.removed += gone
            if not gone:
                break


async def mentions(run: Run, stopping: asyncio.Event) -> None:
    """Put tombstones where others' rows name the person; each row stays what else it is."""
    async with run.piece() as piece:
        subject, experiment = piece.subject, piece.experiment_key
    tombstones = Tombstones(subject)
    for place in PLACES:
        async with run.tools.db.read() as tx:
            rooms = await parts(tx, place, experiment)
        for room in rooms:
            async with run.tools.db.read() as tx:
                keys = await naming(tx, place, experiment, room, subject)
            for start in range(0, len(keys), AT_ONCE):
                if stopping.is_set():
                    return
                async with run.piece() as piece:
                    changed = await _changed(
                        piece.tx, place, tombstones, keys[start : start + AT_ONCE]
                    )
                    piece.count("tombstones", changed, place.model.__name__)


async def quarantine(run: Run, _stopping: asyncio.Event) -> None:
    """Drop what is kept of the person's that was refused, or of the experiment's."""
    async with run.piece() as piece:
        refused = col(QuarantinedRecord.experiment_key)
        where = refused == piece.experiment_key
        if (known := piece.subject.participant_id) is not None:
            owner = select(col(Experiment.owner_key)).where(
                col(Experiment.id) == piece.experiment_key
            )
            sent = col(QuarantinedRecord.sender_key).in_(owner)
            theirs = col(QuarantinedRecord.participant_id) == known
            where = and_(theirs, where | (refused.is_(None) & sent))
        gone = await piece.tx.execute(delete(QuarantinedRecord).where(where))
        piece.count("quarantined", gone.rowcount)


async def agreements(run: Run, _stopping: asyncio.Event) -> None:
    """Delete what people withdrew from and asked for, and the links that let them ask."""
    async with run.piece() as piece:
        known = piece.subject.participant_id, piece.subject.tombstone
        for model in (ParticipantToken, DataRequest, Withdrawal):
            which = [col(model.experiment_key) == piece.experiment_key]
            if piece.kind is not ErasureKind.EXPERIMENT:
                which.append(col(model.participant_id).in_(known))
            gone = await piece.tx.execute(delete(model).where(*which))
            piece.count("agreements", gone.rowcount)


async def accounts(run: Run, _stopping: asyncio.Event) -> None:
    """Delete the accounts of participants that are for nothing else."""
    async with run.piece() as piece:
        piece.count("accounts", await delete_accounts(piece))


async def people(run: Run, _stopping: asyncio.Event) -> None:
    """Delete the person's rows, code, and the shifts of times of rooms where nobody is left."""
    async with run.piece() as piece:
        tx, key, subject = piece.tx, piece.experiment_key, piece.subject
        for each in RecordType:
            model = each.value.model
            while rows := await _deleted(piece, model, _theirs(piece, model)):
                piece.count("records", len(rows), each.name)  # what came in since
        known = [subject.participant_id or "", subject.tombstone]
        piece.count("codes", await spend_codes(tx, key, known))
        theirs = col(Participant.id).in_(subject.participant_keys)
        were_in = await tx.scalars(select(col(Participant.room_key)).where(theirs))
        rooms = set(were_in)
        await tx.execute(delete(Participant).where(theirs))
        others = select(col(Participant.room_key)).where(col(Participant.room_key).in_(rooms))
        left = delete(TimeShift).where(
            col(TimeShift.room_key).in_(rooms), col(TimeShift.room_key).not_in(others)
        )
        piece.count("timeShifts", (await tx.execute(left)).rowcount)


async def experiment(run: Run, stopping: asyncio.Event) -> None:
    """Delete who was in the experiment, its rooms, and then itself."""
    while not stopping.is_set():
        async with run.piece() as piece:
            here = col(Participant.experiment_key) == piece.experiment_key
            rows = await _deleted(piece, Participant, here)
            piece.count("participants", len(rows))
        if len(rows) < AT_ONCE:
            break
    else:
        return
    async with run.piece() as piece:
        tx, key = piece.tx, piece.experiment_key
        piece.count("codes", await spend_codes(tx, key, None))
        rooms = select(col(Room.id)).where(col(Room.experiment_key) == key)
        shifts = await tx.execute(delete(TimeShift).where(col(TimeShift.room_key).in_(rooms)))
        piece.count("timeShifts", shifts.rowcount)
        gone = await tx.execute(delete(Room).where(col(Room.experiment_key) == key))
        piece.count("rooms", gone.rowcount)
        for model in (Collaborator, SpentCode):
            await tx.execute(delete(model).where(col(model.experiment_key) == key))
        await tx.execute(delete(Experiment).where(col(Experiment.id) == key))
        await tx.execute(delete(Revision).where(col(Revision.experiment_key) == key))


async def search(run: Run, _stopping: asyncio.Event) -> None:
    """Have the database give up what it still keeps of deleted rows, and look whether it did."""
    async with run.piece() as piece:
        probes = piece.subject.probes
    found = await clean(run.tools.db, probes)
    async with run.piece() as piece:
        piece.counts["database"] = found


async def forget(run: Run, _stopping: asyncio.Event) -> None:
    """Throw away what the person was known by, and the salt."""
    async with run.piece() as piece:
        piece.values["subject"] = None
    await settle(run.tools.db)


async def _total(piece: Piece) -> int:
    keys = piece.subject.participant_keys or await _people(piece)
    sealed = select(func.count()).where(col(SealedRecord.participant_key).in_(keys))
    total = await piece.tx.scalar(sealed) or 0
    for each in RecordType:
        model = each.value.model
        here = select(func.count()).select_from(model).where(_theirs(piece, model))
        total += await piece.tx.scalar(here) or 0
    return total


def _theirs(piece: Piece, model: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a record's
    if piece.kind is ErasureKind.EXPERIMENT:
        clause: ColumnElement[bool] = model.experiment_key == piece.experiment_key
    else:
        clause = col(model.participant_key).in_(piece.subject.participant_keys)
    return clause


async def _deleted(
    piece: Piece, model: type[Stored], where: ColumnElement[bool], most: int = AT_ONCE
) -> Sequence[Mapping[str, Any]]:
    """Delete some rows, and return them."""
    key = col(model.id)
    some = select(key).where(where).order_by(key).limit(most)
    keys = (await piece.tx.scalars(some)).all()
    if not keys:
        return []
    gone = await piece.tx.execute(delete(model).where(key.in_(keys)).returning(model))
    rows = [dict(row) for row in gone.mappings()]
    piece.hash(rows)
    return rows


async def _people(piece: Piece) -> Sequence[int]:
    keys: list[int] = []
    for model in PEOPLE:
        here = col(model.experiment_key) == piece.experiment_key
        keys += [key for key in await piece.tx.scalars(select(col(model.id)).where(here)) if key]
    return keys


async def _changed(
    tx: AsyncConnection, place: Place, tombstones: Tombstones, keys: Sequence[int]
) -> int:
    """Put tombstones into some rows; return how many it were."""
    rows = select(place.model).where(place.key.in_(keys)).with_for_update()
    count = 0
    for row in (await tx.execute(rows)).mappings().all():
        if changed := place.change(tombstones, dict(row)):
            this = update(place.model).where(place.key == place.key_of(dict(row)))
            await tx.execute(this.values(changed))
            count += 1
    return count


async def _discard_spools(run: Run) -> None:
    """Delete what is being written of exports on this machine; others begin anew by themselves."""
    async with run.piece() as piece:
        keys = piece.subject.exports
    spools = Spools(run.tools.spool)
    for key in keys:
        await spools.discard(key)
    async with run.piece() as piece:
        piece.subject = replace(piece.subject, exports=())


OF_PERSON: Sequence[Step] = (
    begin_with_person,
    exports_first,
    records,
    sealed,
    files,
    quarantine,
    agreements,
    accounts,
    people,
    mentions,
    moved_files,
    exports_last,
    mentions,  # once more: of what came in meanwhile
    search,
    forget,
)
OF_EXPERIMENT: Sequence[Step] = (
    begin_with_experiment,
    exports_gone,
    records,
    sealed,
    files,
    quarantine,
    agreements,
    accounts,
    experiment,
    search,
    forget,
)
"""What is done, in this order. Each can be done again, from its beginning, and counts no more."""
