"""Recipes that are asked for again: the one that is kept with its export, if it is still there.

A de-identified file shows its recipe in disguise: codes for participants, ids and names left out of
filters. What it cannot tell is taken from the recipe that is kept, if nothing else was changed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.access import Actor
from server.errors import Forbidden, NotFound
from server.export.inputs import options
from server.export.recipe import Recipe
from server.export.snapshots import Snapshot
from server.records.exports import Export
from server.resolvers.exportable import Person, selected

_DISGUISED = re.compile(r"\bP\d{4,}\b|\[\w+ removed\]")


async def kept_recipe(
    tx: AsyncConnection,
    actor: Actor,
    snapshot: Snapshot,
    asked: Recipe,
    experiment_ids: Sequence[str],
    room_ids: Sequence[str],
    participants: Sequence[Person],
) -> tuple[Recipe, set[int]] | None:
    """Return the recipe of a snapshot and the experiments it draws on, if it is what is asked for.

    None also if the actor may not export what it selects, or some of that is gone.
    """
    statement = (
        select(col(Export.recipe))
        .where(col(Export.recipe_hash) == snapshot.recipe_hash)
        .order_by(col(Export.id))
        .limit(1)
    )
    stored = await tx.scalar(statement)
    if stored is None:
        return None
    kept = Recipe.model_validate(stored)
    if (
        kept.own_view
        or options(kept) != options(asked)
        or not _may_show(asked.filters, kept.filters)
    ):
        return None
    try:
        places = await selected(tx, actor, kept)
    except (NotFound, Forbidden):
        return None  # what is named says which
    levels = places.experiments, places.rooms, places.participants
    shown = [list(level.values()) for level in levels]
    if not _may_show([experiment_ids, room_ids, participants], shown):
        return None
    return kept, set(places.within)


def _may_show(given: Any, kept: Any) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether JSON is what is kept, or what a de-identified file shows of it."""
    if isinstance(given, str) and isinstance(kept, str):
        return given == kept or _DISGUISED.search(given) is not None
    if isinstance(given, Mapping) and isinstance(kept, Mapping):
        some = cast("Mapping[str, Any]", given)
        others = cast("Mapping[str, Any]", kept)
        return some.keys() == others.keys() and all(_may_show(some[k], others[k]) for k in some)
    if isinstance(given, list | tuple) and isinstance(kept, list | tuple):
        items, those = cast("Sequence[Any]", given), cast("Sequence[Any]", kept)
        return len(items) == len(those) and all(map(_may_show, items, those))
    return bool(given == kept) and isinstance(given, bool) == isinstance(kept, bool)
