"""Documents drawn at random from a schema: selections, arguments, fragments, directives."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import strategies as st

FLAGS = ("s0", "s1")
MOST_SELECTED = 4

Pools = Mapping[str, Sequence[Any]]
"""What to send, by the name of an argument or an input field, or else of a scalar."""


@dataclass(frozen=True)
class Document:
    """A valid document, and variables of several requests for it."""

    text: str
    variables: Sequence[Mapping[str, Any]]


@st.composite
def documents(
    draw: st.DrawFn, schema: GraphQLSchema, pools: Pools, depth: int = 4, seldom: Sequence[str] = ()
) -> Document:
    """Draw a query; arguments that are `seldom` given are those that are mostly refused."""
    draft = _Draft(draw, schema, pools, seldom)
    root = schema.query_type
    assert root is not None
    selected = draft.selection(root, depth, apart=False)
    flags = [name for name in FLAGS if name in draft.flags]
    declared = [*draft.declared, *(f"${name}: Boolean!" for name in flags)]
    head = f"query Drawn({', '.join(declared)})" if declared else "query Drawn"
    switched = [{name: draw(st.booleans()) for name in flags} for _ in range(2)]
    text = "\n".join([f"{head} {selected}", *draft.fragments.values()])
    return Document(text, [draft.given | each for each in switched])


@dataclass
class _Draft:
    draw: st.DrawFn
    schema: GraphQLSchema
    pools: Pools
    seldom: Sequence[str]
    declared: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    fragments: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    names: int = 0

    def once_in(self, times: int) -> bool:
        return self.draw(st.integers(1, times)) == times

    def name(self, start: str) -> str:
        self.names += 1
        return f"{start}{self.names}"

    def selection(self, type_: GraphQLNamedType, depth: int, *, apart: bool) -> str:
        """Draw what to select; `apart` gives every field a name of its own.

        So it must be wherever other types may be selected in the same place.
        """
        apart = apart or is_abstract_type(type_)
        makers = self._makers(type_, depth, apart=apart)
        chosen = self.draw(st.lists(st.sampled_from(makers), min_size=1, max_size=MOST_SELECTED))
        return f"{{ {' '.join(make() for make in chosen)} }}"

    def _makers(
        self, type_: GraphQLNamedType, depth: int, *, apart: bool
    ) -> list[Callable[[], str]]:
        makers: list[Callable[[], str]] = [lambda: self._typename()]
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for name, each in type_.fields.items():
                if is_leaf_type(get_named_type(each.type)):
                    makers.append(lambda n=name, e=each: self._field(n, e, 0, apart))  # type: ignore[misc] # bound now
                elif depth:
                    made = lambda n=name, e=each: self._field(n, e, depth - 1, apart)  # noqa: E731
                    makers += [made, made]
        if depth:
            inline = lambda: self._inline(type_, depth, apart)  # noqa: E731
            makers += [inline, inline, lambda: self._spread(type_, depth)]
        return makers

    def _typename(self) -> str:
        alias = f"{self.name('t')}: " if self.once_in(3) else ""
        return f"{alias}__typename{self._directive()}"

    def _field(self, name: str, field_: GraphQLField, depth: int, apart: bool) -> str:
        alias = ""
        if apart or field_.args or self.once_in(5):
            alias = f"{self.name(name)}: "
        arguments = self._arguments(field_.args)
        named = get_named_type(field_.type)
        selected = "" if is_leaf_type(named) else f" {self.selection(named, depth, apart=False)}"
        return f"{alias}{name}{arguments}{self._directive()}{selected}"

    def _inline(self, type_: GraphQLNamedType, depth: int, apart: bool) -> str:
        narrow = self._narrower(type_)
        on = f" on {narrow}" if narrow is not type_ or self.once_in(2) else ""
        return f"...{on}{self._directive()} {self.selection(narrow, depth - 1, apart=apart)}"

    def _spread(self, type_: GraphQLNamedType, depth: int) -> str:
        known = [name for name, on in self.types.items() if on == type_.name]
        if known and self.once_in(2):
            return f"...{self.draw(st.sampled_from(known))}{self._directive()}"
        narrow = self._narrower(type_)
        body = self.selection(narrow, depth - 1, apart=True)
        name = self.name("F")
        self.fragments[name] = f"fragment {name} on {narrow} {body}"
        self.types[name] = narrow.name
        return f"...{name}{self._directive()}"

    def _narrower(self, type_: GraphQLNamedType) -> GraphQLNamedType:
        if not is_abstract_type(type_):
            return type_
        possible = self.schema.get_possible_types(type_)
        chosen: GraphQLNamedType = self.draw(st.sampled_from([*possible, type_]))
        return chosen

    def _directive(self) -> str:
        if not self.once_in(8):
            return ""
        which = self.draw(st.sampled_from(["skip", "include"]))
        flag = self.draw(st.sampled_from([*FLAGS, *FLAGS, "true", "false"]))
        if flag in FLAGS:
            self.flags.add(flag)
            flag = f"${flag}"
        return f" @{which}(if: {flag})"

    def _arguments(self, arguments: Mapping[str, GraphQLArgument]) -> str:
        given = [
            f"{name}: {self._argument(name, argument)}"
            for name, argument in arguments.items()
            if is_required_argument(argument) or self.once_in(20 if name in self.seldom else 4)
        ]
        return f"({', '.join(given)})" if given else ""

    def _argument(self, name: str, argument: GraphQLArgument) -> str:
        value = self.draw(self.values(name, argument.type, 2))
        if not self.once_in(3):
            return literal(value, argument.type)
        variable = self.name("v")
        self.declared.append(f"${variable}: {argument.type}")
        if isinstance(argument.type, GraphQLNonNull) or not self.once_in(4):
            self.given[variable] = value
        return f"${variable}"

    def values(self, name: str, type_: GraphQLInputType, depth: int) -> st.SearchStrategy[Any]:
        """Return what may be given for an argument or a field of an input."""
        if isinstance(type_, GraphQLNonNull):
            return self._present(name, type_.of_type, depth)
        present = self._present(name, type_, depth)
        return st.integers(0, 9).flatmap(lambda n: present if n else st.none())

    def _present(self, name: str, type_: Any, depth: int) -> st.SearchStrategy[Any]:
        if isinstance(type_, GraphQLList):
            return st.lists(self.values(name, type_.of_type, depth), max_size=3)
        if isinstance(type_, GraphQLEnumType):
            return st.sampled_from(sorted(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            return self._inputs(type_, depth)
        return st.sampled_from(self.pools.get(name) or self.pools[type_.name])

    def _inputs(self, type_: GraphQLInputObjectType, depth: int) -> st.SearchStrategy[Any]:
        fields = type_.fields
        required = [name for name, each in fields.items() if is_required_input_field(each)]
        optional = [
            name
            for name, each in fields.items()
            if name not in required
            and (depth or not isinstance(get_named_type(each.type), GraphQLInputObjectType))
        ]
        more = (
            st.lists(st.sampled_from(optional), max_size=2, unique=True)
            if optional
            else st.just([])
        )
        return more.flatmap(
            lambda names: st.fixed_dictionaries(
                {
                    name: self.values(name, fields[name].type, depth - 1)
                    for name in [*required, *names]
                }
            )
        )


def literal(value: Any, type_: Any) -> str:
    """Return a value as it is written in a document."""
    if isinstance(type_, GraphQLNonNull):
        return literal(value, type_.of_type)
    if value is None:
        return "null"
    if isinstance(type_, GraphQLList) and isinstance(value, list):
        return f"[{', '.join(literal(each, type_.of_type) for each in value)}]"
    if isinstance(type_, GraphQLInputObjectType):
        given = (
            f"{name}: {literal(each, type_.fields[name].type)}" for name, each in value.items()
        )
        return f"{{{', '.join(given)}}}"
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    return _json(value)


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_json(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    return json.dumps(value, ensure_ascii=False)
