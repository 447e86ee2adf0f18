"""A schema of batched fields over rows of odd values: what plans are made for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import Integer, column

from server.batches import Batches
from server.cursors import PageRequest, SortKey
from server.execution.executor import PlanningExecutor
from server.execution.fields import Batched
from server.limits.weights import Meter
from server.paging import Page
from server.rows import Layout, Row, Rows
from server.schema.connection import Connection, loaded
from server.schema.scalars import SCALARS
from server.timestamps import Timestamp


@strawberry.enum
class Kind(Enum):
    ONE = "one"
    TWO = "two"


NAMES = ["key", "text", "number", "share", "flag", "kind", "moment", "tags", "shares"]
THING: Any = Layout("Thing", NAMES)
THING.columns = {name: column(name, Integer) for name in NAMES}
OTHER = Layout("Other", NAMES[:2])

Values = Sequence[Any]


@dataclass
class State:
    """The context of an operation, with what there is to show."""

    things: Sequence[Values]
    fast_path: bool
    batches: Batches = field(init=False)
    meter: Meter = field(default_factory=Meter)
    asked: int = 0

    def __post_init__(self) -> None:
        self.batches = Batches(self)


@dataclass(frozen=True)
class Ask:
    """Loads whatever `how` says, for each source."""

    how: str
    first: int = 3

    async def load(self, context: State, sources: Sequence[Any], _wanted: object) -> list[Any]:
        context.asked += 1
        return [self._one(context, source) for source in sources]

    def _one(self, context: State, source: Any) -> Any:
        things = context.things[: self.first]
        if self.how == "fails" or (self.how == "fails for some" and getattr(source, "key", 0) == 1):
            raise ValueError(self.how)
        return LOADED.get(self.how, _last)(things)


def _page(things: Sequence[Values]) -> Page:
    request = PageRequest((SortKey("number"),), len(things), "toy")
    return Page(THING, things, request, bool(things), False)


def _last(things: Sequence[Values]) -> Row | None:
    return THING.row(things[-1]) if things else None


LOADED: Mapping[str, Callable[[Sequence[Values]], Any]] = {
    "none": lambda _: None,
    "other": lambda _: OTHER.row([7, "other"]),
    "no row": lambda _: object(),
    "rows": lambda things: Rows(THING, things),
    "mixed": lambda things: [OTHER.row([8, None]), None, *map(THING.row, things)],
    "count": lambda things: len(things) if len(things) < 3 else 2**31,
    "page": _page,
}


class Whole(strawberry.extensions.FieldExtension):
    """An extension beside, which leaves a field to graphql-core."""

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        return f"<{next_(source, info, **kwargs)}>"


First = Annotated[int, strawberry.argument(description="How many.")]


@strawberry.interface
class Keyed:
    @strawberry.field
    def from_resolver(self, times: int = 1) -> str:
        row: Any = self
        return str(row.key) * times

    @strawberry.field(extensions=[Batched()])
    def one(self, how: str = "one", first: First = 3) -> "Thing | None":
        return loaded(Ask(how, first))

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        return isinstance(value, Row) and value.layout.type_name == cls.__name__


@strawberry.type
class Other(Keyed):
    text: str | None


@strawberry.type
class Thing(Keyed):
    id: strawberry.ID
    text: str | None
    number: int | None
    share: float | None
    flag: bool | None
    kind: Kind | None
    moment: Timestamp | None
    tags: list[str] | None
    shares: list[float | None]

    @strawberry.field
    def sure(self) -> str:
        return self.text  # type: ignore[return-value] # null where none may be is what is tried

    @strawberry.field(extensions=[Batched("number")])
    def must(self, how: str = "one") -> "Thing":
        return loaded(Ask(how))

    @strawberry.field(extensions=[Batched()])
    def count(self, first: First = 3) -> int:
        return loaded(Ask("count", first))

    @strawberry.field(extensions=[Batched(), Whole()])
    def wrapped(self) -> str | None:
        return loaded(Ask("none"))

    @strawberry.field(extensions=[Batched()])
    def things(self, how: str = "rows", first: First = 3) -> list["Thing"]:
        return loaded(Ask(how, first))

    @strawberry.field(extensions=[Batched()])
    def page(self, first: First = 3) -> Connection["Thing"]:
        return loaded(Ask("page", first))

    @strawberry.field
    async def later(self, fail: bool = False) -> "Thing | None":
        if fail:
            raise ValueError("later")
        row: Any = self
        return row


@strawberry.type
class Query:
    @strawberry.field(extensions=[Batched()])
    def thing(self, how: str = "one", first: First = 3) -> Thing | None:
        return loaded(Ask(how, first))

    @strawberry.field(extensions=[Batched()])
    def keyed(self, how: str = "mixed", first: First = 3) -> list[Keyed | None]:
        return loaded(Ask(how, first))

    @strawberry.field(extensions=[Batched()])
    def either(self, how: str = "other") -> Keyed | None:
        return loaded(Ask(how))

    @strawberry.field(extensions=[Batched()])
    def page(self, how: str = "page", first: First = 3) -> Connection[Thing]:
        return loaded(Ask(how, first))

    @strawberry.field
    def plain(self) -> str:
        return "plain"


schema = strawberry.Schema(
    Query,
    types=[Thing, Other],
    execution_context_class=PlanningExecutor,
    scalar_overrides={Timestamp: SCALARS[Timestamp]},
)
