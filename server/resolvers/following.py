"""Reading on from a record of a room, as a filter and the caller's rights keep what follows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, select
from sqlmodel import col

from server.column_types import KEY_TYPE
from server.errors import InvalidCursor
from server.live.pulse import Followed, Pulse
from server.live.tokens import Position
from server.records.filters import Filter
from server.records.tallies import Tally
from server.resolvers.context import Context
from server.resolvers.kept import kept_by
from server.rows import Row, Rows, TableLayout, layout_of
from server.statements import Statement

MOST_RECORDS = 1_000
"""How many records are read at once."""

GONE = (
    "The record at which that cursor ends has been deleted, so it cannot be told what came after: "
    "read the list again, and follow from a new cursor."
)

_ROOM, _EXPERIMENT, _AFTER = "followed_room", "followed_experiment", "followed_after"


@dataclass(frozen=True)
class Following:
    """The records of a room that somebody follows: of a type, and as a filter keeps them."""

    context: Context
    followed: Followed
    asked: Filter
    kept: Filter
    """What the rows are asked, which for a participant is not always what the filter asks."""

    experiment_key: int

    @cached_property
    def fingerprint(self) -> str:
        room, data_type = self.followed
        asked = self.asked.model_dump_json(exclude_none=True)
        meant = f"{data_type.name} added to {room} {asked}"
        return sha256(meant.encode()).hexdigest()[:16]

    @cached_property
    def _layout(self) -> TableLayout:
        return layout_of(self.followed.data_type.value.model, raw=self.context.db.raw)

    @cached_property
    def _identity(self) -> Sequence[str]:
        return self.followed.data_type.value.model.identity

    @property
    def _pulse(self) -> Pulse:
        return self.context.services.pulse

    async def read(self, position: Position) -> tuple[Rows, Position, bool]:
        """Return what is kept of the next records, the last of all, and if there may be more.

        They come by their keys: see `server.arrivals`. Those that the filter leaves out, or that
        the caller may not see, are read and passed over: else they would be looked at every time.
        """
        context, layout, db = self.context.renewed(), self._layout, self.context.db
        actor = replace(context.actor, at=self._pulse.at)  # of one moment: what is read is shared
        near = await self._is_near(position)

        def statement() -> Statement:
            key, room = layout.columns["key"], layout.columns["room_key"]
            kept = and_(actor.sees(layout), *kept_by(self.kept, actor, layout))
            # what is added to is found by no index: of two ways, the one that was chosen
            room, key = (room + 0, key) if near else (room, key + 0)
            return (
                select(*actor.shown(layout), kept.label("kept"))
                .where(room == bindparam(_ROOM, 0, KEY_TYPE), *self._located())
                .where(key > bindparam(_AFTER, 0, KEY_TYPE))
                .order_by(key)
                .limit(MOST_RECORDS)
            )

        shape = "added", near, self.followed.data_type, self.kept, actor.kind
        given = {**self._place, _AFTER: position.key, **actor.parameters}
        rows = await self._pulse.rows(db.prepare(shape, statement), given, quick=near)
        if db.raw:
            await self._require(position)
        shown: Sequence[Sequence[Any]] = [values for values in rows if values[-1]]
        if shown and (view := await context.own_view()) is not None:
            shown = view.rows(layout, shown)
        records = Rows(layout, shown)
        if rows:
            position = self._position(layout.row(rows[-1]))
        return records, position, len(rows) == MOST_RECORDS

    async def end(self) -> Position:
        """Return the position of the last record that is there."""
        layout = self._layout

        def statement() -> Statement:
            key = layout.columns["key"]
            room = layout.columns["room_key"] == bindparam(_ROOM, 0, KEY_TYPE)
            # by the room's index: the table's own would be searched for a room without a record
            last = select(func.max(key + 0)).where(room, *self._located()).scalar_subquery()
            return select(key, *self._identifying()).where(key == last, *self._located())

        prepared = self.context.db.prepare(("last of room", self.followed.data_type), statement)
        rows = await self._pulse.rows(prepared, self._place, quick=False)
        return Position(rows[0][0], _sign(rows[0][1:])) if rows else Position()

    async def _is_near(self, position: Position) -> bool:
        """Say whether fewer records of all rooms follow than the room has: to look at those."""
        data_type = self.followed.data_type
        model = data_type.value.model

        def statement() -> Statement:
            here = col(Tally.room_key) == bindparam(_ROOM, 0, KEY_TYPE)
            of_type = col(Tally.data_type) == data_type.name
            count = select(func.sum(col(Tally.record_count))).where(here, of_type)
            last = select(func.max(col(model.id)))
            return select(last.scalar_subquery(), count.scalar_subquery())

        prepared = self.context.db.prepare(("span of room", data_type), statement)
        [[last, count]] = await self._pulse.rows(prepared, {_ROOM: self.followed.room_key})
        return (last or 0) - position.key <= max(int(count or 0), MOST_RECORDS)

    async def _require(self, position: Position) -> None:
        """Raise InvalidCursor unless the record at a position is there: SQLite gives keys again.

        Only those above all that are there: as long as it is there, none below is given.
        """
        if position.key == 0:
            return
        layout = self._layout

        def statement() -> Statement:
            there = (
                layout.columns["key"] == bindparam(_AFTER, 0, KEY_TYPE),
                layout.columns["room_key"] == bindparam(_ROOM, 0, KEY_TYPE),
            )
            return select(*self._identifying()).where(*there)

        prepared = self.context.db.prepare(("record at", self.followed.data_type), statement)
        given = {_ROOM: self.followed.room_key, _AFTER: position.key}
        rows = await self.context.db.fetch(prepared, given)
        if not rows or _sign(rows[0]) != position.sign:
            raise InvalidCursor(GONE, ["after"])

    @property
    def _place(self) -> dict[str, Any]:
        return {_ROOM: self.followed.room_key, _EXPERIMENT: self.experiment_key}

    def _located(self) -> list[ColumnElement[bool]]:
        """Return the clause that tells in which partition a room's records lie, if any."""
        if self.context.db.raw:
            return []
        return [self._layout.columns["experiment_key"] == bindparam(_EXPERIMENT, 0, KEY_TYPE)]

    def _identifying(self) -> list[ColumnElement[Any]]:
        return [self._layout.columns[name] for name in self._identity]

    def _position(self, row: Row) -> Position:
        return Position(row.key, _sign([getattr(row, name) for name in self._identity]))


def _sign(identity: Sequence[Any]) -> str:
    text = "\0".join(map(str, identity))
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
