"""Experiments that the actor manages: theirs to change, one change at a time."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.errors import Archived, Forbidden, NotFound
from server.global_ids import type_and_key
from server.records.experiments import Experiment, ExperimentStatus
from server.rows import Row, layout_of

EXPERIMENT = layout_of(Experiment)

READ_ONLY = (
    "The experiment is archived: it can be read, not changed. To change it, set its status to "
    "COMPLETED by `experimentUpdate` first."
)


def named(id_: str) -> ColumnElement[bool]:
    """Return the clause that keeps the experiment of a global id: none, if it is no such id."""
    type_name, key = type_and_key(id_) or ("", 0)
    return EXPERIMENT.columns["key"] == (key if type_name == EXPERIMENT.type_name else 0)


async def managed(
    tx: AsyncConnection, actor: Actor, this: ColumnElement[bool], field: Sequence[str]
) -> Row:
    """Return an experiment that the actor manages, and let nobody else manage it meanwhile.

    NotFound, at the field that names it, if they do not see it; Forbidden if they only do that.
    """
    columns = EXPERIMENT.columns
    await tx.execute(select(columns["key"]).where(this).with_for_update(key_share=True))
    return await owned(tx, actor, this, field)


async def writable(
    tx: AsyncConnection, actor: Actor, this: ColumnElement[bool], field: Sequence[str]
) -> Row:
    """Return an experiment that the actor manages and may add to, as `managed`; Archived."""
    experiment = await managed(tx, actor, this, field)
    require_open(experiment.status, field)
    return experiment


def require_open(status: str, field: Sequence[str] = ()) -> None:
    """Raise Archived for an experiment that is only read."""
    if status == ExperimentStatus.ARCHIVED.value:
        raise Archived(READ_ONLY, field)


async def owned(
    tx: AsyncConnection, actor: Actor, this: ColumnElement[bool], field: Sequence[str]
) -> Row:
    """Return an experiment that the actor manages, in a transaction that may only read."""
    asked = select(*EXPERIMENT.selected, actor.owns(EXPERIMENT))  # anew: of what is there by now
    found = (await tx.execute(asked.where(this, actor.sees(EXPERIMENT)))).one_or_none()
    if found is None:
        raise NotFound("There is no such experiment: check the id for typing errors.", field)
    *values, owns = tuple(found)
    if not owns:
        raise Forbidden(
            "Only its owner and administrators may share an experiment, change it, add to it or "
            "give it away: ask its owner.",
            field,
        )
    return EXPERIMENT.row(values)
