"""Exports that hold what is gone: their files are taken back, and nothing more is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.export.leases import request_cancel, withdraw
from server.export.recipe import Recipe
from server.records.exports import FINAL, Export, ExportedExperiment
from server.records.retention import Archive
from server.resolvers.archiving import drop_package

_MESSAGE = "Its file was deleted: the time of what it held was over"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Whose files are to be deleted, and whether the experiment's package is among them."""

    withdrawn: Sequence[int]
    had_package: bool


async def take_back(
    tx: AsyncConnection, experiment_key: int, *, media_only: bool = False
) -> TakenBack:
    """Withdraw the exports that draw on an experiment, or those of them that hold media."""
    mine = col(Archive.experiment_key) == experiment_key
    package = (await tx.execute(select(col(Archive.export_key)).where(mine))).first()
    drawn_on = select(col(ExportedExperiment.export_key)).where(
        col(ExportedExperiment.experiment_key) == experiment_key
    )
    found = await tx.execute(
        select(col(Export.id), col(Export.status), col(Export.recipe)).where(
            col(Export.id).in_(drawn_on)
        )
    )
    keys: list[int] = []
    for key, status, recipe in found:
        if key is None or (media_only and not Recipe.model_validate(recipe).include_media):
            continue
        keys.append(key)
        if status not in FINAL:
            await request_cancel(tx, key)
    withdrawn = await withdraw(tx, col(Export.id).in_(keys), _MESSAGE)
    if package is not None:
        await drop_package(tx, experiment_key)
    return TakenBack(withdrawn, package is not None)
