"""Following a room, or an experiment, in this process: a subscription without its socket."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import orjson

from server.access import Actor
from server.audit import Origin
from server.records.users import UserRole
from server.resolvers.context import Context
from server.schema import schema
from server.timestamps import now
from tests.conftest import Api
from tests.factories import Row

ADDED = """subscription ($room: String!, $type: DataType!, $filter: DataFilter, $after: String) {
  recordsAdded(roomId: $room, dataType: $type, filter: $filter, after: $after) {
    count cursor records { __typename id timestamp participantId
      ... on ContinuousRating { ratingId value } ... on Event { eventId }
      ... on Recording { downloadUrl } } } }"""
SECONDS = 20
"""How long a message may take at most."""

Message = dict[str, Any]


class Stream:
    """What is told to one follower, message by message; `context` says who asks."""

    def __init__(self, answers: AsyncGenerator[Any], context: Context) -> None:
        self._answers = answers
        self.context = context

    async def next(self) -> Message:
        """Return the next message, which must not be an error."""
        answer = await asyncio.wait_for(anext(self._answers), SECONDS)
        assert answer.errors is None, answer.errors
        assert answer.data is not None
        [told] = answer.data.values()
        return cast("Message", orjson.loads(orjson.dumps(told)))

    async def refusal(self) -> tuple[str, str]:
        """Return the code and the message of the error that must end it, whatever comes before."""
        while True:
            answer = await asyncio.wait_for(anext(self._answers), SECONDS)
            if answer.errors is not None:
                [error] = answer.errors
                assert [each async for each in self._answers] == []
                return (error.extensions or {})["code"], error.message

    async def ids(self, count: int, name: str = "ratingId") -> list[str]:
        """Return the ids of some records that come next: of so many, if all goes well."""
        found: list[str] = []
        while len(found) < count:
            found += [record[name] for record in (await self.next())["records"]]
        return found


def context_of(api: Api, user: Row, *scopes: str) -> Context:
    """Return the context of somebody's operation."""
    role, person = UserRole(user["role"]), user.get("participant_id")
    actor = Actor(user.key, role, person, frozenset(scopes or ("*",)), narrowed=True)
    return Context(
        api.app.state.services,
        actor,
        lambda: "http://test",
        Origin(),
        present=lambda: replace(actor, at=now()),
    )


@asynccontextmanager
async def following(
    api: Api, user: Row, document: str, *scopes: str, **variables: Any
) -> AsyncGenerator[Stream]:
    """Open a subscription, and close it when the block ends."""
    context = context_of(api, user, *scopes)
    answers = await schema.subscribe(document, variable_values=variables, context_value=context)
    assert isinstance(answers, AsyncIterable), answers
    generator = cast("AsyncGenerator[Any]", answers)
    try:
        yield Stream(generator, context)
    finally:
        await generator.aclose()


def ids_in(message: Message, name: str = "ratingId") -> Sequence[str]:
    return [record[name] for record in message["records"]]
