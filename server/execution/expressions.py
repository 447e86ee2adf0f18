"""The Python expressions by which the values of a row become those of an answer."""

# graphql-core's types are generic in what they leave unsaid:
# pyright: basic

from binascii import b2a_base64
from collections.abc import Sequence
from typing import Any, NoReturn

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLString,
    get_named_type,
    is_leaf_type,
    is_list_type,
)
from orjson import Fragment, loads

from server.execution.plans import NotPlanned
from server.rows import Layout


class LeftToGraphQL(Exception):
    """A value that has no form in the answer, or none that is sure: graphql-core has to see it."""


def leave() -> NoReturn:
    """Give a plan up where an expression must not go on."""
    raise LeftToGraphQL


def items(values: object) -> Sequence[Any]:
    """Return a list; anything else that could be gone through, a text above all, is none."""
    return values if isinstance(values, list | tuple) else leave()


class Names:
    """The values that generated code calls by name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {
            "leave": leave,
            "items": items,
            "loads": loads,
            "to_base64": b2a_base64,
        }

    def name(self, value: object) -> str:
        """Return a new name of a value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return name


def read(names: Names, layout: Layout, attribute: str, type_: GraphQLOutputType) -> str:
    """Return the expression that shows an attribute of `r`, the values of a row, as a type's.

    It raises whatever it raises where the value is none of the type: rows are trusted to hold what
    their columns say, but not that numbers fit, nor that what must not be null is not.
    """
    if attribute == "id":
        shown = f"{layout.type_name}:%d".encode()  # see global_ids
        return (
            f"to_base64({shown!r} % r[{layout.place['key']}], newline=False).rstrip(b'=').decode()"
        )
    if attribute not in layout.place:
        raise NotPlanned
    place = layout.place[attribute]
    stored, reader = f"r[{place}]", layout.readers[place]
    named = get_named_type(type_)
    if isinstance(named, GraphQLScalarType) and named.name == "JSON":
        show = Fragment if layout.raw else named.coerce_output_value  # kept as text, shown as it is
        return _unless_null(type_, stored, f"{names.name(show)}({stored})")
    if layout.raw and reader is not None and _is_list(type_):
        stored = f"None if {stored} is None else loads({stored})"
        return _shown(names, type_, f"({stored})", sure=False)
    if reader is not None and not isinstance(named, GraphQLEnumType):
        stored = f"{names.name(reader)}({stored})"
    return _shown(names, type_, stored, sure=reader is None)


def _is_list(type_: GraphQLOutputType) -> bool:
    return is_list_type(type_.of_type if isinstance(type_, GraphQLNonNull) else type_)


def _shown(names: Names, type_: GraphQLOutputType, stored: str, *, sure: bool) -> str:
    """Return the expression that shows what `stored` yields; `sure` says that text is text."""
    whole, nullable = type_, not isinstance(type_, GraphQLNonNull)
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if is_list_type(type_):
        each = _shown(names, type_.of_type, "e", sure=False)  # JSON's lists hold anything
        return _unless_null(whole, stored, f"[{each} for e in items({stored})]")
    assert is_leaf_type(type_)
    if type_ in (GraphQLString, GraphQLID) and sure:
        return stored if nullable else f"(x if (x := {stored}) is not None else leave())"
    if nullable:
        return f"(None if (x := {stored}) is None else {_leaf(names, type_, 'x')})"
    return _leaf(names, type_, f"(x := {stored})")


def _unless_null(type_: object, stored: str, shown: str) -> str:
    return (
        shown if isinstance(type_, GraphQLNonNull) else f"(None if {stored} is None else {shown})"
    )


def _leaf(names: Names, type_: GraphQLLeafType, first: str) -> str:
    """Return the expression for a value that `first` yields and, from then on, `x`."""
    if type_ in (GraphQLString, GraphQLID):
        return f"(x if {first}.__class__ is str else leave())"
    if type_ is GraphQLInt:
        return f"(x if -2147483648 <= {first} <= 2147483647 else leave())"
    if type_ is GraphQLFloat:
        return f"(x if {first}.__class__ is float and x - x == 0.0 else leave())"
    if type_ is GraphQLBoolean:
        return f"(x if {first}.__class__ is bool else leave())"
    if isinstance(type_, GraphQLEnumType):
        return f"{names.name(_enum_names(type_))}[{first}]"
    return f"{names.name(type_.coerce_output_value)}({first})"


def _enum_names(type_: GraphQLEnumType) -> dict[Any, str]:
    """Return the names of an enum's values, by the value and by what is stored for it."""
    kind = getattr(type_, "wrapped_cls", None)
    if kind is None:
        raise NotPlanned
    shown: dict[Any, str] = {name: name for name in type_.values}  # stored by name, or by value
    for name, value in type_.values.items():
        shown[value.value] = shown[kind(value.value)] = name
    return shown
