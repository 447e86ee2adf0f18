"""What is read of an experiment that is watched: rooms, participants and tallies, no record."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, String, bindparam, func, select
from sqlmodel import col

from server.access import Actor
from server.column_types import KEY_TYPE
from server.errors import NotFound
from server.key_lists import among, keys
from server.live.activity import (
    STEADY,
    Flow,
    OpenRoom,
    Person,
    StandingNotice,
    StatusCount,
    TypeCount,
)
from server.live.pulse import Rows
from server.records import RecordType
from server.records.experiments import Experiment
from server.records.participants import Participant, ParticipantStatus
from server.records.retention import RetentionAction, RetentionStep
from server.records.rooms import Room, RoomStatus
from server.records.tallies import Tally
from server.resolvers.context import Context
from server.resolvers.own_questions import findable
from server.retention.timetable import timetable
from server.rows import TableLayout, layout_of
from server.statements import Statement

MOST_ROOMS = 500
"""How many rooms are shown, those that began last."""

EXPERIMENT = layout_of(Experiment, frozenset())
_ROOM, _PERSON, _TALLY = layout_of(Room), layout_of(Participant), layout_of(Tally)
_STEP = layout_of(RetentionStep)
_NAMED, _WATCHED, _ROOMS = "named_experiment", "watched_experiment", "watched_rooms"
_SHOWN = col(Room.id), col(Room.room_id), col(Room.status), col(Room.start_time)


@dataclass(frozen=True)
class Watched:
    """An experiment as somebody sees it by now, and the types of its data that they may read."""

    context: Context
    actor: Actor
    key: int
    types: Sequence[RecordType]

    @classmethod
    async def find(cls, context: Context, experiment_id: str) -> "Watched":
        """Return an experiment that the caller may see; NotFound if there is none."""
        actor = replace(context.actor, at=context.services.pulse.at)

        def statement() -> Statement:
            types = [actor.sees_type(EXPERIMENT, each).label(each.name) for each in RecordType]
            named = col(Experiment.experiment_id) == bindparam(_NAMED, "", String())
            key = EXPERIMENT.columns["key"]
            return select(key, *types).where(named, actor.sees(EXPERIMENT))

        prepared = context.db.prepare(("experiment to watch", actor.kind), statement)
        given = {_NAMED: await findable(context, experiment_id), **actor.parameters}
        rows = await context.services.pulse.rows(prepared, given)
        if not rows:
            raise NotFound(
                "There is no such experiment: look among `experiments` for yours.",
                ["experimentId"],
            )
        key, *seen = rows[0]
        types = [
            each
            for each, is_seen in zip(RecordType, seen, strict=True)
            if is_seen and actor.may(each.value.scope)
        ]
        return cls(context, actor, key, types)

    async def open_rooms(self) -> tuple[OpenRoom, ...]:
        """Return the rooms that are going on, the one that began first before others."""

        def statement() -> Statement:
            is_open = col(Room.status) == RoomStatus.ACTIVE.value
            began_last = col(Room.start_time).desc(), col(Room.id).desc()
            rooms = select(*_SHOWN).where(*self._of_all(_ROOM), is_open)
            return rooms.order_by(*began_last).limit(MOST_ROOMS)

        return await self._with_people(
            (await self._read(f"the last {MOST_ROOMS} rooms", statement))[::-1]
        )

    async def closed(
        self, before: Sequence[OpenRoom], after: Sequence[OpenRoom]
    ) -> tuple[OpenRoom, ...]:
        """Return the rooms that were open and are not, as they are now; a deleted one is empty."""
        shown = {room.key for room in after}
        gone = {room.key: room for room in before if room.key not in shown}
        if not gone:
            return ()

        def statement() -> Statement:
            return select(*_SHOWN).where(*self._of_some(_ROOM, col(Room.id)))

        rows = await self._read("some rooms", statement, gone)
        found = {room.key: room for room in await self._with_people(rows)}
        rooms = [found.get(key) or replace(gone[key], participants=()) for key in gone]
        return tuple(r for r in rooms if r.key not in found or r.status is not RoomStatus.ACTIVE)

    async def participant_counts(self) -> tuple[StatusCount, ...]:
        """Return how many participants are in each state, over all rooms."""
        status = col(Participant.status)

        def statement() -> Statement:
            return select(status, func.count()).where(*self._of_all(_PERSON)).group_by(status)

        found = {name: count for name, count in await self._read("people", statement)}  # noqa: C416 - rows are sequences
        return tuple(StatusCount(each, found.get(each.value, 0)) for each in ParticipantStatus)

    async def record_counts(self) -> tuple[TypeCount, ...]:
        """Return how many records there are of each type that may be read."""
        name = col(Tally.data_type)

        def statement() -> Statement:
            count = func.sum(col(Tally.record_count))
            return select(name, count).where(*self._of_all(_TALLY)).group_by(name)

        found = {name: int(count) for name, count in await self._read("tallies", statement)}
        return tuple(TypeCount(each, found.get(each.name, 0)) for each in self.types)

    async def flows(self, rooms: Sequence[OpenRoom]) -> list[Flow]:
        """Return what those in some rooms have of what comes at a steady pace."""
        shown = (
            col(Tally.participant_key),
            col(Tally.data_type),
            col(Tally.record_count),
            col(Tally.first_timestamp),
            col(Tally.last_timestamp),
        )

        def statement() -> Statement:
            steady = col(Tally.data_type).in_([each.name for each in STEADY])
            kept = self._of_some(_TALLY, col(Tally.room_key))
            return select(*shown).where(*kept, steady).order_by(*shown[:2])

        rows = await self._read("flows", statement, [room.key for room in rooms])
        flows = [Flow(row[0], RecordType[row[1]], *row[2:]) for row in rows]
        return [flow for flow in flows if flow.data_type in self.types]

    async def retention_notices(self) -> tuple[StandingNotice, ...]:
        """Return what will be deleted, of which notice was given, or is being deleted."""
        names = ("action", "due_at", "first_notice_at", "last_notice_at", "started_at")

        def statement() -> Statement:
            told, done = (_STEP.columns[name] for name in ("first_notice_at", "done_at"))
            kept = (*self._of_all(_STEP), told.is_not(None), done.is_(None))
            shown = [_STEP.columns[name] for name in names]
            return select(*shown).where(*kept).order_by(*shown[1::-1])

        notices: list[StandingNotice] = []
        for action, due, first, last, started in await self._read("notices", statement):
            begins_at = timetable(due, 0, first, first, last).begins_at
            what = RetentionAction(action)
            notices.append(StandingNotice(what, started or begins_at, first, last, started))
        return tuple(notices)

    async def _with_people(self, rooms: Rows) -> tuple[OpenRoom, ...]:
        shown = (
            col(Participant.id),
            col(Participant.room_key),
            col(Participant.participant_id),
            col(Participant.role),
            col(Participant.status),
            col(Participant.joined_at),
        )

        def statement() -> Statement:
            kept = self._of_some(_PERSON, col(Participant.room_key))
            return select(*shown).where(*kept).order_by(col(Participant.id))

        people = defaultdict[int, list[Person]](list)
        for row in await self._read("people in rooms", statement, [room[0] for room in rooms]):
            key, room_key, participant_id, role, status, joined_at = row
            there = ParticipantStatus(status)
            shown_role = await self._shown(_PERSON, "role", role)
            people[room_key].append(Person(key, participant_id, shown_role, there, joined_at))
        return tuple(
            [
                OpenRoom(
                    key,
                    await self._shown(_ROOM, "room_id", room_id),
                    RoomStatus(status),
                    start_time,
                    tuple(people[key]),
                )
                for key, room_id, status, start_time in rooms
            ]
        )

    async def _shown(self, layout: TableLayout, name: str, value: Any) -> Any:  # noqa: ANN401 - a column's
        """Return a value of a column as the caller is shown it."""
        view = await self.context.own_view()
        return value if view is None else view.answer(layout, self.key, value, name)

    def _of_all(self, layout: TableLayout) -> list[ColumnElement[bool]]:
        """Return the clauses that keep what the actor sees of the experiment."""
        experiment = bindparam(_WATCHED, 0, KEY_TYPE)
        return [layout.columns["experiment_key"] == experiment, self.actor.sees_within(layout)]

    def _of_some(
        self, layout: TableLayout, room: SQLColumnExpression[Any]
    ) -> list[ColumnElement[bool]]:
        """Return the clauses that keep what the actor sees of some rooms, by a column of these."""
        return [among(room, keys(_ROOMS)), self.actor.sees_within(layout)]

    async def _read(
        self, what: str, statement: Callable[[], Statement], rooms: Collection[int] = ()
    ) -> Rows:
        prepared = self.context.db.prepare(("watched", what, self.actor.kind), statement)
        given = {_WATCHED: self.key, _ROOMS: sorted(rooms), **self.actor.parameters}
        return await self.context.services.pulse.rows(prepared, given)
