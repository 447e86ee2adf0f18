"""Codes of people who are erased: gone, and never given to anybody else."""

from collections.abc import Collection

from sqlalchemy import Integer, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from server.records.erasures import SpentCode
from server.records.participants import Pseudonym


async def spend_codes(
    tx: AsyncConnection, experiment_key: int, people: Collection[str] | None
) -> int:
    """Delete the codes of some people, or of everybody; return how many.

    Files that were taken away show them: a code that stood for somebody must not be given again.
    """
    here = [col(Pseudonym.experiment_key) == experiment_key]
    if people is not None:
        here.append(col(Pseudonym.participant_id).in_(people))
    number = cast(func.substr(col(Pseudonym.code), 2), Integer)
    highest = await tx.scalar(select(func.max(number)).where(*here))
    if highest is not None:
        this = col(SpentCode.experiment_key) == experiment_key
        spent = await tx.scalar(select(col(SpentCode.number)).where(this))
        if spent is None:
            values = {"experiment_key": experiment_key, "number": highest}
            await tx.execute(insert(SpentCode).values(values))
        elif spent < highest:
            await tx.execute(update(SpentCode).where(this).values(number=highest))
    return (await tx.execute(delete(Pseudonym).where(*here))).rowcount
