"""What the audit log tells of links to files: each that is followed, and each that is refused."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from http.client import BAD_REQUEST

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import Response

from server.access import Actor
from server.audit import add
from server.db import Database, Stored
from server.errors import Forbidden
from server.global_ids import global_id
from server.links import LinkInvalid, Purpose
from server.origins import origin_of
from server.records.audit import AuditAction
from server.records.exports import Export, ExportedExperiment
from server.records.recordings import Recording
from server.resolvers.requesters import requester

MOST_FOLLOWED = 10_000
"""How many links are known that were followed: their files' later parts are not noted anew."""

_LATER_PART = re.compile(r"\s*bytes\s*=\s*0*[1-9]\d*-\d*\s*$", re.ASCII)

_TABLES: Mapping[Purpose, type[Stored]] = {
    "export": Export,
    "recording": Recording,
    "upload": Recording,
}

_LOST = "This link is not valid any more: what it leads to is no longer shared with you."


def lost() -> LinkInvalid:
    """Return what to raise where a link led somewhere, and its account's right was lost."""
    return LinkInvalid(_LOST)


async def holder_of(tx: AsyncConnection, user_key: int) -> Actor:
    """Return whose link it is, with the rights that they have by now; LinkInvalid if closed."""
    try:
        return await requester(tx, user_key)
    except Forbidden as failure:
        raise lost() from failure


class FollowedLinks:
    """Notes downloads: one for each time that a file is sent from its start, or by a new link."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._followed: OrderedDict[str, None] = OrderedDict()

    async def followed(
        self, request: Request, response: Response, purpose: Purpose, key: int, whose: Actor
    ) -> None:
        """Note a download, before the file is sent, unless it is a later part of one."""
        if request.method != "GET" or response.status_code >= BAD_REQUEST:
            return
        token = request.query_params.get("token", "")
        if token in self._followed and _LATER_PART.match(request.headers.get("range", "")):
            return
        await self._note(request, purpose, key, whose)
        self._followed[token] = None
        if len(self._followed) > MOST_FOLLOWED:
            self._followed.popitem(last=False)

    async def refused(
        self, request: Request, purpose: Purpose, key: int, whose: Actor | None
    ) -> None:
        """Note a link that is no good, or not any more."""
        await self._note(request, purpose, key, whose, allowed=False)

    async def _note(
        self,
        request: Request,
        purpose: Purpose,
        key: int,
        whose: Actor | None,
        *,
        allowed: bool = True,
    ) -> None:
        async with self._db.write() as tx:
            await add(
                tx,
                origin_of(request, None if whose is None else whose.user_id),
                AuditAction.UPLOAD if purpose == "upload" else AuditAction.DOWNLOAD,
                allowed=allowed,
                experiment_keys=() if whose is None else await _experiments(tx, purpose, key),
                resource=global_id(_TABLES[purpose].__name__, key),
            )


async def _experiments(tx: AsyncConnection, purpose: Purpose, key: int) -> Sequence[int]:
    if purpose == "export":
        drawn_on = select(col(ExportedExperiment.experiment_key))
        return (await tx.scalars(drawn_on.where(col(ExportedExperiment.export_key) == key))).all()
    recorded = select(col(Recording.experiment_key)).where(col(Recording.id) == key)
    return (await tx.scalars(recorded)).all()
