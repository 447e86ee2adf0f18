"""Watching an experiment: told at once what goes on there, and again whenever that has changed."""

from collections.abc import AsyncGenerator

from server.live.activity import Activity, happenings, silences
from server.records.experiments import EXPERIMENTS
from server.records.participants import PARTICIPANTS
from server.resolvers.context import Context
from server.resolvers.reads import tell
from server.resolvers.watching import EXPERIMENT, Watched
from server.timestamps import now

EVERY_BEATS = 2
"""At how many beats of the pulse it is looked again: that makes it twice a second."""


async def activity(context: Context, experiment_id: str) -> AsyncGenerator[Activity]:
    """Yield what goes on in an experiment: at once, and then whenever it is not what it was.

    NotFound as soon as the caller may not see it any more.
    """
    context.actor.require(EXPERIMENTS.scope, PARTICIPANTS.scope)
    shown: Activity | None = None
    with context.services.pulse.follow(None) as follower:
        while True:
            watched = await Watched.find(context.renewed(), experiment_id)
            found = await _activity(watched, shown)
            if shown is None:
                tell(context, EXPERIMENT, [(watched.key,)], entry=True)
            if shown is None or not found.is_as(shown):
                shown = found
                yield found
            for _ in range(EVERY_BEATS):
                await follower.changed()


async def _activity(watched: Watched, before: Activity | None) -> Activity:
    rooms = await watched.open_rooms()
    people, records = await watched.participant_counts(), await watched.record_counts()
    flows = await watched.flows(rooms)
    closed = await watched.closed(before.rooms, rooms) if before else ()
    at = now()
    return Activity(
        at=at,
        rooms=rooms,
        participant_counts=people,
        record_counts=records,
        silences=tuple(silences(rooms, flows, at)),
        retention_notices=await watched.retention_notices(),
        happenings=tuple(happenings(before.rooms, rooms, closed)) if before else (),
    )
