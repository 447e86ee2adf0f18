"""A schema of everything that execution can meet, and nothing of ours."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Generic, NewType, TypeVar, cast
from uuid import UUID

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.scalars import JSON
from strawberry.types.field import StrawberryField
from strawberry.types.scalar import ScalarDefinition

from tests.execution.failures import Expected, fail, later

Item = TypeVar("Item")
Money = NewType("Money", object)
SCALARS: dict[object, ScalarDefinition] = {
    Money: strawberry.scalar(name="Money", serialize=lambda cents: f"{cents / 100:.2f}")
}


@strawberry.enum
class Colour(Enum):
    RED = "r"
    GREEN = "g"
    WARM = strawberry.enum_value("w", name="HOT")


@strawberry.enum
class Size(StrEnum):
    SMALL = "s"
    LARGE = "l"


class Denied(BasePermission):
    message = "not for you"
    error_extensions = {"code": "DENIED"}  # noqa: RUF012 - as strawberry declares it

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return kwargs.get("word") == "please"


class Shouting(FieldExtension):
    def resolve(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        return next_(source, info, **kwargs).upper()


class Doubled(StrawberryField):
    """A field that reads its attribute in a way of its own."""

    def get_result(self, *args: Any, **kwargs: Any) -> Any:
        found: Any = super().get_result(*args, **kwargs)
        return found * 2


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Edge(Generic[Item]):
    node: Item
    cursor: str


@strawberry.type
class Connection(Generic[Item]):
    edges: list[Edge[Item]]
    nodes: list[Item]
    page_info: PageInfo
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field
    async def total_count(self) -> int:
        return await self.count()


def connected(items: list[Any], first: int) -> Connection[Any]:
    page = items[:first]
    edges = [Edge(node=item, cursor=f"cursor {n}") for n, item in enumerate(page)]
    end = edges[-1].cursor if edges else None
    info = PageInfo(has_next_page=len(page) < len(items), end_cursor=end)
    return Connection(edges=edges, nodes=page, page_info=info, count=lambda: later(len(items)))


@strawberry.interface
class Known:
    """Told apart by a word of the value itself, as rows are that stand in for types."""

    id: strawberry.ID

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        return getattr(value, "stands_for", type(value).__name__) == cls.__name__


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Cat(Named):
    lives: int


@strawberry.type
class Dog(Named):
    barks: bool | None

    @strawberry.field
    async def tricks(self, count: int = 1) -> list[str]:
        return await later([f"trick {n}" for n in range(count)])


@strawberry.type
class Tree(Known, Named):
    height: float | None


@strawberry.type
class Stone(Known):
    weight: int


Pet = Annotated[Cat | Dog, strawberry.union("Pet")]


@strawberry.type
class Leaf:
    ident: strawberry.ID
    maybe_ident: strawberry.ID | None
    text: str
    maybe_text: str | None
    whole: int
    maybe_whole: int | None
    real: float
    maybe_real: float | None
    flag: bool
    maybe_flag: bool | None
    colour: Colour
    maybe_colour: Colour | None
    size: Size
    when: datetime
    maybe_when: datetime | None
    day: date
    clock: time
    key: UUID
    amount: Decimal
    json: JSON
    maybe_json: JSON | None
    money: Money
    maybe_money: Money | None
    texts: list[str]
    maybe_wholes: list[int | None]
    maybe_texts: list[str] | None
    grid: list[list[int]]
    maybe_grid: list[list[int | None] | None] | None
    colours: list[Colour]
    renamed: str = strawberry.field(name="otherName", default="other")
    forbidden: str | None = strawberry.field(permission_classes=[Denied], default="secret")
    needed: str = strawberry.field(permission_classes=[Denied], default="secret")
    loud: str = strawberry.field(extensions=[Shouting()], default="loud")
    doubled: str = Doubled(graphql_name="doubled", default="xy")  # type: ignore[assignment] # a field's class

    @strawberry.field
    def said(self, times: int = 1, words: list[str] | None = None, how: Size | None = None) -> str:
        return f"{self.ident} {times} {words} {how}"

    @strawberry.field
    async def said_later(self, times: int = 1) -> str | None:
        return await later(f"{self.ident} {times}")

    @strawberry.field
    def fails(self, how: str = "raise") -> str | None:
        return cast("str", fail(how))

    @strawberry.field
    def must(self, how: str = "raise") -> str:
        return cast("str", fail(how))

    @strawberry.field
    async def fails_later(self, how: str = "raise") -> str | None:
        await asyncio.sleep(0)
        return cast("str", fail(how))

    @strawberry.field
    async def must_later(self, how: str = "raise") -> str:
        await asyncio.sleep(0)
        return cast("str", fail(how))

    @strawberry.field(permission_classes=[Denied])
    async def asked(self, word: str = "") -> str:
        return await later(word)

    @strawberry.field
    def child(self) -> "Leaf | None":
        return self


@strawberry.type
class Box:
    leaf: Leaf
    maybe: Leaf | None
    leaves: list[Leaf]
    maybe_leaves: list[Leaf | None]
    some_leaves: list[Leaf] | None
    rows: list[list[Leaf]]
    maybe_rows: list[list[Leaf | None] | None]
    named: Named
    pet: Pet | None
    pets: list[Pet]
    maybe_pets: list[Pet | None]
    cats: list[Cat]
    known: list[Known | None]
    box: "Box | None"

    @strawberry.field
    async def box_later(self) -> "Box":
        return await later(self)

    @strawberry.field
    async def connection(
        self, first: int = 2, *, broken: bool = False, empty: bool = False
    ) -> Connection[Leaf]:
        if broken:
            raise Expected("no such page")
        return connected([] if empty else [*self.leaves, self.maybe], first)


@dataclass
class State:
    """The context of one operation: what it changes, and whether it may be executed fast."""

    fast_path: bool = True
    total: int = 0
    log: list[str] = field(default_factory=list)


@strawberry.input
class Sum:
    number: int
    times: int = 1
    note: str | None = strawberry.UNSET


@strawberry.type
class Added:
    total: int
    log: list[str]
    error: str | None = None


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def add(self, info: strawberry.Info[State, None], number: int, slowly: int = 0) -> Added:
        """Each waits before it adds: the next one must wait for it."""
        for _ in range(slowly):
            await asyncio.sleep(0)
        state = info.context
        state.total += number
        state.log.append(f"add {number}")
        return Added(total=state.total, log=[*state.log])

    @strawberry.mutation
    def add_sum(self, info: strawberry.Info[State, None], given: Sum) -> Added:
        info.context.total += given.number * given.times
        note = "no note" if given.note is strawberry.UNSET else f"note {given.note}"
        return Added(total=info.context.total, log=[note])

    @strawberry.mutation
    async def refuse(self, info: strawberry.Info[State, None]) -> Added | None:
        info.context.log.append("refuse")
        raise Expected("refused")

    @strawberry.mutation
    def refuse_all(self, info: strawberry.Info[State, None]) -> Added:
        info.context.log.append("refuse all")
        raise Expected("all refused")


async def streamed(items: list[Any]) -> AsyncGenerator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item
