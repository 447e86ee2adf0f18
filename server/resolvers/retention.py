"""How long the data of experiments are kept, what holds them, and where they are archived."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from server.batches import Wanted
from server.global_ids import global_id
from server.key_lists import among, keys
from server.paging import PARENTS
from server.records.experiments import Experiment
from server.records.exports import Export
from server.records.retention import Archive, RetentionAction, RetentionPolicy, RetentionStep
from server.resolvers.context import Context
from server.resolvers.retention_settings import NAMES, NOTHING
from server.retention.timetable import due_at, timetable
from server.rows import Layout, Row, keys_of
from server.statements import Statement
from server.timestamps import Timestamp, now

_PLANNED = {
    RetentionAction.DELETE_DATA: "deletes_data_at",
    RetentionAction.DELETE_MEDIA: "deletes_media_at",
    RetentionAction.ARCHIVE: "archives_at",
}
POLICY = Layout("RetentionPolicy", [*NAMES, "legal_hold", *_PLANNED.values()])
HOLD = Layout("LegalHold", ["reason", "set_by", "set_at"])
ARCHIVE = Layout("Archive", ["archived_at", "export_id", "sha256", "file_size"])


@dataclass(frozen=True, slots=True)
class Policies:
    """How long the data of each source, an experiment, are kept."""

    async def load(self, context: Context, sources: Sequence[Row], wanted: Wanted) -> Sequence[Row]:
        asked = keys_of(sources)

        def statement() -> Statement:
            policy = [col(getattr(RetentionPolicy, name)) for name in (*NAMES, "held_at")]
            shown = col(Experiment.id), col(Experiment.completed_at), *policy
            joined = select(*shown).join(
                RetentionPolicy, col(RetentionPolicy.experiment_key) == col(Experiment.id)
            )
            return joined.where(among(col(Experiment.id), keys(PARENTS)))

        prepared = context.db.prepare("retention policies", statement)
        given = {PARENTS: list(dict.fromkeys(asked))}
        at, shown = now(), dict[int, Row]()
        begun = await _begun(context, asked)
        layout = Layout("Policy", ["key", "completed_at", *NAMES, "held_at"])
        for values in await context.db.fetch(prepared, given):
            row = layout.row(values)
            planned = [_planned(row, begun.get((row.key, each)), each, at) for each in _PLANNED]
            known = [getattr(row, name) for name in NAMES]
            shown[row.key] = POLICY.row([*known, row.held_at is not None, *planned])
        nothing = POLICY.row([*NOTHING.values(), False, None, None, None])
        return [shown.get(key, nothing) for key in asked]


_STEP = Layout(
    "Step",
    ["key", "action", "due_at", "first_notice_at", "last_notice_at", "started_at", "done_at"],
)


async def _begun(
    context: Context, experiment_keys: Sequence[int]
) -> dict[tuple[int, RetentionAction], Row]:
    def statement() -> Statement:
        here = among(col(RetentionStep.experiment_key), keys(PARENTS))
        names = (*_STEP.place,)[1:]
        shown = [col(getattr(RetentionStep, name)) for name in names]
        return select(col(RetentionStep.experiment_key), *shown).where(here)

    prepared = context.db.prepare("retention steps", statement)
    found = await context.db.fetch(prepared, {PARENTS: list(dict.fromkeys(experiment_keys))})
    rows = [_STEP.row(values) for values in found]
    return {(row.key, RetentionAction(row.action)): row for row in rows}


def _planned(
    policy: Row, step: Row | None, action: RetentionAction, at: Timestamp
) -> Timestamp | None:
    """Return when something will be at the earliest, or began; None for never, or done."""
    due = None if policy.held_at is not None else due_at(policy, action, policy.completed_at)
    if due is None or (step is not None and step.done_at is not None):
        return None
    if action is RetentionAction.ARCHIVE:
        return due
    if step is None or step.due_at != due:
        return timetable(due, policy.reminder_days, at).begins_at
    if step.started_at is not None:
        return Timestamp(step.started_at)
    given = step.first_notice_at, step.last_notice_at
    return timetable(due, policy.reminder_days, at, *given).begins_at


@dataclass(frozen=True, slots=True)
class Holds:
    """The legal hold of each source; None without one."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Row | None]:
        def statement() -> Statement:
            hold = col(RetentionPolicy.hold_reason), col(RetentionPolicy.held_by)
            key, at = col(RetentionPolicy.experiment_key), col(RetentionPolicy.held_at)
            held = select(key, *hold, at).where(at.is_not(None))
            return held.where(among(key, keys(PARENTS)))

        found = await _by_experiment(context, "legal holds", statement, sources)
        holds = {key: HOLD.row(hold) for key, *hold in found}
        return [holds.get(key) for key in keys_of(sources)]


@dataclass(frozen=True, slots=True)
class Archives:
    """The sealed package of each source; None without one."""

    async def load(
        self, context: Context, sources: Sequence[Row], wanted: Wanted
    ) -> Sequence[Row | None]:
        def statement() -> Statement:
            known = (
                col(Archive.archived_at),
                col(Archive.export_key),
                col(Archive.sha256),
                col(Archive.file_size),
            )
            key = col(Archive.experiment_key)
            return select(key, *known).where(among(key, keys(PARENTS)))

        found = await _by_experiment(context, "archives", statement, sources)
        archives = {
            key: ARCHIVE.row([at, export and global_id(Export.__name__, export), *file])
            for key, at, export, *file in found
        }
        return [archives.get(key) for key in keys_of(sources)]


async def _by_experiment(
    context: Context, what: str, statement: Callable[[], Statement], sources: Sequence[Row]
) -> Sequence[Sequence[Any]]:
    prepared = context.db.prepare(what, statement)
    return await context.db.fetch(prepared, {PARENTS: list(dict.fromkeys(keys_of(sources)))})
