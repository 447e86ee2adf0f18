"""The pulse: one look for all who follow rooms, and one read for all of them who ask alike."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import Context
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import col

from server.db import Database
from server.key_lists import among, keys
from server.logs import whereabouts
from server.notifying.listener import LOOK_SECONDS, Listener, Subject
from server.records import RecordType
from server.records.revisions import Revision
from server.records.tallies import Tally
from server.statements import Prepared, Statement
from server.timestamps import Timestamp, now

POLL_SECONDS = 0.25
"""How often it is looked for what has come if nobody tells, and at most if somebody does; how long
what is read is shared."""

MOST_SECONDS = 1.0
"""How long at the most while somebody follows what changes with time alone."""

_ROOMS = "room_keys"

Rows = Sequence[Sequence[Any]]

log = logging.getLogger(__name__)


class Followed(NamedTuple):
    """The records of one type in a room."""

    room_key: int
    data_type: RecordType


class Follower:
    """Whoever waits for something to change. There may have been a change before they ask first."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._told.set()

    async def changed(self, until: float | None = None) -> bool:
        """Wait for a change since the last call, at most until some time of the loop."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._told.wait()
        changed = self._told.is_set()
        self._told.clear()  # before they read: what comes meanwhile is told again
        return changed

    def tell(self) -> None:
        self._told.set()


class Pulse:
    """Tells followers of changes, at each beat; it beats only while there are any.

    No queue is kept for anybody: who is told reads from where they are, at their own pace.
    """

    def __init__(self, db: Database, listener: Listener | None = None) -> None:
        self._db = db
        self._listener = listener
        self._followers: defaultdict[Followed | None, set[Follower]] = defaultdict(set)
        self._signs: dict[Followed, tuple[Any, Any]] = {}
        self._shared: dict[object, asyncio.Future[Rows]] = {}
        self._beating: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._due = asyncio.Event()
        self._at = now()
        self._read_from = 0.0
        if listener is not None:
            listener.on(Subject.ROOM, self._hear_of_room)
            for subject in (Subject.EXPERIMENT, Subject.RIGHTS, Subject.OWNER):
                listener.on(subject, lambda _: self._due.set())

    @contextmanager
    def follow(self, followed: Followed | None) -> Generator[Follower]:
        """Be told of what comes to a room, or goes from it; or of each beat, if none is named."""
        follower = Follower()
        self._followers[followed].add(follower)
        self._due.set()
        if not self._beats:
            self._at = now()
            self._beating = asyncio.create_task(self._beat(), context=Context())
        try:
            yield follower
        finally:
            self._followers[followed].discard(follower)
            if not self._followers[followed]:
                del self._followers[followed]
                if followed is not None:
                    self._signs.pop(followed, None)

    @property
    def at(self) -> Timestamp:
        """The moment of the last beat, as of which all ask; now, if it does not beat."""
        if not self._beats:
            return now()
        self._renew()
        return self._at

    @property
    def _beats(self) -> bool:
        return self._beating is not None and not self._beating.done()

    async def rows(
        self, prepared: Prepared, given: Mapping[str, Any], *, quick: bool = True
    ) -> Rows:
        """Read for a follower: what others have asked since the last beat is not asked again."""
        if not self._beats:
            return await self._db.fetch(prepared, given, quick=quick)
        self._renew()
        asked = prepared, *prepared.parameters(given)
        if (reading := self._shared.get(asked)) is None:
            reading = asyncio.ensure_future(self._db.fetch(prepared, given, quick=quick))
            reading.add_done_callback(_heed)
            self._shared[asked] = reading
        return await asyncio.shield(reading)  # others may wait for it

    async def close(self) -> None:
        """Stop beating."""
        self._over.set()
        self._due.set()
        if self._beating is not None:
            await self._beating

    async def _beat(self) -> None:
        while self._followers and not self._over.is_set():
            try:
                changed = await self._changed()
            except Exception as error:
                log.warning("What has come could not be asked: %s", whereabouts(error))
                changed = set[Followed]()
            # at once with telling: what is read from now on is what was told, or newer
            self._renew(POLL_SECONDS)
            for follower in chain(
                *(self._followers[each] for each in (*changed, None) if each in self._followers)
            ):
                follower.tell()
            await self._rest()
        self._shared = {}

    async def _rest(self) -> None:
        """Wait until it is time to look again: until something is told, where that is so."""
        await _comes(self._over, POLL_SECONDS)
        if self._listener is not None and self._listener.listens:
            await _comes(self._due, MOST_SECONDS if None in self._followers else LOOK_SECONDS)
        self._due.clear()

    def _hear_of_room(self, room_key: int | None) -> None:
        if room_key is None or any(
            each is None or each.room_key == room_key for each in self._followers
        ):
            self._due.set()

    def _renew(self, age: float = 0.0) -> None:
        """Forget what is shared once it is too old, though nobody told that it has changed."""
        at = asyncio.get_running_loop().time()
        if at + age - self._read_from >= POLL_SECONDS:
            self._at, self._shared, self._read_from = now(), {}, at

    async def _changed(self) -> set[Followed]:
        """Return what is followed and is not what it was: counts, or what was taken away."""
        if not (rooms := {each.room_key for each in self._followers if each is not None}):
            return set()
        prepared = self._db.prepare("signs of rooms", _signs)
        signs = {
            Followed(room, RecordType[name]): (count, changes)
            for room, name, count, changes in await self._db.fetch(
                prepared, {_ROOMS: sorted(rooms)}
            )
        }
        followed = {each for each in self._followers if each is not None}
        changed = {each for each in followed if signs.get(each) != self._signs.get(each)}
        self._signs = {each: sign for each, sign in signs.items() if each in followed}
        return changed


def _signs() -> Statement:
    """Select how many records each room has of each type, and how often its experiment changed."""
    experiment = col(Tally.experiment_key)
    changes = select(col(Revision.number)).where(col(Revision.experiment_key) == experiment)
    place = col(Tally.room_key), col(Tally.data_type)
    return (
        select(*place, func.sum(col(Tally.record_count)), changes.scalar_subquery())
        .where(among(col(Tally.room_key), keys(_ROOMS)))
        .group_by(*place, experiment)
    )


async def _comes(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _heed(reading: asyncio.Future[Rows]) -> None:
    """Look at a failure for which nobody waits any more, or asyncio will complain of it."""
    if not reading.cancelled():
        reading.exception()
