"""The Python expressions by which the values of a row become those of an answer."""

from typing import Any, NoReturn

from graphql import (
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLString,
    is_leaf_type,
    is_list_type,
)
from orjson import Fragment

from server.execution.plans import NotPlanned
from server.global_ids import id_writer
from server.rows import Layout


class LeftToGraphQL(Exception):
    """A value that has no form in the answer, or none that is sure: graphql-core has to see it."""


def leave() -> NoReturn:
    """Give a plan up where an expression must not go on."""
    raise LeftToGraphQL


class Names:
    """The values that generated code calls by name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"leave": leave}

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
        return f"{names.name(id_writer(layout.type_name))}(r[{layout.place['key']}])"
    if attribute not in layout.place:
        raise NotPlanned
    place = layout.place[attribute]
    nullable = not isinstance(type_, GraphQLNonNull)
    leaf = type_ if nullable else type_.of_type
    if is_list_type(leaf):
        texts = _texts(names, layout, place, leaf, f"r[{place}]")
        return f"(None if r[{place}] is None else {texts})" if nullable else texts
    assert is_leaf_type(leaf)
    if leaf in (GraphQLString, GraphQLID):
        stored = f"r[{place}]"
        return stored if nullable else f"(x if (x := {stored}) is not None else leave())"
    if not nullable:
        return _leaf(names, layout, place, leaf, f"(x := r[{place}])")
    shown = _leaf(names, layout, place, leaf, "x")
    return f"(None if (x := r[{place}]) is None else {shown})"


def _leaf(names: Names, layout: Layout, place: int, type_: GraphQLLeafType, first: str) -> str:
    """Return the expression for a value that `first` yields and, from then on, `x`."""
    if type_ is GraphQLInt:
        return f"(x if -2147483648 <= {first} <= 2147483647 else leave())"
    if type_ is GraphQLFloat:
        return f"(x if {first}.__class__ is float and x - x == 0.0 else leave())"
    if isinstance(type_, GraphQLEnumType):
        return f"{names.name(_enum_names(type_))}[{first}]"
    assert isinstance(type_, GraphQLScalarType)
    if type_.name == "JSON" and layout.raw:
        return f"{names.name(Fragment)}({first})"
    show = type_.coerce_output_value
    if (reader := layout.readers[place]) is not None:
        return f"{names.name(show)}({names.name(reader)}({first}))"
    return f"{names.name(show)}({first})"


def _enum_names(type_: GraphQLEnumType) -> dict[Any, str]:
    """Return the names of an enum's values, by the value and by what is stored for it."""
    kind = getattr(type_, "wrapped_cls", None)
    if kind is None:
        raise NotPlanned
    shown: dict[Any, str] = {name: name for name in type_.values}  # stored by name, or by value
    for name, value in type_.values.items():
        shown[value.value] = shown[kind(value.value)] = name
    return shown


def _texts(names: Names, layout: Layout, place: int, type_: GraphQLList[Any], stored: str) -> str:
    """Return the expression for a list of texts, the only lists that columns hold."""
    if not (isinstance(type_.of_type, GraphQLNonNull) and type_.of_type.of_type is GraphQLString):
        raise NotPlanned
    if (reader := layout.readers[place]) is not None:
        stored = f"{names.name(reader)}({stored})"
    return f"{names.name(_only_texts)}({stored})"


def _only_texts(values: object) -> list[str]:
    if isinstance(values, list) and all(type(value) is str for value in values):
        return values
    leave()
