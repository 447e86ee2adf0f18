"""Setting schedules up, firing and deleting them."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row as Stored
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.audit import Origin
from server.errors import BadUserInput, ExpectedFailure, NotFound
from server.export import schedules
from server.export.cron import next_fire
from server.export.jobs import DAY
from server.global_ids import global_id, type_and_key
from server.records.export_schedules import ExportSchedule, ScheduledExperiment
from server.resolvers.context import Context
from server.resolvers.names import named
from server.resolvers.queueing import queue
from server.resolvers.requesters import requester
from server.resolvers.selections import Wanted, selection_of
from server.resolvers.stored_selections import stored, wanted_again
from server.rows import Row, layout_of
from server.timestamps import Timestamp, now

MOST_KEPT = 1000
"""How many exports a schedule may keep."""

_LAYOUT = layout_of(ExportSchedule)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a caller wants exported, when, and how many of the exports are kept."""

    name: str
    cron: str
    time_zone: str
    keep_last: int | None
    incremental: bool
    wanted: Wanted


async def create(context: Context, planned: Planned) -> Row:
    """Set up a schedule; refused if it could never run, as `exportCreate` would refuse it."""
    _check(planned)
    created_at = now()
    next_at = _first_fire(planned, created_at)
    actor = context.actor
    bound = actor.experiment_keys
    async with context.db.write() as tx:
        experiment_keys = await _drawn_on(tx, actor, planned.wanted)
        added = insert(ExportSchedule).values(
            name=planned.name.strip(),
            cron=planned.cron,
            time_zone=planned.time_zone,
            keep_last=planned.keep_last,
            incremental=planned.incremental,
            created_at=created_at,
            next_at=next_at,
            requested_by_key=actor.user_key,
            wanted=stored(planned.wanted),
            scopes=sorted(actor.scopes),
            experiment_keys=None if bound is None else sorted(bound),
        )
        values = (await tx.execute(added.returning(*_LAYOUT.selected))).one()
        schedule = _LAYOUT.row(values)
        await tx.execute(
            insert(ScheduledExperiment),
            [
                {"schedule_key": schedule.key, "experiment_key": experiment}
                for experiment in experiment_keys
            ],
        )
    return schedule


async def delete(context: Context, schedule_id: str) -> None:
    """Delete a schedule; its exports stay. NotFound if the actor may see no such."""
    context.actor.require("export:data")
    type_name, key = type_and_key(schedule_id) or ("", 0)
    if type_name == _LAYOUT.type_name:
        this = _LAYOUT.columns["key"] == key, context.actor.sees_exports(_LAYOUT)
        async with context.db.write() as tx:
            if await tx.scalar(select(_LAYOUT.columns["key"]).where(*this)) is not None:
                lapse_at = now() + context.services.export_days * DAY
                await schedules.remove(tx, key, Timestamp(lapse_at))
                return
    raise NotFound("There is no such schedule: look among `exportSchedules` for yours.", ["id"])


async def fire(tx: AsyncConnection, schedule: Stored[Any], at: int, smallest_cell: int) -> None:
    """Queue a schedule's export, for a moment at which it was to fire.

    With the rights that its user has now, and no more than the key had that set it up. An
    ExpectedFailure says why there is nothing to queue.
    """
    actor = await requester(
        tx, schedule.requested_by_key, schedule.scopes, schedule.experiment_keys
    )
    once = f"schedule:{schedule.id}:{at}"
    wanted = replace(
        wanted_again(schedule.wanted), idempotency_key=once, smallest_cell=smallest_cell
    )
    by = f"schedule {global_id('ExportSchedule', schedule.id)}"
    origin = Origin(actor_id=actor.user_id, user_agent=by)
    await queue(tx, actor, wanted, origin, schedule_key=schedule.id, reached=schedule.reached)


def _check(planned: Planned) -> None:
    named(planned.name, "schedule", ["input", "name"])
    if planned.keep_last is not None and not 1 <= planned.keep_last <= MOST_KEPT:
        raise BadUserInput(
            f"Keep 1 to {MOST_KEPT:,} exports, or leave `keepLast` out.", ["input", "keepLast"]
        )
    asked_once = {
        "since": planned.wanted.since,
        "snapshot": planned.wanted.snapshot,
        "idempotencyKey": planned.wanted.idempotency_key,
    }
    for argument, value in asked_once.items():
        if value is not None:
            raise BadUserInput(
                f"Leave `{argument}` out: it is for a single export. `incremental: true` has each "
                "hold what came since the one before.",
                ["input", "export", argument],
            )


def _first_fire(planned: Planned, after: Timestamp) -> Timestamp:
    try:
        first = next_fire(planned.cron, planned.time_zone, after)
    except BadUserInput as failure:
        raise BadUserInput(failure.message, ["input", *failure.field]) from None
    if first is None:
        raise BadUserInput("The cron expression names no day that comes.", ["input", "cron"])
    return first


async def _drawn_on(tx: AsyncConnection, actor: Actor, wanted: Wanted) -> set[int]:
    try:
        _, experiment_keys = await selection_of(tx, actor, wanted)
    except ExpectedFailure as failure:
        asked = [failure.field[0], "export", *failure.field[1:]] if failure.field else []
        raise type(failure)(failure.message, asked) from None
    return experiment_keys
