"""Fingerprints: exports of one fingerprint hold the same, byte for byte but for the date."""

from collections.abc import Collection
from hashlib import sha256
from typing import Any

from sqlalchemy import Select, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger
from sqlmodel import col

from server.export.recipe import Recipe, take_bounds
from server.export.snapshots import canonical
from server.key_lists import among
from server.records.participants import Participant
from server.records.revisions import Revision
from server.records.rooms import Room
from server.records.tallies import Tally

_SAYS_WHEN = frozenset({"title", "snapshot_at", "bounds"})
"""What a recipe holds that differs each time one asks for the same."""


async def fingerprint(
    tx: AsyncConnection, recipe: Recipe, experiments: Collection[int], software: str
) -> str:
    """Return the fingerprint of what an export would hold if it were written now.

    Bounds count only where something has been stored beyond them: else they would change with the
    data of any other experiment. They are looked at last, so that what is stored meanwhile is
    beyond them.
    """
    data = [
        [list(row) for row in await tx.execute(each)] for each in _versions(sorted(experiments))
    ]
    latest = await take_bounds(tx)
    ends = {name: key for name, key in recipe.bounds.items() if key < latest[name]}
    asked = recipe.model_dump(mode="json", exclude=set(_SAYS_WHEN))
    return sha256(canonical([software, asked, ends, data])).hexdigest()


def _versions(experiments: Collection[int]) -> list[Select[*tuple[Any, ...]]]:
    """Select what any change of the data changes, of some experiments.

    What is updated or deleted raises a revision; between two of those rows are only added.
    """
    return [
        select(col(Revision.experiment_key), col(Revision.number))
        .where(among(col(Revision.experiment_key), list(experiments)))
        .order_by(col(Revision.experiment_key)),
        select(
            col(Tally.experiment_key),
            col(Tally.data_type),
            cast(func.sum(col(Tally.record_count)), BigInteger),
        )
        .where(among(col(Tally.experiment_key), list(experiments)))
        .group_by(col(Tally.experiment_key), col(Tally.data_type))
        .order_by(col(Tally.experiment_key), col(Tally.data_type)),
        *(
            select(col(model.experiment_key), func.count())
            .where(among(col(model.experiment_key), list(experiments)))
            .group_by(col(model.experiment_key))
            .order_by(col(model.experiment_key))
            for model in (Room, Participant)
        ),
    ]
