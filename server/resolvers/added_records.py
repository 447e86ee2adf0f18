"""Following a room: its new records of a type, each once, from where a follower was told last."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import String, bindparam, select

from server.batches import Wanted
from server.errors import NotFound
from server.live.pulse import Followed, Follower
from server.live.tokens import Position, read_token, write_token
from server.records import RecordType
from server.records.data_filter import DataFilter
from server.records.filters import Filter
from server.records.rooms import ROOMS, Room
from server.resolvers.context import RECHECK_SECONDS, Context
from server.resolvers.following import Following
from server.resolvers.own_questions import asked_by, findable
from server.resolvers.reads import tell
from server.rows import Row, Rows, layout_of
from server.statements import Statement

_NAMED = "room_id"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records that have come, and the token of the last."""

    rows: Rows
    cursor: str

    @property
    def count(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class RecordsOf:
    """The records of each batch."""

    async def load(
        self, context: Context, sources: Sequence[Batch], wanted: Wanted
    ) -> Sequence[Rows]:
        return [batch.rows for batch in sources]


async def added(
    context: Context,
    room_id: str,
    data_type: RecordType,
    asked: DataFilter | None,
    after: str | None,
) -> AsyncGenerator[Batch]:
    """Yield the records that come to a room after a token, or from now on: the first batch at once.

    NotFound as soon as the caller may not see them any more; InvalidCursor if the token is useless.
    """
    meant: Filter = getattr(asked, data_type.name.lower(), None) or data_type.value.filter()
    context.actor.require(ROOMS.scope, data_type.value.scope, *meant.scopes())
    view = await context.own_view()
    kept = meant if view is None else asked_by(view, data_type.value, meant)
    room_id = await findable(context, room_id)
    room = await _room(context, room_id, data_type)
    followed = Followed(room.key, data_type)
    following = Following(context, followed, meant, kept, room.experiment_key)
    with context.services.pulse.follow(following.followed) as follower:
        position = (
            await following.end() if after is None else read_token(following.fingerprint, after)
        )
        async for batch in _batches(following, follower, room_id, position):
            context.batches.clear_all()  # of what was told before, which would only be kept
            yield batch


async def _batches(
    following: Following, follower: Follower, room_id: str, position: Position
) -> AsyncGenerator[Batch]:
    """Yield what comes after a position; the first batch at once, even without a record."""
    context = following.context
    clock = asyncio.get_running_loop().time
    due = clock() + RECHECK_SECONDS
    first, full, unsure = True, False, False
    while True:
        if unsure or clock() >= due:
            await _room(context.renewed(), room_id, following.followed.data_type)
            due, unsure = clock() + RECHECK_SECONDS, False
        if full:
            await asyncio.sleep(0)  # others have their turn
        else:
            try:
                async with context.services.rights.unchanged(context.actor.user_key, due):
                    await follower.changed()
            except TimeoutError:
                unsure = True
                continue
        records, position, full = await following.read(position)
        if records or first:
            first = False
            yield Batch(records, write_token(following.fingerprint, position))


async def _room(context: Context, room_id: str, data_type: RecordType) -> Row:
    """Return a room of which the caller may see what it has of a type; NotFound if none."""
    actor = replace(context.actor, at=context.services.pulse.at)
    layout = layout_of(Room, frozenset(("room_id", "experiment_key")), raw=context.db.raw)

    def statement() -> Statement:
        named = layout.columns["room_id"] == bindparam(_NAMED, "", String())
        seen = actor.sees(layout), actor.sees_type(layout, data_type)
        return select(*layout.selected).where(named, *seen)

    prepared = context.db.prepare(("room of", data_type, actor.kind), statement)
    rows = await context.services.pulse.rows(prepared, {_NAMED: room_id, **actor.parameters})
    if not rows:
        raise NotFound(
            "There is no such room, or you may not see what it has of that type.", ["roomId"]
        )
    tell(context, layout, rows, entry=True)
    return layout.row(rows[0])
