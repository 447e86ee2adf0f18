"""How a field can fail to have a value, by name, so that a document can say which way."""

import asyncio
from collections.abc import Generator, Mapping
from copy import copy
from typing import Any, TypeVar

from graphql import GraphQLError

Value = TypeVar("Value")


class Expected(Exception):
    """A failure with a code, such as a server tells its clients."""

    extensions = {"code": "EXPECTED"}  # noqa: RUF012 - as graphql-core looks for it


class Later:
    """An awaitable that is no coroutine."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, None, Any]:
        yield from asyncio.sleep(0).__await__()
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


async def later(value: Value) -> Value:
    """Return a value, but not at once."""
    await asyncio.sleep(0)
    return value


async def raised_later(error: Exception) -> Any:
    await asyncio.sleep(0)
    raise error


RAISED: Mapping[str, Exception] = {
    "raise": ValueError("raised"),
    "expected": Expected("expected"),
    "graphql": GraphQLError("of GraphQL", extensions={"code": "OWN", "more": [1, None]}),
    "located": GraphQLError("located elsewhere", path=["else", 1]),
}
RETURNED: Mapping[str, Any] = {
    "return an error": ValueError("returned"),
    "none": None,
    "number": 5,
    "list": [1],
    "fine": "fine",
}


def fail(how: str) -> Any:
    """Raise, or return what may be no text."""
    if how in RAISED:
        raise copy(RAISED[how])
    return RETURNED[how]
