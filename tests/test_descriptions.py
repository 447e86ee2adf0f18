"""The schema explains itself: everything has a description, and numbers name their units."""

import re
from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    specified_directives,
)
from sqlalchemy import inspect

from server.records.listed import Listed
from server.resolvers.lookups import NODES
from server.schema import schema
from tests.expected import camel, snake

BUILT = build_schema(schema.as_str())
OURS = [
    type_
    for name, type_ in sorted(BUILT.type_map.items())
    if not name.startswith("__") and name not in ("String", "Int", "Float", "Boolean", "ID")
]
UNITS = {
    "ms": r"\bms\b|\bmilliseconds\b",
    "0 to 1": r"0 to 1\b",
    "scale units": r"\bscale",
    "bytes": r"\bbytes\b",
    "exports": r"\bexports\b",
    "records": r"\brecords\b",
    "requests": r"\brequests\b",
    "participants": r"\bparticipants\b",
    "ratio": r"\b1 is real time\b",
    "pixels": r"1280x720",
    "ISO 8601 UTC": r"",  # the scalar DateTime says so
}
"""How a description may name each unit that a column has."""


def parts(type_: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Yield the name and the description of a type and of all that is in it."""
    yield type_.name, type_.description
    if isinstance(type_, GraphQLEnumType):
        for name, value in type_.values.items():
            yield f"{type_.name}.{name}", value.description
    elif isinstance(type_, GraphQLInputObjectType):
        for name, given in type_.fields.items():
            yield f"{type_.name}.{name}", given.description
    elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in type_.fields.items():
            yield f"{type_.name}.{name}", field.description
            for argument, taken in field.args.items():
                yield f"{type_.name}.{name}({argument}:)", taken.description


@pytest.mark.parametrize("type_", OURS, ids=str)
def test_everything_is_described(type_: GraphQLNamedType) -> None:
    assert [name for name, text in parts(type_) if not text or not text.strip()] == []


@pytest.mark.parametrize("type_", OURS, ids=str)
def test_a_description_is_a_sentence_that_says_more_than_the_name(type_: GraphQLNamedType) -> None:
    for name, text in parts(type_):
        assert text is not None
        assert text[0].isupper() or not text[0].isalpha(), name
        assert text.rstrip().endswith((".", "`", "…")), name
        assert re.sub(r"\W", "", text).lower() != name.rpartition(".")[2].lower()


def test_our_own_directives_are_described() -> None:
    standard = {directive.name for directive in specified_directives}
    assert all(each.description for each in BUILT.directives if each.name not in standard)


def numbers() -> Iterator[tuple[str, str, str]]:
    """Yield name, unit and description of whatever shows, asks for or sorts by a column's unit."""
    for name, listed in NODES.items():
        units = {
            column.key: column.info["unit"]
            for column in inspect(listed.model).columns
            if column.info.get("unit")
        }
        shown, asked = BUILT.type_map[name], BUILT.type_map.get(listed.filter.__name__)
        assert isinstance(shown, GraphQLObjectType)
        conditions = asked.fields if isinstance(asked, GraphQLInputObjectType) else {}
        order = BUILT.type_map.get(listed.order.__name__)
        choices = order.values if isinstance(order, GraphQLEnumType) else {}
        for column, unit in units.items():
            for where, said in (
                (name, shown.fields.get(camel(column))),
                (listed.filter.__name__, conditions.get(camel(column))),
                (listed.order.__name__, choices.get(column.upper())),
            ):
                if said is not None:
                    yield f"{where}.{column}", unit, said.description or ""


@pytest.mark.parametrize(("name", "unit", "text"), list(numbers()))
def test_what_has_a_unit_names_it(name: str, unit: str, text: str) -> None:
    assert re.search(UNITS[unit], text, re.IGNORECASE), f"{name} is in {unit}: {text}"


def _numeric(fields: dict[str, GraphQLField]) -> Iterator[str]:
    for name, field in fields.items():
        if get_named_type(field.type).name in ("Int", "Float", "BigInt"):
            yield name


@pytest.mark.parametrize("listed", NODES.values(), ids=NODES)
def test_a_number_that_is_stored_has_a_unit(listed: Listed) -> None:
    type_ = BUILT.type_map[listed.model.__name__]
    assert isinstance(type_, GraphQLObjectType)
    columns = inspect(listed.model).columns
    stored = [name for name in map(snake, _numeric(type_.fields)) if name in columns]
    assert [name for name in stored if not columns[name].info.get("unit")] == []
