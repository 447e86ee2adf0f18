"""The toy schema, put together for one way of executing it."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import strawberry
from strawberry.directive import DirectiveLocation, DirectiveValue
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from tests.execution.failures import Expected, later
from tests.execution.toy import (
    SCALARS,
    Box,
    Cat,
    Edge,
    Known,
    Leaf,
    Mutation,
    Pet,
    Size,
    Stone,
    Tree,
    connected,
    streamed,
)
from tests.execution.toy import Connection as Pages
from tests.execution.values import LEAVES, PETS, Shadow, a_box, a_leaf


@strawberry.type
class Query:
    @strawberry.field
    def leaf(self, kind: str = "good") -> Leaf:
        made: Leaf = LEAVES[kind]()
        return made

    @strawberry.field
    def maybe(self, kind: str = "good") -> Leaf | None:
        made: Leaf | None = LEAVES[kind]()
        return made

    @strawberry.field
    async def maybe_later(self, kind: str = "good") -> Leaf | None:
        made: Leaf | None = await later(LEAVES[kind]())
        return made

    @strawberry.field
    def box(self, kind: str = "good", deep: int = 1) -> Box | None:
        made: Box = a_box(kind, deep=deep)
        return made

    @strawberry.field
    async def box_later(self, kind: str = "good") -> Box:
        made: Box = await later(a_box(kind))
        return made

    @strawberry.field
    def mixed(self, kinds: list[str]) -> list[Leaf | None]:
        """Values of several classes in one list."""
        return [LEAVES[kind]() for kind in kinds]

    @strawberry.field
    def must_mixed(self, kinds: list[str]) -> list[Leaf]:
        return [LEAVES[kind]() for kind in kinds]

    @strawberry.field
    def generated(self) -> list[Leaf]:
        return (a_leaf(ident=n) for n in range(2))  # type: ignore[return-value] # as people do

    @strawberry.field
    async def streamed(self, kind: str = "good") -> strawberry.Streamable[Leaf]:
        async for each in streamed([a_leaf(), LEAVES[kind]()]):
            yield each

    @strawberry.field
    def pages(self, first: int = 2, kind: str = "good") -> Pages[Leaf]:
        return connected([a_leaf(), LEAVES[kind](), a_leaf()], first)

    @strawberry.field
    def edge(self) -> Edge[Pet]:
        return Edge(node=Cat(name="on an edge", lives=1), cursor="c")

    @strawberry.field
    def known(self, as_type: str = "Stone", weight: int | None = 3) -> Known | None:
        return Shadow(as_type, weight=weight)  # type: ignore[return-value] # it stands for one

    @strawberry.field
    def pet(self, which: str = "cat") -> Pet | None:
        if which == "raise":
            raise Expected("no pets here")
        return cast("Cat", PETS[which]())

    @strawberry.field
    def echo(
        self,
        text: str | None = "left out",
        numbers: list[int | None] | None = None,
        size: Size = Size.LARGE,
        real: float | None = None,
    ) -> str:
        return f"{text!r} {numbers!r} {size!r} {real!r}"


@strawberry.directive(locations=[DirectiveLocation.FIELD])
def reversed_(value: DirectiveValue[str]) -> str:
    return value[::-1]


class Loud(SchemaExtension):
    def resolve(
        self, _next: Callable[..., Any], root: Any, info: Any, *args: str, **kwargs: Any
    ) -> Any:
        found = _next(root, info, *args, **kwargs)
        return found.upper() if isinstance(found, str) else found


def from_maps(source: Any, name: str) -> Any:
    return source.get(name) if isinstance(source, dict) else getattr(source, name)


VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "with a directive": {"directives": [reversed_]},
    "with an extension": {"extensions": [ParserCache, ValidationCache, Loud]},
    "with maps": {
        "config": StrawberryConfig(scalar_map=SCALARS, default_resolver=from_maps),
    },
}
"""What people add to a schema that changes how it is executed."""


class Quiet(strawberry.Schema):
    """Logs none of the errors that are meant."""

    def process_errors(self, *_: Any, **__: Any) -> None: ...


def toy_schema(
    variant: str = "plain",
    executor: type[StrawberryGraphQLCoreExecutionContext] | None = None,
) -> Quiet:
    """Build the schema; documents are parsed and validated once, as by a server that keeps them."""
    parts = {
        "extensions": [ParserCache, ValidationCache],
        "config": StrawberryConfig(scalar_map=SCALARS),
        **VARIANTS[variant],
    }
    return Quiet(Query, Mutation, types=[Tree, Stone], execution_context_class=executor, **parts)
