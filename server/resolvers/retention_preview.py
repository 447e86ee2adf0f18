"""A dry run of retention: what would go when, and how much of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row as Stored
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.column_types import ByteCount
from server.records import RecordType
from server.records.exports import Export, ExportedExperiment, ExportStatus
from server.records.participants import Participant
from server.records.quarantine import QuarantinedRecord
from server.records.retention import RetentionAction
from server.records.rooms import Room
from server.records.tallies import Tally
from server.resolvers.context import Context
from server.resolvers.managed import EXPERIMENT, owned
from server.resolvers.own_questions import findable
from server.resolvers.reasons import MANAGE
from server.resolvers.retention_settings import NAMES, Said, changed, known
from server.retention import deletion, store
from server.retention.timetable import due_at, timetable
from server.rows import Layout, Row
from server.timestamps import Timestamp, now


@dataclass(frozen=True, slots=True)
class Going:
    """How much goes."""

    records: Mapping[RecordType, int] = field(default_factory=dict[RecordType, int])
    participants: int = 0
    rooms: int = 0
    quarantined: int = 0
    exports: int = 0
    files: int = 0
    bytes: ByteCount = ByteCount(0)  # noqa: RUF009 - an int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is due, for when the policy has it, and when it will be; and how much goes then."""

    action: RetentionAction
    due_at: Timestamp
    first_notice_at: Timestamp | None
    last_notice_at: Timestamp | None
    begins_at: Timestamp
    going: Going


@dataclass(frozen=True, slots=True)
class Preview:
    """What a policy has in store; nothing of it happens under a legal hold."""

    legal_hold: bool
    forecasts: list[Forecast]


_PROPOSED = Layout("RetentionPolicy", NAMES)


async def preview(context: Context, experiment_id: str, said: Said | None) -> Preview:
    """Tell what a policy, or what is said of it, would do; for who manages the experiment."""
    context.actor.require(MANAGE)
    this = EXPERIMENT.columns["experiment_id"] == await findable(context, experiment_id)
    async with context.db.read() as tx:
        experiment = await owned(tx, context.actor, this, ["experimentId"])
        policy = await store.policy_of(tx, experiment.key)
        values = {**known(policy), **changed(policy, said or {})}
        proposed = _PROPOSED.row([values[name] for name in NAMES])
        forecasts = [
            await _forecast(tx, experiment, proposed, action, due)
            for action in RetentionAction
            if (due := due_at(proposed, action, experiment.completed_at)) is not None
        ]
    is_held = policy is not None and policy.held_at is not None
    hold = (said or {}).get("legal_hold")
    return Preview(is_held if hold is None else hold, forecasts)


async def _forecast(
    tx: AsyncConnection, experiment: Row, policy: Row, action: RetentionAction, due: Timestamp
) -> Forecast:
    if action is RetentionAction.ARCHIVE:
        return Forecast(action, due, None, None, Timestamp(max(due, now())), Going())
    step = await store.step_of(tx, experiment.key, action)
    told = (None, None) if step is None or step.due_at != due else _told(step)
    table = timetable(due, policy.reminder_days, now(), *told)
    going = await (_all if action is RetentionAction.DELETE_DATA else _media)(tx, experiment.key)
    return Forecast(
        action, due, table.first_notice_at, table.last_notice_at, table.begins_at, going
    )


def _told(step: Stored[Any]) -> tuple[Timestamp | None, Timestamp | None]:
    return step.first_notice_at, step.last_notice_at


async def _media(tx: AsyncConnection, experiment_key: int) -> Going:
    files, size = await deletion.count_files(tx, experiment_key)
    return Going(files=files, bytes=ByteCount(size))


async def _all(tx: AsyncConnection, experiment_key: int) -> Going:
    here = col(Tally.experiment_key) == experiment_key
    counted = select(col(Tally.data_type), func.sum(col(Tally.record_count))).where(here)
    tallied = {
        name: int(count) for name, count in await tx.execute(counted.group_by(col(Tally.data_type)))
    }
    files, size = await deletion.count_files(tx, experiment_key)
    drawn_on = select(col(ExportedExperiment.export_key)).where(
        col(ExportedExperiment.experiment_key) == experiment_key
    )
    exports = select(func.count()).where(
        col(Export.id).in_(drawn_on), col(Export.status) == ExportStatus.COMPLETED
    )
    return Going(
        records={each: tallied.get(each.name, 0) for each in RecordType},
        participants=await _count(tx, Participant, experiment_key),
        rooms=await _count(tx, Room, experiment_key),
        quarantined=await _count(tx, QuarantinedRecord, experiment_key),
        exports=await tx.scalar(exports) or 0,
        files=files,
        bytes=ByteCount(size),
    )


async def _count(
    tx: AsyncConnection,
    model: type[Participant] | type[Room] | type[QuarantinedRecord],
    experiment_key: int,
) -> int:
    here = select(func.count()).where(col(model.experiment_key) == experiment_key)
    return await tx.scalar(here) or 0
