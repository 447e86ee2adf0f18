"""What follows from a change of an experiment's settings: where it stands, what it collects."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.records.experiments import ExperimentStatus, ParticipantField
from server.records.participants import Participant
from server.resolvers.archiving import put_away, take_out
from server.resolvers.context import Context
from server.resolvers.managed import require_open
from server.retention.store import keep_up
from server.rows import Row
from server.timestamps import now

Said = Mapping[str, Any]


def standing(experiment: Row, said: Said) -> dict[str, Any]:
    """Return the values that a change gives an experiment besides; Archived if it is read-only.

    What is archived can be changed by what takes it out of the archive alone.
    """
    status = said.get("status", experiment.status)
    if set(said) != {"status"} or status != experiment.status:
        require_open(status if experiment.status == ExperimentStatus.ARCHIVED else "")
    if status == ExperimentStatus.ACTIVE:
        return {"completed_at": None}
    return {"completed_at": experiment.completed_at or now()}


async def follow_up(tx: AsyncConnection, context: Context, before: Row, said: Said) -> None:
    """Do what a change entails: the archive, retention, and what is no longer known of people."""
    status = said.get("status", before.status)
    if status == ExperimentStatus.ARCHIVED:
        await put_away(tx, before.key, context.origin, now())
    elif before.status == ExperimentStatus.ARCHIVED:
        await take_out(tx, context, before.key)
    await keep_up(tx, before.key)
    if said.get("fields_not_collected"):
        await empty(tx, before.key, said["fields_not_collected"])


async def empty(tx: AsyncConnection, experiment_key: int, fields: Sequence[str]) -> None:
    """Take what is not to be known any more out of the rows of an experiment's participants."""
    columns = [getattr(Participant, ParticipantField(each).column) for each in fields]
    known = or_(*(col(each).is_not(None) for each in columns))
    here = col(Participant.experiment_key) == experiment_key
    nothing = {each.key: None for each in columns}
    await tx.execute(update(Participant).where(here, known).values(nothing))
