"""Experiments that the actor manages: theirs to change, one change at a time."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access import Actor
from server.errors import Forbidden, NotFound
from server.records.experiments import Experiment
from server.rows import Row, layout_of

EXPERIMENT = layout_of(Experiment)


async def managed(
    tx: AsyncConnection, actor: Actor, this: ColumnElement[bool], field: Sequence[str]
) -> Row:
    """Return an experiment that the actor manages, and let nobody else manage it meanwhile.

    NotFound, at the field that names it, if they do not see it; Forbidden if they only do that.
    """
    columns = EXPERIMENT.columns
    await tx.execute(select(columns["key"]).where(this).with_for_update(key_share=True))
    asked = select(*EXPERIMENT.selected, actor.owns(EXPERIMENT))  # anew: of what is there by now
    found = (await tx.execute(asked.where(this, actor.sees(EXPERIMENT)))).one_or_none()
    if found is None:
        raise NotFound("There is no such experiment: check the id for typing errors.", field)
    *values, owned = tuple(found)
    if not owned:
        raise Forbidden(
            "Only its owner and administrators may share an experiment, change it, add to it or "
            "give it away: ask its owner.",
            field,
        )
    return EXPERIMENT.row(values)
